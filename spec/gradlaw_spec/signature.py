"""The shapes that a primitive's operands fit together in, where it works on vectors and matrices."""

from __future__ import annotations

import re
from typing import Final

from gradlaw_spec.domains import Read

LENGTH: Final = r"(?:[a-z]\w*\??|[2-9])"
LENGTHS: Final = re.compile(rf"\(((?:{LENGTH}(?:,{LENGTH})*)?)\)")


class Signature(Read):
    """The lengths of the last axes of operands and results, as NumPy writes them for generalised functions.

    ``"(m?,k),(k,n?)->(m?,n?)"``: equal names are equal lengths, an axis with a question mark may be missing from
    operand and result, an axis with a number has that length, and axes in front broadcast. A name that only results
    have is explained on the page. Source: NumPy, Generalized Universal Function API.
    """

    __slots__ = ("operands", "results")
    operands: tuple[tuple[str, ...], ...]
    results: tuple[tuple[str, ...], ...]

    def __init__(self, operands: tuple[tuple[str, ...], ...], results: tuple[tuple[str, ...], ...]) -> None:
        object.__setattr__(self, "operands", operands)
        object.__setattr__(self, "results", results)

    @staticmethod
    def read(text: str) -> Signature:
        """Read ``"(m,n)->(n,m)"``; raise ValueError for anything else."""
        sides = [_lengths(side) for side in text.replace(" ", "").split("->")]
        if len(sides) != 2 or not all(sides):
            raise ValueError("Expected a signature such as '(m,k),(k,n)->(m,n)'")
        return Signature(*sides)

    def __str__(self) -> str:
        return "->".join(",".join(f"({','.join(one)})" for one in side) for side in (self.operands, self.results))

    @property
    def lengths(self) -> tuple[str, ...]:
        """The names of the lengths, without question marks, in the order of their first use."""
        return tuple(dict.fromkeys(name.rstrip("?") for one in self.operands for name in one if not name.isdigit()))

    @property
    def optional(self) -> tuple[str, ...]:
        """The names of the lengths that may be missing."""
        return tuple(dict.fromkeys(name.rstrip("?") for one in self.operands for name in one if name.endswith("?")))

    def shapes(self, lengths: dict[str, int]) -> tuple[tuple[int, ...], ...]:
        """Return the operands' shapes for these lengths; what is not given is missing."""
        return tuple(
            tuple(
                int(name) if name.isdigit() else lengths[name.rstrip("?")]
                for name in one
                if name.isdigit() or name.rstrip("?") in lengths
            )
            for one in self.operands
        )

    def agrees(self, shapes: tuple[tuple[int, ...], ...]) -> bool:
        """Whether operands of these shapes fit together: lengths of one name are equal, and none of them broadcasts."""
        found: dict[str, int] = {}
        for names, shape in zip(self.operands, shapes, strict=True):
            here = names if len(shape) >= len(names) else tuple(name for name in names if not name.endswith("?"))
            if len(shape) < len(here):
                return False
            for name, length in zip(here, shape[len(shape) - len(here) :], strict=True):
                if found.setdefault(name.rstrip("?"), int(name) if name.isdigit() else length) != length:
                    return False
        return True


NO_SIGNATURE: Final = Signature((), ())
"""That of a primitive whose operands fit together in another way."""


def _lengths(side: str) -> tuple[tuple[str, ...], ...]:
    found = LENGTHS.findall(side)
    if side != ",".join(f"({one})" for one in found):
        return ()
    return tuple(tuple(one.split(",")) if one else () for one in found)
