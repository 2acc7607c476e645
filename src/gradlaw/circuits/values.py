"""Values as they are given on the command line: numbers, lists, ranges and a few makers of arrays."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np

from gradlaw_spec import Array, SpecError

FORMS: Final = "3, -0.5, [1, 2], [[1, 2], [3, 4]], -2:2:9 (a range), randn(5, 10), ones(3) or zeros(3)"
MOST_ELEMENTS: Final = 10_000
"""An array with more elements is no picture any more."""
MOST_FRAMES: Final = 201
"""A range with more values makes a page that is too large to open."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number that runs from one end to the other in equal steps, both ends included."""

    start: float
    """The first number."""
    stop: float
    """The last number."""
    count: int
    """How many numbers."""

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers in their order; those that are short decimals are that."""
        return tuple(float(f"{number:.12g}") for number in np.linspace(self.start, self.stop, self.count))


Value = Array | Range


def read_assignments(texts: Iterable[str]) -> dict[str, str]:
    """Read ``name=value`` texts; raise SpecError where one is not, or a name comes twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if re.search(r",\s*[A-Za-z_]\w*\s*=", value):
            raise SpecError("--at", repr(text), "one name=value", "Write --at x=3 --at y=4.")
        if not equals or not name.isidentifier() or not value.strip():
            raise SpecError("--at", repr(text), f"name=value, with a value such as {FORMS}", "Write --at x=3.")
        if name in found:
            raise SpecError("--at", f"{name} twice", "each name once", "Remove one of the two.")
        found[name] = value.strip()
    return found


def read_value(name: str, value: Any, seed: int = 0) -> Value:
    """Read one value: a text as on the command line, a number, a range, or anything that NumPy makes an array of.

    Raises SpecError where it is none of these, or holds what is not a finite number, a boolean or an integer.
    """
    if isinstance(value, Range):
        return value
    if isinstance(value, str):
        made = _read_text(name, value, seed)
        if isinstance(made, Range):
            return made
        value = made
    try:
        array = np.asarray(value)
    except ValueError:
        raise _refused(name, repr(value), "rows of equal length") from None
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise _refused(name, repr(value), "finite numbers or booleans")
    if array.size > MOST_ELEMENTS:
        raise _refused(name, f"{array.size} elements", f"at most {MOST_ELEMENTS}")
    return array


def _refused(name: str, found: str, expected: str) -> SpecError:
    shown = found if len(found) <= 60 else f"{found[:57]}…"
    return SpecError("value", f"{name}={shown}", expected, f"Write one of {FORMS}.")


def _read_text(name: str, text: str, seed: int) -> Any:
    if ":" in text:
        return _read_range(name, text)
    try:
        with warnings.catch_warnings():  # such as "invalid decimal literal": the error says enough
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(name, text, "a value") from None
    if isinstance(tree, ast.Call):
        return _made(name, tree, text, seed)
    try:
        return ast.literal_eval(tree)
    except (ValueError, TypeError, RecursionError):
        raise _refused(name, text, "a value") from None


def _read_range(name: str, text: str) -> Range:
    parts = text.split(":")
    try:
        start, stop, count = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        start, stop, count = np.nan, np.nan, 0
    if len(parts) != 3 or not np.isfinite([start, stop]).all() or not 2 <= count <= MOST_FRAMES:
        raise _refused(name, text, f"start:stop:count with 2 to {MOST_FRAMES} values")
    return Range(start, stop, count)


MAKERS: Final[Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Array]]] = {
    "randn": lambda random, shape: random.normal(size=shape).round(2),
    "ones": lambda random, shape: np.ones(shape),
    "zeros": lambda random, shape: np.zeros(shape),
}
"""``randn`` has two decimals, so that what is shown can be read; the same name and seed give the same numbers."""


def _made(name: str, call: ast.Call, text: str, seed: int) -> Array:
    maker = MAKERS.get(call.func.id) if isinstance(call.func, ast.Name) else None
    if maker is None or call.keywords:
        raise _refused(name, text, f"one of {', '.join(MAKERS)}")
    lengths = []
    for argument in call.args:
        length = argument.value if isinstance(argument, ast.Constant) else None
        if isinstance(length, bool) or not isinstance(length, int) or not 0 < length <= MOST_ELEMENTS:
            raise _refused(name, text, "lengths of axes, positive integers")
        lengths.append(length)
    if int(np.prod(lengths, dtype=object)) > MOST_ELEMENTS:
        raise _refused(name, text, f"at most {MOST_ELEMENTS} elements")
    return maker(np.random.Generator(np.random.PCG64([seed, crc32(name.encode())])), tuple(lengths))
