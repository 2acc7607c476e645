"""Every worked example of every page, by the page's own formulas and by the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
from formula_evaluator import DIGITS, evaluate_page, fractions, multiprecision
from page_points import Point, reference
from written_numbers import array_of, assert_written

from gradlaw_reference import RATIONAL, Ball, using
from gradlaw_spec import AttributeValue, Example, Primitive, load_primitives, parse_formula

PAGES = load_primitives()


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:
    with mpmath.workdps(DIGITS), using(Ball(precision=4 * DIGITS)):
        yield


def attributes_of(example: Example) -> dict[str, AttributeValue]:
    """Return an example's attributes; an index is written as in Python."""
    result: dict[str, AttributeValue] = {}
    for name, value in example.attributes.items():
        if isinstance(value, str) and name not in ("dtype", "subscripts"):
            assert name == "index", f"{name}={value!r}: only an index, a dtype and subscripts are written as strings"
            result[name] = parse_formula(f"x[{value}]", ("x",), ()).steps[0].attributes["index"]
        else:
            result[name] = tuple(value) if isinstance(value, list) else value
    return result


def point_of(page: Primitive, example: Example) -> Point:
    """Return an example's operands, attributes and cotangent."""
    arrays: list[np.ndarray[Any, Any]] = []
    for operand in page.operands:
        given = example.operands[operand.name]
        if operand.kind == "sequence":
            assert isinstance(given, list)
            arrays.extend(array_of(item) for item in given)
        else:
            array = array_of(given)
            arrays.append(array.astype({"boolean": bool, "index": np.int64}.get(operand.kind, np.float64)))
    return Point(tuple(arrays), attributes_of(example), array_of(example.cotangent))


def examples() -> list[Any]:
    """Return each example of each page with one result, as a parameter of a test."""
    return [
        pytest.param(name, example, id=f"{name}-{number}")
        for name in sorted(PAGES)
        if not PAGES[name].results
        for number, example in enumerate(PAGES[name].examples, 1)
    ]


@pytest.mark.parametrize(("name", "example"), examples())
def test_example(name: str, example: Example) -> None:
    page = PAGES[name]
    point = point_of(page, example)
    make = fractions if page.rational else multiprecision
    expected = evaluate_page(page, point.values(page, make), point.attributes, make(point.cotangent))
    with using(RATIONAL if page.rational else Ball()):
        value, gradients = reference(page, point)
    assert_written("value, by the page's formula", example.value, expected.value)
    assert_written("value, by the reference", example.value, value)
    assert set(example.gradients) <= set(gradients)
    for operand, written_gradient in example.gradients.items():
        assert_written(f"gradient of {operand}, by the page's formula", written_gradient, expected.gradients[operand])
        assert_written(f"gradient of {operand}, by the reference", written_gradient, gradients[operand])
