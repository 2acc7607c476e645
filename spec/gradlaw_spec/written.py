"""How programs, cases and witnesses are written: JSON, floats as hexadecimal text, so that they replay bit for bit.

The one writer and the one reader of this form. Inside a process the nouns hold arrays; only here are they text.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from gradlaw_spec.address import PROGRAM
from gradlaw_spec.array import Array
from gradlaw_spec.attributes import AttributeValue
from gradlaw_spec.case import Case, Witness
from gradlaw_spec.dtypes import DTYPES
from gradlaw_spec.errors import SpecError, expectation, missing_key
from gradlaw_spec.files import read_plain_file
from gradlaw_spec.program import Program, Reference, Step

MOST_AXES: Final = 32
"""Axes of an array that is read."""
MOST_ELEMENTS: Final = 2**20
"""Elements of an array that is read."""
MOST_STEPS: Final = 10_000
"""Steps of a program that is read."""
UNREADABLE: Final = (msgspec.DecodeError, ValueError, RecursionError, OverflowError)
"""What msgspec raises for text that is no JSON: bytes that are no UTF-8, numbers of 5000 digits, lists in lists."""
INFINITE: Final = {str(number): number for number in (math.inf, -math.inf)}
"""Attributes that JSON has no numbers for."""
Form = TypeVar("Form")
Absent = msgspec.UnsetType


class WrittenArray(msgspec.Struct, frozen=True):
    """An array as data: dtype name, shape and flat values (floats as hexadecimal strings)."""

    dtype: str
    shape: tuple[int, ...]
    values: tuple[str | int | bool, ...]


class WrittenStep(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a program: ``name = primitive(*operands, **attributes)``, with ``results`` for several names.

    Attributes that are not given have their page's defaults.
    """

    name: str | Absent = msgspec.UNSET
    results: tuple[str, ...] | Absent = msgspec.UNSET
    primitive: str
    operands: tuple[Reference, ...]
    attributes: dict[str, AttributeValue] = {}


class WrittenProgram(msgspec.Struct, frozen=True):
    """A straight-line program: differentiated inputs, steps, outputs, and data that is not differentiated.

    Every name is defined once and before its use.
    """

    inputs: tuple[str, ...]
    steps: tuple[WrittenStep, ...]
    outputs: tuple[str, ...]
    data: tuple[str, ...] = ()


class WrittenWitness(msgspec.Struct, frozen=True, kw_only=True):
    """A case, and what it shows: ``law`` is violated by ``target`` on ``subject`` (a primitive, or ``program``).

    ``values`` has an array for each input and data name; ``cotangents`` one for each output, with the output's shape.
    ``dtype`` is the dtype on trial. ``seed`` drives what a law derives from the case (a second cotangent, a cut).
    Without a subject, it is the primitive of a program's only step.
    """

    subject: str | Absent = msgspec.UNSET
    program: WrittenProgram
    values: dict[str, WrittenArray]
    cotangents: tuple[WrittenArray, ...]
    dtype: str
    seed: int = 0
    law: str = ""
    target: str = ""


# --- written ---------------------------------------------------------------------------------------


def written_array(array: Array) -> WrittenArray:
    """Write a NumPy array (any shape; a spec dtype, int64 or bool) as data."""
    flat = array.ravel().tolist() if array.dtype.kind in "bi" else map(float.hex, array.astype(np.float64).flat)
    return WrittenArray(array.dtype.name, tuple(array.shape), tuple(flat))


def written_program(program: Program) -> WrittenProgram:
    """Write a program; a step with one result has it as its name."""
    steps = tuple(_written_step(step) for step in program.steps)
    return WrittenProgram(program.inputs, steps, program.outputs, program.data)


def _written_step(step: Step) -> WrittenStep:
    rest: dict[str, Any] = {
        "operands": step.operands,
        "attributes": {name: _written_attribute(value) for name, value in step.attributes.items()},
    }
    names: dict[str, Any] = {"name": step.name} if len(step.results) == 1 else {"results": step.results}
    return WrittenStep(primitive=step.primitive, **names, **rest)


def _written_attribute(value: AttributeValue) -> AttributeValue:
    """Write an attribute; JSON has no infinite numbers."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def written_witness(witness: Witness) -> WrittenWitness:
    """Write a witness."""
    case = witness.case
    return WrittenWitness(
        subject=case.subject,
        program=written_program(case.program),
        values={name: written_array(value) for name, value in case.values.items()},
        cotangents=tuple(map(written_array, case.cotangents)),
        dtype=case.dtype,
        seed=case.seed,
        law=witness.law,
        target=witness.target,
    )


def encode_witness(witness: Witness) -> bytes:
    """Write a witness as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(written_witness(witness)), indent=1)


def encode_case(case: Case) -> bytes:
    """Write a case as compact JSON, the same for every law and target."""
    return msgspec.json.encode(written_witness(Witness(case)))


# --- read ------------------------------------------------------------------------------------------


def array_of(written: WrittenArray) -> Array:
    """Read an array back, bit for bit; raise SpecError where the data does not fit."""
    size = _size(written.shape)
    if size != len(written.values):
        expected = f"{size} for shape={written.shape}"
        raise SpecError("tensor.values", f"{len(written.values)} values", expected, "Mend one of the two.")
    flat: list[Any] = list(written.values)
    if written.dtype in DTYPES:
        try:
            flat = [float.fromhex(str(number)) for number in written.values]
        except (ValueError, OverflowError) as error:
            raise SpecError("tensor.values", _shown(flat), "hexadecimal floats", f"{error}.") from None
        with np.errstate(all="ignore"):
            return np.array(flat, dtype=np.float64).astype(DTYPES[written.dtype].numpy).reshape(written.shape)
    if written.dtype == "bool":
        if not all(isinstance(value, bool) for value in flat):
            raise SpecError("tensor.values", _shown(flat), "true and false", "Mend the values.")
    elif written.dtype == "int64":
        if not all(
            isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63 for value in flat
        ):
            raise SpecError("tensor.values", _shown(flat), "integers of 64 bits", "Mend the values.")
    else:
        expected = ", ".join([*DTYPES, "int64", "bool"])
        raise SpecError("tensor.dtype", f"dtype={written.dtype[:80]!r}", f"one of {expected}", "Name one of these.")
    return np.array(flat, dtype=np.dtype(written.dtype)).reshape(written.shape)


def _size(shape: tuple[int, ...]) -> int:
    """Return how many elements a shape has; raise SpecError where that is more than is read, or the shape is none."""
    if len(shape) > MOST_AXES or any(length < 0 or length > MOST_ELEMENTS for length in shape):
        found = f"{len(shape)} axes" if len(shape) > MOST_AXES else f"shape={shape}"
        expected = f"at most {MOST_AXES} axes of length 0 to {MOST_ELEMENTS}"
        raise SpecError("tensor.shape", found, expected, "Mend the shape.")
    size = math.prod(shape)
    if size > MOST_ELEMENTS:
        raise SpecError("tensor.shape", f"{size} elements", f"at most {MOST_ELEMENTS}", "Write a smaller case.")
    return size


def _shown(values: list[Any]) -> str:
    """Return the first values as a mistake shows them."""
    return f"values={[str(value)[:40] for value in values[:4]]!r}"


def program_of(written: WrittenProgram) -> Program:
    """Read a program back; raise SpecError where it is none."""
    if len(written.steps) > MOST_STEPS:
        raise SpecError("$.program.steps", f"{len(written.steps)} steps", f"at most {MOST_STEPS}", "Shorten it.")
    steps = tuple(_step_of(step, f"$.program.steps[{place}]") for place, step in enumerate(written.steps))
    try:
        return Program(written.inputs, steps, written.outputs, written.data)
    except SpecError as error:
        raise SpecError(f"$.{error.where}", error.found, error.expected, error.cure) from None


def _step_of(written: WrittenStep, where: str) -> Step:
    if not isinstance(written.results, Absent):
        results = written.results
    elif not isinstance(written.name, Absent):
        results = (written.name,)
    else:
        raise SpecError(where, "no name", "the key name", "Mend the JSON there.")
    try:
        attributes = {name: INFINITE.get(str(value), value) for name, value in written.attributes.items()}
        return Step(results, written.primitive, written.operands, attributes)
    except SpecError as error:
        raise SpecError(where, error.found, error.expected, error.cure) from None


def witness_of(written: WrittenWitness) -> Witness:
    """Read a witness back; raise SpecError, with the place in the JSON, where it is none."""
    program = program_of(written.program)
    for name in (*program.inputs, *program.data):
        if name not in written.values:
            raise SpecError("$.values", f"no {name!r}", "a tensor for each input and data name", "Add it.")
    if len(written.cotangents) != len(program.outputs):
        found = f"{len(written.cotangents)} cotangents"
        raise SpecError("$.cotangents", found, f"{len(program.outputs)}, one for each output", "Mend it.")
    if written.dtype not in DTYPES:
        raise SpecError("$.dtype", f"dtype={written.dtype!r}", f"one of {', '.join(DTYPES)}", "Name one of these.")
    case = Case(
        subject=only_subject(program) if isinstance(written.subject, Absent) else written.subject,
        program=program,
        values={name: array_of(value) for name, value in written.values.items()},
        cotangents=tuple(map(array_of, written.cotangents)),
        dtype=written.dtype,
        seed=written.seed,
    )
    return Witness(case, written.law, written.target)


def only_subject(program: Program) -> str:
    """Return what a program of which no more is known is a case of: its only step's primitive, or a program."""
    return program.steps[0].primitive if len(program.steps) == 1 else PROGRAM


def decode_witness(text: bytes, where: str = "case") -> Witness:
    """Read a witness from JSON; raise SpecError that names the path inside the JSON otherwise."""
    written = _decoded(text, where, WrittenWitness)
    try:
        return witness_of(written)
    except SpecError as error:
        raise SpecError(f"{where}: {error.where}", error.found, error.expected, error.cure) from None


def decode_case(text: bytes, where: str = "case") -> Case:
    """Read a case from JSON; raise SpecError that names the path inside the JSON otherwise."""
    return decode_witness(text, where).case


def decode_program(text: bytes, where: str = "program") -> Program:
    """Read a program from JSON; raise SpecError otherwise."""
    return program_of(_decoded(text, where, WrittenProgram))


def _decoded(text: bytes, where: str, form: type[Form]) -> Form:
    try:
        return msgspec.json.decode(text, type=form)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        missing = missing_key(message)
        found = f"no {missing}" if missing else re.sub(r"^.*, got ", "", message)
        place = f"{where}: {path.strip('`') or '$'}"
        raise SpecError(place, found, expectation(message), "Mend the JSON there.") from None
    except UNREADABLE as error:
        raise SpecError(where, "malformed JSON", "a case as gradlaw writes it", str(error)) from None


def read_witness(path: Path) -> Witness:
    """Read a witness from a JSON file; raise SpecError with the file's name otherwise."""
    return decode_witness(read_plain_file(path, "a witness in JSON"), str(path))
