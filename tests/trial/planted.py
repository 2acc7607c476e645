"""Engines in which rules are changed: the reference, and while it computes other rules stand in its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gradlaw_properties.engines import forward_mode_of, pullback_of, reference_target, run, second_order_of
from gradlaw_reference import RULES, Rule
from gradlaw_spec import Array, Program, Pull, Target
from gradlaw_spec.target import Values

Rules = Mapping[str, Rule]


class Calls:
    """How often an engine was called: its forward runs, and its pullbacks."""

    def __init__(self) -> None:
        self.number = 0


@contextmanager
def planted(rules: Rules) -> Iterator[None]:
    """Put rules into the reference's table, and take them out again: what judges never sees them."""
    right = {name: RULES[name] for name in rules}
    RULES.update(rules)
    try:
        yield
    finally:
        RULES.update(right)


def planted_target(rules: Rules, calls: Calls | None = None) -> Target:
    """Return the reference with some rules changed, as a target; ``calls`` counts what it is asked."""
    counted = calls or Calls()

    def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **options: Any) -> Any:
            counted.number += 1
            with planted(rules):
                return function(*given, **options)

        return call

    right = pullback_of()

    def pullback(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[tuple[Array, ...], Pull]:
        outputs, pull = guarded(right)(program, values, keep)
        return outputs, guarded(pull)

    return reference_target(
        "changed",
        pullback=pullback,
        plain=guarded(run),
        second_order=guarded(second_order_of()),
        jvp=guarded(forward_mode_of(second_order_of())),
    )
