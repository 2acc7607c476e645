"""The pages of the steps that formulas and rules are made of: each has a rule, and its examples come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import fmpq

from gradlaw_reference import RATIONAL, RULES, Array, apply, as_array, using, vjp
from gradlaw_reference.rules.table import written_gradient
from gradlaw_spec import Example, Function, load_functions, load_primitives

FUNCTIONS = load_functions()


def test_no_function_is_a_primitive() -> None:
    assert not set(FUNCTIONS) & set(load_primitives())


def test_every_function_has_a_rule() -> None:
    """But for what has a result for each of a sequence: the rules of concat, stack and einsum are told which."""
    with_sequence = {name for name, page in FUNCTIONS.items() if any(o.kind == "sequence" for o in page.operands)}
    assert set(FUNCTIONS) - set(RULES) == with_sequence == {"piece", "einsum_back"}


def operands_of(page: Function, example: Example) -> list[Any]:
    kinds = {"index": np.int64, "boolean": np.bool_}
    return [np.asarray(example.operands[item.name], dtype=kinds.get(item.kind, float)) for item in page.operands]


def exact(value: Any) -> Any:
    return np.vectorize(fmpq, otypes=[object])(np.asarray(value))


EXAMPLES = [(name, example) for name, page in FUNCTIONS.items() for example in page.examples]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples(name: str, example: Example) -> None:
    page = FUNCTIONS[name]
    attributes = {key: tuple(item) if isinstance(item, list) else item for key, item in example.attributes.items()}
    operands = operands_of(page, example)
    real = [position for position, item in enumerate(page.operands) if item.kind == "real"]

    def function(*variables: Array) -> Array:
        given = list(operands)
        for position, variable in zip(real, variables, strict=True):
            given[position] = variable
        return apply(name, tuple(given), attributes)

    with using(RATIONAL):
        value, pullback = vjp(function, *(operands[position] for position in real))
        gradients = pullback(np.asarray(example.cotangent, dtype=float))
    assert (value.data == exact(example.value)).all()
    for position, gradient in zip(real, gradients, strict=True):
        expected = example.gradients.get(page.operands[position].name)
        assert (gradient.data == (0 if expected is None else exact(expected))).all()


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_formulas_of_gradients(name: str, example: Example) -> None:
    page = FUNCTIONS[name]
    attributes = {key: tuple(item) if isinstance(item, list) else item for key, item in example.attributes.items()}
    for operand in page.operands:
        if operand.vjp:
            with using(RATIONAL):
                given = (np.asarray(example.cotangent, float), np.asarray(example.value, float))
                formula = written_gradient(page, operand.vjp)
                gradient = as_array(formula(*given, *operands_of(page, example), **page.complete(attributes)))
            assert (gradient.data == exact(example.gradients[operand.name])).all()
