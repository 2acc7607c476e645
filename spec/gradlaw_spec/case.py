"""The noun Case: a program with its values, and how it is written so that it replays bit for bit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gradlaw_spec.array import Array
from gradlaw_spec.dtypes import DTYPES
from gradlaw_spec.errors import SpecError, expectation, missing_key
from gradlaw_spec.program import Program


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array as data: dtype name, shape and flat values (floats as hexadecimal strings)."""

    dtype: str
    shape: tuple[int, ...]
    values: tuple[str | int | bool, ...]

    @staticmethod
    def of(array: Array) -> Tensor:
        """Write a NumPy array (any shape; a spec dtype, int64 or bool) as data."""
        name = array.dtype.name
        if name in DTYPES:
            flat: tuple[str | int | bool, ...] = tuple(float(x).hex() for x in array.ravel())
        else:
            flat = tuple(array.ravel().tolist())
        return Tensor(name, tuple(array.shape), flat)

    def array(self) -> Array:
        """Read the data back as a NumPy array, bit for bit; raise SpecError where it does not fit."""
        if self.dtype in DTYPES:
            numpy = DTYPES[self.dtype].numpy
            try:
                flat: list[Any] = [float.fromhex(str(x)) for x in self.values]
            except ValueError as error:
                raise SpecError(
                    "tensor.values", f"values={list(self.values)[:4]!r}", "hexadecimal floats", str(error)
                ) from None
        elif self.dtype in ("int64", "bool"):
            numpy, flat = np.dtype(self.dtype), list(self.values)
        else:
            expected = ", ".join([*DTYPES, "int64", "bool"])
            raise SpecError("tensor.dtype", f"dtype={self.dtype!r}", f"one of {expected}", "Name one of these.")
        size = 1
        for length in self.shape:
            size *= length
        if size != len(flat):
            raise SpecError(
                "tensor.values", f"{len(flat)} values", f"{size} for shape={self.shape}", "Mend one of the two."
            )
        return np.array(flat, dtype=np.float64 if self.dtype in DTYPES else numpy).astype(numpy).reshape(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A program at given values: what one example of a law is, and what a witness stores.

    ``values`` has a tensor for each input and data name; ``cotangents`` one for each output, with
    the output's shape. ``dtype`` is the dtype on trial. ``seed`` drives what a law derives from the
    case (a second cotangent, a cut). ``law`` and ``target`` say what a witness shows, and of whom.
    """

    program: Program
    values: Mapping[str, Tensor]
    cotangents: tuple[Tensor, ...]
    dtype: str
    seed: int = 0
    law: str = ""
    target: str = ""

    def arrays(self, names: tuple[str, ...]) -> tuple[Array, ...]:
        """Return the values of these names as NumPy arrays."""
        return tuple(self.values[name].array() for name in names)


def encode_case(case: Case) -> bytes:
    """Write a case as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(case), indent=1)


def decode_case(text: bytes, where: str = "case") -> Case:
    """Read a case from JSON; raise SpecError that names the path inside the JSON otherwise."""
    try:
        case = msgspec.json.decode(text, type=Case)
        for name in (*case.program.inputs, *case.program.data):
            if name not in case.values:
                raise SpecError("$.values", f"no {name!r}", "a tensor for each input and data name", "Add it.")
            case.values[name].array()
        if len(case.cotangents) != len(case.program.outputs):
            found = f"{len(case.cotangents)} cotangents"
            raise SpecError("$.cotangents", found, f"{len(case.program.outputs)}, one for each output", "Mend it.")
        for cotangent in case.cotangents:
            cotangent.array()
        if case.dtype not in DTYPES:
            raise SpecError("$.dtype", f"dtype={case.dtype!r}", f"one of {', '.join(DTYPES)}", "Name one of these.")
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        missing = missing_key(message)
        found = f"no {missing}" if missing else re.sub(r"^.*, got ", "", message)
        place = f"{where}: {path.strip('`') or '$'}"
        raise SpecError(place, found, expectation(message), "Mend the JSON there.") from None
    except msgspec.DecodeError as error:
        raise SpecError(where, "malformed JSON", "a case as gradlaw writes it", str(error)) from None
    except SpecError as error:
        raise SpecError(f"{where}: {error.where}", error.found, error.expected, error.cure) from None
    return case


def read_case(path: Path) -> Case:
    """Read a case from a JSON file; raise SpecError with the file's name otherwise."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecError(str(path), "no readable file", "a witness in JSON", str(error.strerror)) from None
    return decode_case(text, str(path))
