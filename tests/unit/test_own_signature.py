"""Signatures of functions under test: what is read, and what is refused with a cure."""

from __future__ import annotations

import pytest

from gradlaw.own.signature import Input, read_signature
from gradlaw_spec import SpecError


def test_every_kind_of_input() -> None:
    text = "x: batch d, w: d, k: 3 d, s:, labels: int batch < d, i: int < 4, mask: bool batch d, scale: float"
    assert read_signature(text) == (
        Input("x", "real", ("batch", "d")),
        Input("w", "real", ("d",)),
        Input("k", "real", ("3", "d")),
        Input("s", "real"),
        Input("labels", "int", ("batch",), "d"),
        Input("i", "int", (), "4"),
        Input("mask", "bool", ("batch", "d")),
        Input("scale", "float"),
    )


def test_a_number_is_a_fixed_length() -> None:
    assert read_signature("x: batch 3")[0].shape({"batch": 5}) == (5, 3)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "signature=''"),
        ("x", "input='x'"),
        ("x: d, x: d", "name='x' twice"),
        ("x: d-1", "'d-1'"),
        ("x: d 0", "'0'"),
        ("x: d < 3", "x: d < 3"),
        ("x: d, n: int < v", "n < v"),
        ("x: d, s: float d", "s: float d"),
        ("n: int d < 3", "n: int d < 3"),
    ],
)
def test_what_is_refused(text: str, found: str) -> None:
    with pytest.raises(SpecError, match="signature") as caught:
        read_signature(text)
    assert found in str(caught.value)
