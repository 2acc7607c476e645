"""The signature of a function under test: ``x: batch d, w: d, labels: int batch < v, scale: float``, read into data."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from gradlaw_spec import DTYPES, SpecError

Kind = Literal["real", "int", "bool", "float"]
KINDS: Final = ("int", "bool", "float")
EXAMPLE: Final = "such as 'x: batch d, w: d, labels: int batch < d, mask: bool batch d, scale: float'"
NAME: Final = re.compile(r"[A-Za-z]\w*")
LENGTH: Final = re.compile(r"([A-Za-z]\w*|0*[1-9]\d*)([*+]([A-Za-z]\w*|0*[1-9]\d*))*", re.ASCII)
"""A length: names and numbers, multiplied and added (``2*d``, ``t+1``), never less than 1."""


@dataclass(frozen=True, slots=True)
class Input:
    """One argument: its name, what it holds, the lengths of its axes, and what is above its numbers.

    A length is a name, a number, or a sum of products of them. ``limit`` is that of integers, a length too. A
    ``float`` is a Python number, and has no axes.
    """

    name: str
    kind: Kind
    axes: tuple[str, ...] = ()
    limit: str = ""

    def shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        """Return its shape for these lengths of axes."""
        return tuple(length_of(axis, sizes) for axis in self.axes)


def length_of(axis: str, sizes: dict[str, int]) -> int:
    """Return the length of an axis: numbers are themselves, names have their sizes."""
    terms = (term.split("*") for term in axis.split("+"))
    return sum(math.prod(int(one) if one.isdigit() else sizes[one] for one in term) for term in terms)


def names_in(axis: str) -> tuple[str, ...]:
    """Return the names that a length is made of; none for a number."""
    return tuple(NAME.findall(axis))


def read_signature(text: str) -> tuple[Input, ...]:
    """Read a signature; raise SpecError, with the part that is none, for anything else.

    Inputs are separated by commas; after the colon stand ``int``, ``bool`` or ``float`` (nothing: real numbers), the
    axes, and for integers ``< limit``. Axes of one name have one length; a number is a fixed length, and ``2*d`` or
    ``t+1`` a length made of others.
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
    known = {name for one in inputs for axis in one.axes for name in names_in(axis)}
    for one in inputs:
        if not known.issuperset(names_in(one.limit)):
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
    kind: Kind = words.pop(0) if words and words[0] in KINDS else "real"  # type: ignore[assignment]
    for word in (*words, *([limit] if less else [])):
        if not LENGTH.fullmatch(word):
            expected = "names of axes, numbers from 1, or 2*d and t+1 without spaces"
            raise SpecError("signature", f"{word!r} in {part.strip()!r}", expected, EXAMPLE)
        if word.lower() in KINDS:
            cure = f"Write {name}: {word.lower()} …, its first word and in small letters."
            raise SpecError("signature", f"{word!r} in {part.strip()!r}", "names of axes", cure)
        if word in DTYPES:
            raise SpecError("signature", f"{word!r} in {part.strip()!r}", "names of axes", f"Say dtype={word!r}.")
    if less and kind != "int":
        raise SpecError("signature", part.strip(), "a limit of integers only", f"Write {name}: int … < {limit}.")
    if kind == "float" and words:
        raise SpecError("signature", part.strip(), "a float without axes", f"Write {name}: {before[5:].strip()}.")
    return Input(name, kind, tuple(words), limit)
