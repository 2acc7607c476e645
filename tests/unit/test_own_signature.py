"""Signatures of functions under test: what is read, and what is refused with a cure."""

from __future__ import annotations

import pytest

from gradlaw.own.batching import check_axis
from gradlaw.own.drawing import axes_of
from gradlaw.own.signature import Input, length_of, read_signature
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


def test_a_length_is_made_of_others() -> None:
    x, w, labels = read_signature("x: batch 2*d, w: h*d+1 t+2, labels: int batch < 2*d")
    sizes = {"batch": 5, "d": 3, "h": 2, "t": 1}
    assert (x.shape(sizes), w.shape(sizes)) == ((5, 6), (7, 3))
    assert length_of(labels.limit, sizes) == 6
    assert axes_of((x, w, labels)) == ["batch", "d", "h", "t"]


def test_a_batch_inside_of_another_length_is_no_batch() -> None:
    with pytest.raises(SpecError, match="another axis of y"):
        check_axis(read_signature("x: batch d, y: 2*batch d"), "batch")


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
        ("x: d+", "'d+'"),
        ("x: Float n d", "'Float' in"),
        ("x: n d int", "'int' in"),
        ("x: 0*d", "'0*d'"),
        ("x: 2 * d", "'*'"),
        ("x: d, n: int < 2*v", "n < 2*v"),
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
