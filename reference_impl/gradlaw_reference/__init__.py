"""Certified gradients in pure Python: an engine, four arithmetics, and one rule for each primitive.

``grad``, ``value_and_grad`` and ``vjp`` have JAX's signatures; each primitive of the law book is a function
of this module (``gradlaw_reference.sigmoid(x)``). ``with using(RATIONAL)`` or ``with using(Ball())`` runs the
same rules on fractions or on certified balls, ``Rounding("float32")`` on all that a float32 implementation may return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlaw_reference import rules
from gradlaw_reference.arithmetic import (
    FLOAT64,
    RATIONAL,
    Arithmetic,
    Ball,
    Data,
    Float,
    Rational,
    Rounding,
    arithmetic,
    rounding,
    using,
)
from gradlaw_reference.engine import Array, Node, Tape, apply, as_array, in_dtype, vjp
from gradlaw_reference.gradients import grad, value_and_grad
from gradlaw_reference.primitives import primitive_function
from gradlaw_reference.programs import (
    Certified,
    Enclosures,
    admissible,
    apply_step,
    certify,
    certify_pullback,
    evaluate,
    program_vjp,
    run,
    second_vjp,
)
from gradlaw_reference.rule import RULES, Rule
from gradlaw_spec import load_primitives

__all__ = [
    "FLOAT64",
    "RATIONAL",
    "RULES",
    "Arithmetic",
    "Array",
    "Ball",
    "Certified",
    "Data",
    "Enclosures",
    "Float",
    "Node",
    "Rational",
    "Rounding",
    "Rule",
    "Tape",
    "admissible",
    "apply",
    "apply_step",
    "arithmetic",
    "as_array",
    "certify",
    "certify_pullback",
    "evaluate",
    "grad",
    "in_dtype",
    "program_vjp",
    "rounding",
    "rules",
    "run",
    "second_vjp",
    "using",
    "value_and_grad",
    "vjp",
]

_PRIMITIVES: dict[str, Callable[..., Any]] = {
    name: primitive_function(page) for name, page in load_primitives().items() if name in RULES or page.results
}


def __getattr__(name: str) -> Callable[..., Any]:
    """Find a primitive of the law book by its name."""
    if name in _PRIMITIVES:
        return _PRIMITIVES[name]
    raise AttributeError(f"gradlaw_reference has no {name!r}: it is neither a function nor a primitive of the law book")


def __dir__() -> list[str]:
    return sorted([*__all__, *_PRIMITIVES])
