"""Addresses: reading, writing, and which ones a pattern means."""

from __future__ import annotations

import pytest

from gradlaw_spec import Address, Verdict

WHOLE = Address("softmax", "gradient", "float32")


def test_an_address_is_read_and_written() -> None:
    assert Address.parse("softmax/gradient@float32") == WHOLE
    assert str(WHOLE) == "softmax/gradient@float32"


@pytest.mark.parametrize("text", ["softmax", "softmax/gradient", "softmax@float32", "/gradient", "@float32", ""])
def test_what_is_not_named_stays_empty(text: str) -> None:
    address = Address.parse(text)
    assert str(address) == text
    assert WHOLE.matches(address)


@pytest.mark.parametrize("pattern", ["soft*", "*/gradient", "*/gr*@float*", "*@float32", "softmax/[g-l]*", "*"])
def test_a_pattern_fits(pattern: str) -> None:
    assert WHOLE.matches(pattern)


@pytest.mark.parametrize("pattern", ["soft", "*/grad", "@float64", "softmax/gradient@float3", "Softmax", "*gradient"])
def test_a_pattern_does_not_fit(pattern: str) -> None:
    assert not WHOLE.matches(pattern)


def test_what_is_bad_is_said_once() -> None:
    assert {verdict for verdict in Verdict if verdict.is_bad} == {Verdict.VIOLATION, Verdict.CRASH, Verdict.TIMEOUT}
