"""What the operations of a jaxpr are in the law book's primitives, where the names differ or several steps are needed.

An operation that has the name of an elementwise primitive is that primitive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gradlaw.own import xp
from gradlaw.own.traced import Traced

Rule = Callable[[Any, list[Any]], Any]
LOWERED: Final[dict[str, Rule]] = {}
"""The rule of each operation: it takes the equation and its operands, and returns what its results stand for."""
CALLED: Final[dict[str, Any]] = {}
"""Operations that have jaxprs inside: how these are run."""
MOVING: Final = """
broadcast_in_dim reshape transpose squeeze expand_dims slice dynamic_slice dynamic_update_slice gather scatter
concatenate pad rev copy copy_p split select_n device_put
"""
MOVED: Final = frozenset(MOVING.split())
"""Operations that move elements, and compute nothing: where each comes from is seen by running them."""
KEPT: Final = frozenset(("neg", "abs", *(f"{start}{end}" for start in ("", "reduce_") for end in ("max", "min"))))
"""Operations that do not round: their results are exact where their operands are."""


def lowers(*names: str) -> Callable[[Rule], Rule]:
    """Say of which operations a function is the rule."""

    def decorate(rule: Rule) -> Rule:
        LOWERED.update(dict.fromkeys(names, rule))
        return rule

    return decorate


LOWERED["mul"] = lambda equation, values: values[0] * values[1]
LOWERED["add_any"] = lambda equation, values: values[0] + values[1]
LOWERED["sub"] = lambda equation, values: values[0] - values[1]
LOWERED["div"] = lambda equation, values: values[0] / values[1]
LOWERED["neg"] = lambda equation, values: -values[0]
LOWERED["logistic"] = lambda equation, values: xp.sigmoid(values[0])
LOWERED["rsqrt"] = lambda equation, values: 1 / xp.sqrt(values[0])
LOWERED["stop_gradient"] = lambda equation, values: values[0]
LOWERED["clamp"] = lambda equation, values: xp.minimum(xp.maximum(values[1], values[0]), values[2])


@lowers("integer_pow")
def _power(equation: Any, values: list[Any]) -> Any:
    exponent = equation.params["y"]
    return values[0] * values[0] if exponent == 2 else values[0] ** exponent


def _bounds(values: list[Any], useless: float) -> list[Any]:
    """Return the operands that can be the result."""
    return [one for one in values if isinstance(one, Traced) or (np.asarray(one) != useless).any()]


@lowers("max")
def _larger(equation: Any, values: list[Any]) -> Any:
    kept = _bounds(values, -math.inf)
    return xp.maximum(*kept) if len(kept) == 2 else kept[0]


@lowers("min")
def _smaller(equation: Any, values: list[Any]) -> Any:
    kept = _bounds(values, math.inf)
    return xp.minimum(*kept) if len(kept) == 2 else kept[0]


def _reduced(function: Callable[..., Any]) -> Rule:
    return lambda equation, values: function(values[0], axis=tuple(equation.params["axes"]))


LOWERED["reduce_sum"] = _reduced(xp.sum)
LOWERED["reduce_max"] = _reduced(xp.max)
LOWERED["reduce_min"] = _reduced(xp.min)
LOWERED["reduce_prod"] = _reduced(xp.prod)


@lowers("dot_general")
def _product(equation: Any, values: list[Any]) -> Any:
    """Return a product of matrices: axes that are shared first, then those that are kept, then those summed over."""
    (summed, shared) = equation.params["dimension_numbers"]
    to = equation.outvars[0].aval.dtype.name
    parts = []
    for value, over, batch in zip(values, summed, shared, strict=True):
        if not isinstance(value, Traced):
            value = np.asarray(value)
        elif value.dtype != to:
            value = xp.astype(value, to)
        free = [axis for axis in range(len(value.shape)) if axis not in (*over, *batch)]
        sizes = [math.prod(value.shape[axis] for axis in group) for group in (free, over)]
        ends = tuple(value.shape[axis] for axis in batch)
        order = (*batch, *free, *over)
        moved = xp.permute_dims(value, order) if isinstance(value, Traced) else value.transpose(order)
        shape = (*ends, *sizes)
        parts.append(xp.reshape(moved, shape) if isinstance(moved, Traced) else moved.reshape(shape))
    first, second = parts
    second = second.mT if isinstance(second, Traced) else np.swapaxes(second, -1, -2)
    return xp.reshape(xp.matmul(first, second), tuple(equation.outvars[0].aval.shape))


def _called(name: str) -> Any:
    def run(reader: Any, equation: Any, values: list[Any]) -> list[Any]:
        inner = equation.params[name]
        found: list[Any] = reader.run(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), values)
        return found

    return run


for _call, _inside in (
    ("jit", "jaxpr"),
    ("pjit", "jaxpr"),
    ("closed_call", "call_jaxpr"),
    ("core_call", "call_jaxpr"),
    ("custom_jvp_call", "call_jaxpr"),
    ("custom_vjp_call", "call_jaxpr"),
    ("remat", "jaxpr"),
    ("remat2", "jaxpr"),
    ("checkpoint", "jaxpr"),
):
    CALLED[_call] = _called(_inside)


def _scan(reader: Any, equation: Any, values: list[Any]) -> list[Any]:
    """Run the body once for each element."""
    given = equation.params
    constants, carried = given["num_consts"], given["num_carry"]
    fixed, carry, rows = values[:constants], values[constants : constants + carried], values[constants + carried :]
    order = range(given["length"])
    made: list[list[Any]] = []
    for place in reversed(order) if given["reverse"] else order:
        inner = given["jaxpr"]
        found = reader.run(inner.jaxpr, inner.consts, [*fixed, *carry, *(one[place] for one in rows)])
        carry = found[:carried]
        made.append(found[carried:])
    made = made[::-1] if given["reverse"] else made
    return [*carry, *(_stacked(one) for one in zip(*made, strict=True))]


def _stacked(parts: Any) -> Any:
    if any(isinstance(one, Traced) for one in parts):
        return xp.stack(list(parts), axis=0)
    return np.stack([np.asarray(one) for one in parts])


def _branch(reader: Any, equation: Any, values: list[Any]) -> list[Any]:
    """Run the branch that a number chooses, which depends on no computed value."""
    index = reader.number(values[0])
    branches = equation.params["branches"]
    inner = branches[min(max(index, 0), len(branches) - 1)]
    found: list[Any] = reader.run(inner.jaxpr, inner.consts, values[1:])
    return found


def _loop(reader: Any, equation: Any, values: list[Any]) -> list[Any]:
    """Run the body as long as a condition holds, which depends on no computed value."""
    given = equation.params
    first, second = given["cond_nconsts"], given["cond_nconsts"] + given["body_nconsts"]
    state = values[second:]
    for _ in range(100_000):
        (goes_on,) = reader.run(given["cond_jaxpr"].jaxpr, given["cond_jaxpr"].consts, [*values[:first], *state])
        if not reader.number(goes_on):
            break
        inner = given["body_jaxpr"]
        state = reader.run(inner.jaxpr, inner.consts, [*values[first:second], *state])
    return state


CALLED.update({"scan": _scan, "cond": _branch, "while": _loop})
