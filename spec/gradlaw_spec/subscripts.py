"""The labels of axes in a contraction, as `einsum` takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WRITTEN: Final = re.compile(r"[a-zA-Z]*(,[a-zA-Z]*)*->[a-zA-Z]*")


def is_subscripts(value: object) -> bool:
    """Whether a value is a text such as ``"ij,jk->ik"``."""
    return isinstance(value, str) and WRITTEN.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Subscripts:
    """A label for each axis of the operands and of the result, in their order.

    Axes of one label have one length and one index; what the result lacks is summed over.
    """

    operands: tuple[str, ...]
    result: str

    @staticmethod
    def read(text: str) -> Subscripts:
        """Read ``"ij,jk->ik"``; raise ValueError for anything else."""
        given, _, result = text.partition("->")
        operands = tuple(given.split(","))
        if not is_subscripts(text) or len(set(result)) < len(result) or set(result) - set(given):
            raise ValueError(f"subscripts={text!r}: expected labels such as 'ij,jk->ik', those of the result once each")
        return Subscripts(operands, result)

    def lengths(self, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
        """Return the length of each label; raise ValueError where operands of these shapes do not fit."""
        found: dict[str, int] = {}
        if [len(shape) for shape in shapes] != [len(labels) for labels in self.operands]:
            raise ValueError(f"shapes={tuple(shapes)}: expected axes for {','.join(self.operands)}")
        for labels, shape in zip(self.operands, shapes, strict=True):
            for label, length in zip(labels, shape, strict=True):
                if found.setdefault(label, length) != length:
                    raise ValueError(f"shapes={tuple(shapes)}: expected one length for {label}")
        return found
