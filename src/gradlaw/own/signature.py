"""The signature of a function under test: ``x: batch d, w: d, labels: int batch < v, scale: float``, read into data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from gradlaw_spec import DTYPES, SpecError

Kind = Literal["real", "int", "bool", "float"]
EXAMPLE: Final = "such as 'x: batch d, w: d, labels: int batch < d, mask: bool batch d, scale: float'"
NAME: Final = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True, slots=True)
class Input:
    """One argument: its name, what it holds, the names (or fixed lengths) of its axes, and what is above its numbers.

    ``limit`` is that of integers, the name of an axis or a number. A ``float`` is a Python number, and has no axes.
    """

    name: str
    kind: Kind
    axes: tuple[str, ...] = ()
    limit: str = ""

    def shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        """Return its shape for these lengths of axes."""
        return tuple(length_of(axis, sizes) for axis in self.axes)


def length_of(axis: str, sizes: dict[str, int]) -> int:
    """Return the length of an axis: its own where it is a number."""
    return int(axis) if axis.isdigit() else sizes[axis]


def read_signature(text: str) -> tuple[Input, ...]:
    """Read a signature; raise SpecError, with the part that is none, for anything else.

    Inputs are separated by commas; after the colon stand ``int``, ``bool`` or ``float`` (nothing: real numbers), the
    axes, and for integers ``< limit``. Axes of one name have one length; a number is a fixed length.
    """
    if not isinstance(text, str) or not text.strip():
        raise SpecError("signature", f"signature={text!r}", EXAMPLE, "Name each input and its axes.")
    found: dict[str, Input] = {}
    for part in text.split(","):
        one = _read_input(part)
        if one.name in found:
            raise SpecError("signature", f"name={one.name!r} twice", "each input once", "Rename one of the two.")
        found[one.name] = one
    inputs = tuple(found.values())
    known = {axis for one in inputs for axis in one.axes}
    for one in inputs:
        if one.limit and not one.limit.isdigit() and one.limit not in known:
            expected = f"an axis of the signature ({', '.join(sorted(known))}) or a number"
            raise SpecError("signature", f"{one.name} < {one.limit}", expected, "Name one of these.")
    if not any(one.kind == "real" for one in inputs):
        raise SpecError("signature", f"signature={text!r}", "at least one real input", "Leave int, bool, float out.")
    return inputs


def _read_input(part: str) -> Input:
    name, colon, rest = (piece.strip() for piece in part.partition(":"))
    if not colon or not NAME.fullmatch(name):
        raise SpecError("signature", f"input={part.strip()!r}", EXAMPLE, "Write name: axes.")
    before, less, limit = (piece.strip() for piece in rest.partition("<"))
    words = before.split()
    kind: Kind = words.pop(0) if words and words[0] in ("int", "bool", "float") else "real"  # type: ignore[assignment]
    for word in (*words, *([limit] if less else [])):
        if not (NAME.fullmatch(word) or (word.isdigit() and int(word) > 0)):
            expected = "names of axes, or numbers from 1"
            raise SpecError("signature", f"{word!r} in {part.strip()!r}", expected, EXAMPLE)
        if word in DTYPES:
            raise SpecError("signature", f"{word!r} in {part.strip()!r}", "names of axes", f"Say dtype={word!r}.")
    if less and kind != "int":
        raise SpecError("signature", part.strip(), "a limit of integers only", f"Write {name}: int … < {limit}.")
    if kind == "float" and words:
        raise SpecError("signature", part.strip(), "a float without axes", f"Write {name}: {before[5:].strip()}.")
    return Input(name, kind, tuple(words), limit)
