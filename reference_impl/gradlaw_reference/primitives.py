"""The primitives as functions: ``sigmoid(x)``, ``sum(x, axis=0)``, ``concat([x, y], axis=0)``, …

One for each page of the spec, made from the page: operands positional, attributes keywords.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradlaw_reference.arithmetic import arithmetic
from gradlaw_reference.engine import apply, in_dtype
from gradlaw_reference.programs import apply_step
from gradlaw_spec import Primitive, Step
from gradlaw_spec.primitive import OperandKind


def operand(value: Any, kind: OperandKind) -> Any:
    """Return an operand as its kind needs it: reals as the arithmetic's numbers, others as plain arrays."""
    if not isinstance(value, np.ndarray | list | tuple):
        return value
    return in_dtype(value, arithmetic().start) if kind in ("real", "sequence") else np.asarray(value)


def primitive_function(page: Primitive) -> Callable[..., Any]:
    """Return the function of a primitive: operands positional, attributes under their spec names.

    It returns a tuple where the primitive has several results.
    """
    operands = [item.name for item in page.operands]
    kinds: list[OperandKind] = [item.kind for item in page.operands]
    sequence = page.operands[0].kind == "sequence"
    names = frozenset(attribute.name for attribute in page.attributes)

    results = tuple(result.name for result in page.results)

    def function(*values: Any, **attributes: Any) -> Any:
        if len(values) != len(operands):
            raise TypeError(f"{page.name}: found {len(values)} operands; expected {', '.join(operands)}")
        if unknown := sorted(set(attributes) - names):
            expected = ", ".join(sorted(names)) or "no attributes"
            raise TypeError(f"{page.name}: found {unknown[0]}={attributes[unknown[0]]!r}; expected {expected}")
        given = tuple(values[0]) if sequence else values
        each = kinds * len(given) if sequence else kinds
        taken = tuple(map(operand, given, each))
        if not results:
            return apply(page.name, taken, attributes)
        step = Step(results, page.name, tuple(operands), attributes)
        return apply_step(step, dict(zip(operands, taken, strict=True)))

    function.__name__ = function.__qualname__ = page.name
    function.__doc__ = f"{page.summary}\n\nOperands: {', '.join(operands)}. Source: page {page.name} of the spec."
    return function
