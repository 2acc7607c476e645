"""The primitives of the law book under their array API names, for definitions: ``xp.exp(x)``, ``xp.sum(x, axis=-1)``.

Made from the pages: operands first, attributes by position or keyword. Beside them are the names of the dtypes
(``xp.float32``), the standard's constants (``xp.inf``, ``xp.pi``, ``xp.e``, ``xp.newaxis``), ``stored``, which says
what is kept for backward in a narrower dtype, ``stop_gradient``, and ``data``, the numbers of an input. Called on plain
arrays, a primitive computes in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import numpy as np

from gradlaw.messages import near
from gradlaw.own.traced import STORING, Traced, dtype_name, held
from gradlaw_reference.primitives import primitive_function
from gradlaw_spec import DTYPES, SpecError, dtype, load_primitives

CONSTANTS: Final = {"inf": math.inf, "pi": math.pi, "e": math.e, "newaxis": None}
ELSEWHERE: Final = {
    **dict.fromkeys(("transpose", "swapaxes", "permute"), "xp.permute_dims(x, axes)"),
    **dict.fromkeys(("concatenate", "cat", "hstack", "vstack"), "xp.concat([x, y], axis=0)"),
    **dict.fromkeys(("norm", "linalg"), "xp.vector_norm, xp.solve, xp.cholesky: all functions stand in xp itself"),
    **dict.fromkeys(("dot", "mm", "bmm"), "x @ y, or xp.vecdot"),
    **dict.fromkeys(("cumsum", "cumprod"), "xp.cumulative_sum, xp.cumulative_prod"),
    **dict.fromkeys(("power", "float_power"), "x**2, or xp.pow"),
    **dict.fromkeys(("amax", "amin"), "xp.max, xp.min, or xp.maximum for two arrays"),
    **dict.fromkeys(("unsqueeze",), "x[:, None], or xp.expand_dims(x, axis)"),
    **dict.fromkeys(("gather",), "xp.take_along_axis(x, indices, axis=-1)"),
    **dict.fromkeys(("arange", "eye", "tri", "zeros", "ones", "full", "linspace", "asarray", "array"), ""),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "one_hot"), ""),
}
"""What NumPy and torch have under names that are no primitives, and what to write; nothing: an array of NumPy."""


@cache
def _function(primitive: str) -> Callable[..., Any]:
    """Return the function of a primitive."""
    page = load_primitives()[primitive]
    sequence, count = page.operands[0].kind == "sequence", len(page.operands)
    names = [attribute.name for attribute in page.attributes]
    plain = primitive_function(page)
    written = next((attribute.name for attribute in page.attributes if attribute.kind == "subscripts"), "")

    def function(*arguments: Any, **attributes: Any) -> Any:
        if written and arguments and isinstance(arguments[0], str):  # as NumPy has it: the labels first
            arguments, attributes = (arguments[1:],), {**attributes, written: arguments[0]}
        positional, rest = arguments[:count], arguments[count:]
        if len(positional) < count or len(rest) > len(names):
            expected = ", ".join([*(operand.name for operand in page.operands), *(f"{name}=…" for name in names)])
            found = f"{len(arguments)} arguments"
            raise SpecError(f"xp.{page.name}", found, f"xp.{page.name}({expected})", "Mend the call.")
        operands = tuple(positional[0]) if sequence else positional
        attributes = {**dict(zip(names, rest, strict=False)), **attributes}
        for attribute in page.attributes:
            if attribute.kind == "margins" and np.ndim(attributes.get(attribute.name, 0)) == 2:
                return _each_axis(function, operands[0], attribute.name, attributes[attribute.name])
        if page.name == "solve" and np.ndim(operands[1]) == 1:  # as NumPy has it: one column
            return function(operands[0], operands[1][:, None])[..., 0]
        for operand in operands:
            if isinstance(operand, Traced):
                if page.results:
                    found = f"{page.name}, which has the results {', '.join(result.name for result in page.results)}"
                    raise SpecError("definition", found, "primitives with one result", "Write it in others.")
                return operand.record.apply(page.name, operands, attributes)
        value = plain(*positional, **attributes)
        return tuple(np.asarray(one.data) for one in value) if page.results else np.asarray(value.data)

    function.__name__ = function.__qualname__ = page.name
    function.__doc__ = f"{page.summary}\n\nSource: page {page.name} of the law book."
    return function


def _each_axis(function: Callable[..., Any], x: Any, name: str, pairs: Any) -> Any:
    """Give each axis margins of its own, as NumPy takes them: the widest all around, and what is too much cut off."""
    widths, shape = [tuple(map(int, pair)) for pair in pairs], np.shape(x) if not isinstance(x, Traced) else x.shape
    if len(widths) not in (1, len(shape)) or any(len(pair) != 2 or min(pair) < 0 for pair in widths):
        expected = f"a pair of counts, or one for each of the {len(shape)} axes"
        raise SpecError(f"xp.{function.__name__}", f"{name}={pairs!r}", expected, "Mend the call.")
    before, after = (max((pair[side] for pair in widths), default=0) for side in (0, 1))
    found = function(x, **{name: (before, after)})
    kept = zip(shape, widths * len(shape) if len(widths) == 1 else widths, strict=False)
    return found[tuple(slice(before - one, before + length + other) for length, (one, other) in kept)]


@contextmanager
def stored(to: Any) -> Iterator[None]:
    """Say that the values computed in this block are kept for backward in a dtype, which forward does not feel.

    ``with xp.stored("bfloat16"): y = xp.softmax(x, axis=-1)`` is a softmax whose backward reads y in bfloat16. Raises
    SpecError for no dtype.
    """
    STORING.append(dtype(dtype_name(to)).name)
    try:
        yield
    finally:
        STORING.pop()


def stop_gradient(x: Any) -> Any:
    """Return a value that no cotangent flows through, such as the largest score that a softmax subtracts."""
    return held(x) if isinstance(x, Traced) else np.asarray(x)


def data(x: Any) -> Any:
    """Return the numbers of an input as a NumPy array, to decide by, as ``np.round(xp.data(x))``: no gradient flows.

    Comparisons of inputs, as ``x > 0``, are data already. Raises SpecError for a value that is computed, since kernels
    round it otherwise.
    """
    return x.given if isinstance(x, Traced) else np.asarray(x)


def _cure(name: str) -> str:
    """Return what to write in place of a name that is no primitive's."""
    if name in ELSEWHERE:
        shape = "np.zeros(x.shape), np.arange(len(x))"
        return f"Use {ELSEWHERE[name]}." if ELSEWHERE[name] else f"Use NumPy for arrays of your own: {shape}."
    found = near(name, load_primitives())
    return found if found.startswith("Did") else "Write it in others: dir(gradlaw.xp) lists them."


def __getattr__(name: str) -> Any:
    """Find a primitive, a dtype or a constant by its name."""
    if name in CONSTANTS:
        return CONSTANTS[name]
    if name in DTYPES:
        return name
    if name in load_primitives():
        return _function(name)
    hint = "" if name.startswith("__") else f" ({_cure(name)})"
    raise AttributeError(f"gradlaw.xp has no {name!r}: it is no primitive of the law book{hint}")


def __dir__() -> list[str]:
    return sorted(["data", "stop_gradient", "stored", *CONSTANTS, *DTYPES, *load_primitives()])
