"""Every primitive's page against the reference: formulas, definitions, and what every page must have.

The formulas run in an evaluator of their own (``formula_evaluator``): in fractions, where the reference's
rational result must be the same number, or at 80 digits, where the reference's narrow ball must contain it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from formula_evaluator import (
    DIGITS,
    complete,
    evaluate_page,
    fractions,
    multiprecision,
    parsed,
)
from page_points import points, reference

from gradlaw_reference import RATIONAL, RULES, Ball, run, using, vjp
from gradlaw_spec import (
    AttributeValue,
    Function,
    Primitive,
    Program,
    composition,
    load_pages,
    load_primitives,
    parse_formula,
)
from gradlaw_spec.attributes import holds
from gradlaw_spec.formula import COMPARISONS

PAGES = load_primitives()
PRECISION, NARROW = 160, 100
"""Bits with which the reference computes, and to which its ball must determine the result: some cancel."""

NAMES = tuple(sorted(PAGES))
ALONE = tuple(name for name in NAMES if not PAGES[name].results)
"""The primitives with one result; ``test_results`` looks at the others."""


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:
    with mpmath.workdps(DIGITS), using(Ball(precision=4 * DIGITS)):
        yield


def _ball(number: Any) -> arb:
    """Return a number of mpmath as a ball that has the exact one, with ten digits for mpmath's own rounding."""
    middle = arb(fmpq(*mpmath.libmp.to_rational(mpmath.mpf(number)._mpf_)))
    return middle + arb(0, 1) * (1 + abs(middle)) * arb(10) ** (10 - DIGITS)


def assert_same(what: str, expected: Any, got: Any) -> None:
    """Assert that the reference has the evaluator's result: the same fraction, or a narrow ball with it inside."""
    if isinstance(expected, list):
        assert len(expected) == len(got), what
        for position, (one, other) in enumerate(zip(expected, got, strict=True)):
            assert_same(f"{what}[{position}]", one, other)
        return
    assert expected.shape == got.shape, f"{what}: found shape={got.shape}; expected {expected.shape}"
    for place in np.ndindex(*expected.shape):
        number, own = expected[place], got[place]
        where = f"{what}{list(place)}: the page says {number}, the reference {own}"
        if isinstance(own, fmpq):
            assert Fraction(int(own.p), int(own.q)) == number, where
        else:
            if mpmath.isnan(number):
                assert not own.is_finite(), where
                continue
            assert own.overlaps(_ball(number)), where
            nothing = own.contains(0) and own.rad() < 2.0**-NARROW
            assert own.is_exact() or nothing or own.rel_accuracy_bits() > NARROW, f"{where}, which is not narrow"


def choices(page: Function) -> Iterator[dict[str, Any]]:
    """Yield attributes of a page for each of its choices; what is no choice is 0."""
    given = [item.choices or (0,) for item in page.attributes]
    for values in product(*given):
        yield dict(zip((item.name for item in page.attributes), values, strict=True))


def with_alternatives(page: Primitive) -> Iterator[Primitive]:
    """Yield the page, and the page with each of its other formulas of value and gradients in the place of the first."""
    yield page
    if page.computed:
        yield replace(page, value=page.computed)
    for position, operand in enumerate(page.operands):
        for formula in operand.alternatives:
            changed = replace(operand, vjp=formula)
            yield replace(page, operands=(*page.operands[:position], changed, *page.operands[position + 1 :]))


@pytest.mark.parametrize("name", ALONE)
def test_formulas_agree_with_the_reference(name: str) -> None:
    page = PAGES[name]
    make = fractions if page.rational else multiprecision
    for point in points(page):
        with using(RATIONAL if page.rational else Ball(precision=PRECISION)):
            value, gradients = reference(page, point)
        for variant in with_alternatives(page):
            expected = evaluate_page(variant, point.values(page, make), point.attributes, make(point.cotangent))
            assert_same(f"{name}{point.attributes}", expected.value, value)
            assert expected.gradients.keys() == gradients.keys()
            if any(kink.corner for kink in page.kinks) and (expected.value == 0).any():
                continue  # the formula is 0/0 at a corner, whose set test_joint_sets looks at
            for operand in variant.differentiable:
                if variant is not page and not holds(operand.when, page.complete(point.attributes)):
                    continue
                what = f"{name}{point.attributes}: {operand.vjp}"
                assert_same(what, expected.gradients[operand.name], gradients[operand.name])


# --- compositions ---------------------------------------------------------------------------------

COMPOSED = tuple(name for name in NAMES if PAGES[name].composition)


@pytest.mark.parametrize("name", COMPOSED)
def test_composition_is_made_of_simpler_primitives(name: str) -> None:
    reached: list[str] = []
    waiting = [name]
    while waiting:
        page = load_pages()[waiting.pop()]
        if not page.composition:
            assert page.name in PAGES, f"{page.name} is no primitive, and its page has no composition"
            continue
        used = frozenset[str]().union(*(composition(page, given).primitives for given in choices(page)))
        assert name not in used, f"{name} is defined by way of itself: {' -> '.join((*reached, page.name))}"
        reached.append(page.name)
        waiting.extend(used)


@pytest.mark.parametrize("name", COMPOSED)
def test_composition_has_the_same_value_and_gradients(name: str) -> None:
    page = PAGES[name]
    for point in points(page):
        if any(item.kind in ("lower", "upper") and point.attributes.get(item.name) is None for item in page.attributes):
            continue
        program = composition(page, point.attributes)

        def composed(*primals: Any, program: Program = program) -> Any:
            return run(program, dict(zip(program.inputs, primals, strict=True)))[program.outputs[0]]

        with using(RATIONAL if page.rational else Ball(precision=PRECISION)):
            value, pullback = vjp(composed, *point.arrays)
            gradients = [gradient.data for gradient in pullback(point.cotangent)]
        make = fractions if page.rational else multiprecision
        expected = evaluate_page(page, point.values(page, make), point.attributes, make(point.cotangent))
        assert_same(f"composition of {name}{point.attributes}", expected.value, value.data)
        for operand, gradient in zip(program.inputs, gradients, strict=True):
            assert_same(f"composition of {name}: gradient of {operand}", expected.gradients[operand], gradient)


def test_a_primitive_without_a_rule_is_its_composition() -> None:
    composed = {name for name in ALONE if RULES[name].composed}
    assert composed
    by_shapes = {"einsum", "conv1d", "conv2d"}
    assert composed - set(COMPOSED) == by_shapes, "what these are composed of follows from subscripts or shapes"
    assert composed >= {name for name in NAMES if PAGES[name].rounding == "composed"}


@pytest.mark.parametrize("name", ALONE)
def test_a_smooth_rule_is_the_formula_of_its_page(name: str) -> None:
    page, rule = PAGES[name], RULES[name]
    names = ("g", "value", *(operand.name for operand in page.operands))
    for position, operand in enumerate(page.operands):
        programs = rule.written(position)
        # A composed primitive's rule is the engine's, and its closed form an alternative.
        formulas = (operand.vjp, *operand.alternatives)
        if rule.composed:
            programs, formulas = programs[1:], operand.alternatives
        for program, text in zip(programs, formulas if programs else (), strict=True):
            same = program == parse_formula(text, names, load_pages())
            assert same, f"the rule of {name} differs from {text!r}: write the one as the other"


# --- what every page has --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_page_is_complete(name: str) -> None:
    page = PAGES[name]
    assert page.examples, f"the page of {name}: add an example"
    assert page.rounding != "exact" or page.accuracy == 0
    for operand in page.operands:
        assert bool(operand.vjp) == (operand.kind in ("real", "sequence") and not page.results), (
            f"{name}.{operand.name}: vjp={operand.vjp!r}"
        )
    for heading in ("# " + name, "## Backward", "## Domain and kinks", "## Accuracy"):
        assert f"{heading}\n" in page.body, f"the page of {name}: add a section {heading!r}"
    stated = re.search(r"## Accuracy\n(.*?)(\n## |\Z)", page.body, re.DOTALL)
    assert stated is not None
    found = re.search(r"\bk = (\d+)", stated.group(1))
    assert found is not None, f"the page of {name}, Accuracy: say which k"
    assert int(found.group(1)) == page.accuracy, f"the page of {name}: text and front matter differ in k"


@pytest.mark.parametrize("name", NAMES)
def test_formulas_use_known_functions_only(name: str) -> None:
    page = PAGES[name]
    operands = tuple(operand.name for operand in page.operands)
    known = {*load_pages(), *COMPARISONS.values()}
    for given in choices(page):
        attributes: Mapping[str, AttributeValue] = complete(page, given)
        for formula in [result.value for result in page.results] or [page.value]:
            earlier = tuple(result.name for result in page.results)
            assert parsed(formula, (*operands, *earlier), attributes).primitives <= known
        for operand in page.differentiable if not page.results else ():
            assert parsed(operand.vjp, (*operands, "value", "g"), attributes).primitives <= known


@pytest.mark.parametrize("name", NAMES)
def test_boundary_values_lie_in_the_closed_domain(name: str) -> None:
    for operand in PAGES[name].operands:
        for value in operand.boundary:
            assert any(interval.lower <= value <= interval.upper for interval in operand.domain), (
                f"{name}.{operand.name}: boundary {value}"
            )


@pytest.mark.parametrize("name", NAMES)
def test_kinks_name_operands_and_attributes(name: str) -> None:
    page = PAGES[name]
    words = {operand.name for operand in page.operands} | {attribute.name for attribute in page.attributes}
    for kink in page.kinks:
        assert set(kink.allowed) <= {operand.name for operand in page.differentiable}
        written = {attribute.name: attribute.value for attribute in page.attributes}
        ends = [kink.slopes(operand, written) for operand in kink.allowed]
        assert all(lower <= upper for lower, upper in ends)
        if kink.where.ties:
            assert page.shapes in ("reduction", "along-axis", "moved", "windows")
            continue
        assert kink.corner or kink.where.operand in words
        assert isinstance(kink.where.other, float) or kink.where.other in words
