"""How a rule enters the table: joined with its page, which owns defaults, alternative formulas and compositions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data, arithmetic
from gradlaw_reference.engine import Array, Tape, apply, as_array, unbroadcast, vjp
from gradlaw_reference.rule import RULES, LocalRule, Rule
from gradlaw_reference.rules.written import written
from gradlaw_spec import (
    Function,
    Interval,
    Primitive,
    Program,
    SpecError,
    Step,
    composition,
    interpret,
    load_pages,
    load_primitives,
    parse_formula,
)
from gradlaw_spec.attributes import When, holds
from gradlaw_spec.formula import COMPARISONS

SIDES: Final = {"greater": True, "less": False}
"""Comparisons of two sides that may meet at a kink: whether the first is to be the larger."""


def elementwise(name: str, *vjp: LocalRule) -> None:
    """Define a primitive that the arithmetic computes element by element; its attributes are numbers."""

    def value(used: Arithmetic, *data: Data, **attributes: float) -> Data:
        return used.elementary(name, *data, *map(used.constant, attributes.values()))

    _enter(Rule(name, value, vjp, elementwise=True))


def data_rule(
    name: str,
    value: Callable[..., Any],
    *vjp: LocalRule,
    sequence: bool = False,
    elementwise: bool = False,
    alternatives: tuple[tuple[LocalRule, ...], ...] = (),
) -> None:
    """Define a primitive by what it does to data: ``value(arithmetic, *data, **attributes)``.

    ``alternatives`` are other ways to compute each operand's gradient, for a step whose page has no formula of them.
    """
    _enter(Rule(name, value, vjp, sequence=sequence, elementwise=elementwise, alternatives=alternatives))


def function(name: str, value: Callable[..., Array], *vjp: LocalRule, sequence: bool = False) -> None:
    """Define a step that is made of primitives: its gradient is theirs, or is given (of a ``sequence`` it must be)."""
    found = vjp or differentiated(value, len(load_pages()[name].operands))
    _enter(Rule(name, value, found, composed=True, sequence=sequence))


def enter_compositions() -> None:
    """Define every primitive that has no rule of its own by the composition of its page."""
    for name, page in load_primitives().items():
        if name not in RULES and not page.results:
            function(name, _composed(page))


def _composed(page: Primitive) -> Callable[..., Array]:
    """Return a page's composition as a function of Arrays."""
    if not page.composition:
        cure = "Write a rule in gradlaw_reference/rules, or a composition on the page."
        raise SpecError(f"primitive {page.name}", "neither a rule nor a composition", "one of the two", cure)

    return computed(lambda attributes: composition(page, attributes))


def computed(program: Callable[[Mapping[str, Any]], Program]) -> Callable[..., Array]:
    """Return the program that attributes give as a function of Arrays, computed with the primitives."""

    def value(*operands: Any, **attributes: Any) -> Array:
        return _run(program(attributes), operands, _apply)  # type: ignore[no-any-return]

    return value


def _run(program: Program, operands: tuple[Any, ...], step: Callable[[Step, tuple[Any, ...]], Any]) -> Any:
    """Compute a formula's program with the primitives."""
    given = dict(zip(program.inputs, operands, strict=True))
    known = interpret(program, given, step)
    return known[program.outputs[0]]


def _apply(step: Step, operands: tuple[Any, ...]) -> Any:
    """Apply a step of a formula; what is compared is data, and a comparison that rounding leaves open does not hold.

    What is selected by comparing numbers of the program is a number still.
    """
    if step.primitive == "where" and isinstance(operands[0], bool):
        return operands[1] if operands[0] else operands[2]
    if step.primitive in COMPARISONS.values():
        if all(isinstance(operand, int | float) for operand in operands):
            return bool(getattr(np, step.primitive)(*operands))
        return Array(np.asarray(getattr(np, step.primitive)(*map(raw, operands)), dtype=bool))
    return apply(step.primitive, operands, step.attributes)


@dataclass(frozen=True, slots=True)
class _Side:
    """A comparison at a kink: how much of the cotangent goes to the side where it holds."""

    share: Array


def _apply_at_kinks(step: Step, operands: tuple[Any, ...]) -> Any:
    """Apply a step of a formula of a primitive with kinks: what is selected where two sides meet is between the two."""
    if step.primitive == "where" and isinstance(operands[0], _Side):
        return apply("blend", (operands[0].share, *operands[1:]), {})
    if step.primitive in SIDES:
        return _Side(apply("share", operands if SIDES[step.primitive] else operands[::-1], {}))
    return _apply(step, operands)


def differentiated(
    value: Callable[..., Array], operands: int, tape: Callable[[], Tape] = Tape
) -> tuple[LocalRule, ...]:
    """Return the local rule of each operand of a function that is made of primitives: the engine's own pullback."""

    def local(position: int) -> LocalRule:
        def rule(g: Array, result: Array, *primals: Any, **attributes: Any) -> Array:
            return vjp(lambda *variables: value(*variables, **attributes), *primals, tape=tape())[1](g)[position]

        return rule

    return tuple(map(local, range(operands)))


def _enter(rule: Rule) -> None:
    """Put a rule into the table, with what its page adds."""
    page = load_pages()[rule.name]
    kinks = page.kinks if isinstance(page, Primitive) else ()
    alternatives = tuple(
        tuple(written_gradient(page, formula) for formula in operand.alternatives) for operand in page.operands
    )
    if rule.composed:
        alternatives = tuple(
            tuple(_fitted(formula, position) for formula in formulas) for position, formulas in enumerate(alternatives)
        )
    alternatives = tuple(
        tuple(_sometimes(formula, rule.vjp[place], page.operands[place].when) for formula in formulas)
        for place, formulas in enumerate(alternatives)
    )
    RULES[rule.name] = replace(
        rule,
        alternatives=alternatives if any(alternatives) else rule.alternatives,
        corners=tuple(kink for kink in kinks if kink.corner),
        domains=_domains(page) if rule.elementwise else (),
        exact=page.exact if isinstance(page, Primitive) else rule.exact,
        signature=page.signature if isinstance(page, Primitive) else rule.signature,
        complete=page.complete if page.attributes else dict,
        writer=written,
    )


def _domains(page: Function) -> tuple[tuple[Interval, ...], ...]:
    """Return the domain of each operand where some of them have an outside; none where regions lie there."""
    if not isinstance(page, Primitive) or page.regions:
        return ()
    domains = tuple(operand.domain for operand in page.operands)
    return domains if any(map(_leaves_out, domains)) else ()


def _leaves_out(domain: tuple[Interval, ...]) -> bool:
    """Whether more than single numbers lie outside of intervals."""
    ordered = sorted(domain, key=lambda interval: interval.lower)
    lower, upper = [*(interval.lower for interval in ordered), math.inf], [-math.inf, *(one.upper for one in ordered)]
    return any(end < start for end, start in zip(upper, lower, strict=True))


def _fitted(formula: LocalRule, position: int) -> LocalRule:
    """Return a formula of an operand's gradient, summed to its shape, as the gradient of a composition is."""

    def rule(g: Array, value: Array, *operands: Any, **attributes: Any) -> Array:
        found: Array = formula(g, value, *operands, **attributes)
        return unbroadcast(found, as_array(operands[position]).shape)

    return rule


def _sometimes(formula: LocalRule, own: LocalRule, when: When) -> LocalRule:
    """Return a formula at the attributes at which it is one, and the rule itself elsewhere."""

    def rule(*operands: Any, **attributes: Any) -> Any:
        return (formula if holds(when, attributes) else own)(*operands, **attributes)

    return rule if when else formula


def written_gradient(page: Function, formula: str) -> LocalRule:
    """Return a page's formula of a gradient as a rule, computed with the primitives."""
    names = ("g", "value", *(operand.name for operand in page.operands))
    kinks = page.kinks if isinstance(page, Primitive) else ()
    step = _apply_at_kinks if any(not kink.corner for kink in kinks) else _apply

    @cache
    def program(attributes: tuple[tuple[str, Any], ...]) -> Program:
        return parse_formula(formula, names, load_pages(), attributes=dict(attributes))

    def rule(g: Array, *operands: Any, **attributes: Any) -> Array:
        found = _run(program(tuple(attributes.items())), (g, *operands), step)
        return g * found if isinstance(found, int | float) else found

    return rule


def raw(value: Any) -> Any:
    """Return the data of an Array that a rule only looks at (its shape, a condition, a kink)."""
    return value.data if isinstance(value, Array) else arithmetic().asarray(value)
