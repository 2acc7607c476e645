"""Witnesses are small: one element where one shows it, cotangents of one, numbers with few digits."""

from __future__ import annotations

import pytest

from gradlaw_properties import mutants
from gradlaw_properties.examine import Settings, Unit, examine
from gradlaw_properties.mutants import Mutant
from gradlaw_spec import Case, Verdict


def witness_of(subject: str, law: str, mutant: Mutant) -> Case:
    (cell,) = examine(Unit(subject, mutant.dtype, (law,)), mutant.build(), Settings())
    assert cell.verdict is Verdict.VIOLATION
    assert cell.witness is not None
    return cell.witness.case


@pytest.mark.parametrize(
    ("subject", "law", "mutant"),
    [
        ("tanh", "gradient", mutants.wrong_below_zero),
        ("log1p", "accuracy", mutants.loses_digits_in_the_tail),
        ("multiply", "gradient", mutants.wrong_above_hundred),
    ],
)
def test_one_element_shows_what_is_wrong_with_an_elementwise_primitive(subject: str, law: str, mutant: Mutant) -> None:
    case = witness_of(subject, law, mutant)
    assert [value.size for value in case.values.values()] == [1] * len(case.values)
    assert case.cotangents[0].tolist() in (1.0, [1.0], [[1.0]])
    assert all(len(repr(float(value.ravel()[0]))) <= 8 for value in case.values.values())


def test_what_needs_a_cotangent_of_its_own_keeps_one() -> None:
    """An engine that ignores the cotangent is right where that is one."""
    case = witness_of("tanh", "gradient", mutants.ignores_cotangent)
    assert case.cotangents[0].ravel()[0] != 1
