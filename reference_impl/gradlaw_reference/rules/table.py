"""How a rule enters the table: joined with its page, which owns defaults, alternative formulas and compositions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from gradlaw_reference.arithmetic import arithmetic
from gradlaw_reference.engine import RULES, Array, LocalRule, Rule, apply
from gradlaw_reference.rules.written import written
from gradlaw_spec import Primitive, Program, load_primitives, parse_formula

NO_PAGE = ("after", "route", "share", "share_of_maximum", "scatter", "scatter_take", "unreduce")
"""Steps that rules are made of and that have no page of their own."""


def elementwise(name: str, *vjp: LocalRule) -> None:
    """Define a primitive that the arithmetic computes element by element."""
    _enter(Rule(name, lambda used, *data: used.elementary(name, *data), vjp, elementwise=True))


def data_rule(name: str, value: Callable[..., Any], *vjp: LocalRule, sequence: bool = False) -> None:
    """Define a primitive by what it does to data: ``value(arithmetic, *data, **attributes)``."""
    _enter(Rule(name, value, vjp, sequence=sequence))


def composed(name: str, value: Callable[..., Array], *vjp: LocalRule) -> None:
    """Define a primitive whose value is made of other primitives, each rounded."""
    _enter(Rule(name, value, vjp, composed=True))


def _enter(rule: Rule) -> None:
    page = load_primitives().get(rule.name)
    if page is None:
        RULES[rule.name] = rule
        return
    alternatives = tuple(
        tuple(_formula_rule(page, formula) for formula in operand.alternatives) for operand in page.operands
    )
    RULES[rule.name] = replace(
        rule,
        alternatives=alternatives if any(alternatives) else (),
        complete=page.complete if page.attributes else dict,
        writer=written,
    )


def _formula_rule(page: Primitive, formula: str) -> LocalRule:
    """Return a page's formula of a gradient as a rule, computed with the primitives."""
    names = ("g", "value", *(operand.name for operand in page.operands))

    @cache
    def program(attributes: tuple[tuple[str, Any], ...]) -> Program:
        return parse_formula(formula, names, frozenset((*load_primitives(), *NO_PAGE)), attributes=dict(attributes))

    def rule(*operands: Any, **attributes: Any) -> Array:
        values: dict[str, Any] = dict(zip(names, operands, strict=True))
        steps = program(tuple(attributes.items())).steps
        for step in steps:
            chosen = tuple(values[item] if isinstance(item, str) else item for item in step.operands)
            values[step.name] = apply(step.primitive, chosen, step.attributes)
        return values[steps[-1].name]  # type: ignore[no-any-return]

    return rule


def raw(value: Any) -> Any:
    """Return the data of an Array that a rule only looks at (its shape, a condition, a kink)."""
    return value.data if isinstance(value, Array) else arithmetic().asarray(value)
