"""The nouns Case and Witness: a program with its values, and a case with what it shows of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gradlaw_spec.address import Address
from gradlaw_spec.array import Array
from gradlaw_spec.program import Program


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A program at given values: what one example of a law is.

    Two cases are equal where all is, the arrays bit for bit.
    """

    subject: str
    """What it is a case of: the primitive of its one step, or ``program``."""
    program: Program
    """What is computed."""
    values: Mapping[str, Array]
    """An array for each input and data name; of the case's dtype, or int64 or bool. Nobody writes into them."""
    cotangents: tuple[Array, ...]
    """One for each output, with the output's shape."""
    dtype: str
    """The dtype on trial."""
    seed: int = 0
    """What drives all that a law derives from the case: a second cotangent, a cut."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {name: _read_only(value) for name, value in self.values.items()})
        object.__setattr__(self, "cotangents", tuple(map(_read_only, self.cotangents)))

    def arrays(self, names: tuple[str, ...]) -> tuple[Array, ...]:
        """Return the values of these names."""
        return tuple(self.values[name] for name in names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Case) and self._bits() == other._bits()

    def _bits(self) -> object:
        values = {name: _bits(value) for name, value in self.values.items()}
        return self.subject, self.program, values, tuple(map(_bits, self.cotangents)), self.dtype, self.seed

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Witness:
    """A case that shows a law violated."""

    case: Case
    """The case, shrunk."""
    law: str = ""
    """The law of the book that it shows violated."""
    target: str = ""
    """Of whom: the name or place by which the target is loaded."""

    @property
    def address(self) -> Address:
        """The address of the cell that it is a witness of."""
        return Address(self.case.subject, self.law, self.case.dtype)


def _read_only(array: Array) -> Array:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _bits(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.name, array.shape, array.tobytes()
