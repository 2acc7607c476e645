"""Mutants: wrong engines, each the reference with one fault, that the laws must kill.

A mutant is killed on a ``subject`` (a primitive, or ``program``) in a ``dtype``; ``tests/meta`` runs the laws
that claim it there. The faults are those that real engines have had, and those of ``LAWS``.
"""

from __future__ import annotations

from typing import Any, Final

from gradlaw_properties.mutants import calls, finished, forward, other_ways, rules, second_order, tapes
from gradlaw_properties.mutants.mutant import Mutant

__all__ = ["Mutant", "all_mutants"]

_MUTANTS: Final = {
    name: item
    for module in (finished, rules, tapes, calls, second_order, forward, other_ways)
    for name, item in vars(module).items()
    if isinstance(item, Mutant)
}


def __getattr__(name: str) -> Any:
    if name in _MUTANTS:
        return _MUTANTS[name]
    raise AttributeError(name)


def all_mutants() -> tuple[Mutant, ...]:
    """Return every hand-written mutant, by name."""
    found = {mutant.name: mutant for mutant in _MUTANTS.values()}
    return tuple(found[name] for name in sorted(found))
