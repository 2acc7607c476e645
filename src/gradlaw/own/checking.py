"""``gradlaw.check``: a kernel judged against its definition, in any pytest file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from hypothesis import settings as hypothesis_settings

from gradlaw.own.drawing import Maker, Subject, cases_of, palette_of
from gradlaw.own.failure import Failure, violation_text
from gradlaw.own.kernels import Kernel, Mistake, library, library_of
from gradlaw.own.settings import SETTINGS, written_settings
from gradlaw.own.signature import Input, read_signature
from gradlaw_properties import Settings, Unit, examine, replay
from gradlaw_spec import (
    PROGRAM,
    Cell,
    Interval,
    SpecError,
    Verdict,
    Witness,
    dtype,
    encode_witness,
    read_witness,
)

LAWS: Final = (
    "shape",
    "purity",
    "value",
    "gradient",
    "dtype",
    "determinism",
    "replay",
    "zero-cotangent",
    "linearity",
)
"""The laws that a kernel is judged by: those that say something of one program, the most telling first."""
EXAMPLES: Final = 40
FOLDER: Final = Path(".gradlaw") / "own"
"""Where witnesses are kept, in the working folder; each is tried first by the next run."""
GRADLAW_PROFILE: Final = 100
"""Hypothesis's own number of examples; another one is the user's choice, and counts here too."""


class Violation(AssertionError):
    """A kernel breaks a law; ``cell`` says which, where and by how much."""

    def __init__(self, text: str, cell: Cell | None = None) -> None:
        super().__init__(text)
        self.cell = cell


@dataclass(frozen=True)
class Result:
    """What a check found of a kernel that breaks no law."""

    name: str
    cells: Mapping[str, tuple[Cell, ...]]
    """The cells of each dtype, one a law."""

    @property
    def points(self) -> int:
        """How many elements were judged."""
        return sum(cell.points for cells in self.cells.values() for cell in cells)

    @property
    def undecided(self) -> int:
        """How many of them lie in sets that are too wide to say anything."""
        return sum(cell.inconclusive for cells in self.cells.values() for cell in cells)


def check(
    definition: Callable[..., Any],
    kernel: Any,
    signature: str,
    *,
    dtype: str | Sequence[str] = ("float32",),
    compute: str | None = None,
    wrt: str | Sequence[str] | None = None,
    domain: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    engine: str | None = None,
    examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Judge a kernel's values, gradients and manners against its definition; raise `Violation` where it breaks a law.

    ``definition`` is written with ``gradlaw.xp``; ``kernel`` is a torch function, a jax function, or a pair
    ``(forward, backward)`` in NumPy. Both take the inputs of ``signature`` (``"x: batch d, labels: int batch < d"``) by
    position, and ``options`` (values, or strategies of Hypothesis) by name. ``dtype`` is one or several of float64,
    float32, float16, bfloat16; steps are computed in ``compute``, which is wider, and casts of the definition round.
    ``wrt`` names the inputs that are differentiated (all real ones), ``domain`` intervals such as ``"(0, inf)"``.
    Raises SpecError for a mistake in what is given. Source: chapters *truth* and *pullback* of the law book.
    """
    inputs = read_signature(signature)
    chosen = _differentiated(inputs, wrt)
    names = (dtype,) if isinstance(dtype, str) else tuple(dtype)
    subject = Subject(
        definition, inputs, chosen, compute, _domains(inputs, domain or {}), options or {}, palette_of(inputs, seed, 24)
    )
    settings = Settings(examples=_examples(examples), seed=seed)
    try:
        found = {name: _checked(subject, kernel, engine, name, settings) for name in names}
    except Mistake as mistake:
        raise mistake.error from None
    return Result(_name(definition), found)


def _examples(given: int | None) -> int:
    """Return how many cases are drawn: what is given, else what a profile of Hypothesis says, else a default."""
    profile = hypothesis_settings().max_examples
    return given or (EXAMPLES if profile == GRADLAW_PROFILE else profile)


def _differentiated(inputs: tuple[Input, ...], wrt: str | Sequence[str] | None) -> tuple[str, ...]:
    real = tuple(one.name for one in inputs if one.kind == "real")
    names = real if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)
    for name in names:
        if name not in real:
            raise SpecError("wrt", f"wrt={name!r}", f"one of {', '.join(real)}", "Name real inputs.")
    return tuple(name for name in real if name in names)


def _domains(inputs: tuple[Input, ...], given: Mapping[str, str]) -> dict[str, Interval]:
    names = [one.name for one in inputs if one.kind in ("real", "float")]
    found = {}
    for name, text in given.items():
        if name not in names:
            raise SpecError("domain", f"domain of {name!r}", f"one of {', '.join(names)}", "Name a real input.")
        try:
            found[name] = Interval.read(text)
        except ValueError as error:
            raise SpecError("domain", f"{name}={text!r}", "an interval such as '(0, inf)'", str(error)) from None
    return found


def _name(definition: Any) -> str:
    return str(getattr(definition, "__name__", "definition"))


def _checked(
    subject: Subject, function: Any, engine: str | None, dtype_name: str, settings: Settings
) -> tuple[Cell, ...]:
    """Judge a kernel in a dtype; return its cells, or raise Violation."""
    facts = dtype(dtype_name)
    plain = Maker(subject, facts, (), ()).plain()
    kernel = Kernel(function, library("numpy"), subject.inputs, subject.differentiated)
    values = {**plain.values, SETTINGS: written_settings(plain.settings)}
    kernel.library = library_of(function, engine, kernel.call(values))
    palette = palette_of(subject.inputs, settings.seed, kernel.library.shapes)
    subject = replace(subject, shares=kernel.library.shares, palette=palette)
    outputs = tuple(one.dtype.name for one in _first_run(kernel, values))
    if len(outputs) != len(plain.tracing.shapes):
        expected = f"{len(plain.tracing.shapes)}, as the definition"
        raise Violation(f"{_name(subject.definition)}: the kernel returns {len(outputs)} outputs; expected {expected}")
    for name in outputs:
        dtype(name)
    target = kernel.target()
    unit = Unit(PROGRAM, dtype_name, LAWS)
    stored = _replayed(subject, kernel, dtype_name)
    cells = stored or examine(unit, target, settings, cases=cases_of(subject, dtype_name, outputs))
    bad = [cell for cell in cells if cell.verdict.is_bad and not _underflow(cell)]
    if bad:
        first = bad[0]
        path = _keep(subject, first, dtype_name)
        raise Violation(violation_text(Failure(subject, kernel, dtype_name, first, tuple(bad[1:]), path)), first)
    if kernel.errors:
        told = f"{_name(subject.definition)}@{dtype_name}: the kernel raises {kernel.errors[0]}"
        expected = "outputs for every input of the signature; raise NotImplementedError for what it does not do"
        raise Violation(f"{told}\n  expected {expected}")
    return cells


def _underflow(cell: Cell) -> bool:
    """Whether all that a cell shows is a number below the smallest normal one, which a kernel may flush."""
    found = cell.finding
    if found is None:
        return False
    smallest = dtype(cell.address.rpartition("@")[2]).smallest_normal
    return max(abs(found.got), abs(found.low), abs(found.high)) < smallest


def _first_run(kernel: Kernel, values: Mapping[str, Any]) -> tuple[np.ndarray[Any, Any], ...]:
    try:
        return kernel.library.arrays(kernel.library.forward(kernel.call(values)))
    except SpecError:
        raise
    except Exception as error:
        raise Violation(f"the kernel raises {type(error).__name__}: {error}") from error


def _path(subject: Subject, law: str, dtype_name: str) -> Path:
    owner = getattr(subject.definition, "__module__", "") or ""
    return FOLDER / f"{owner.rpartition('.')[2]}-{_name(subject.definition)}-{law}-{dtype_name}.json"


def _keep(subject: Subject, cell: Cell, dtype_name: str) -> str:
    """Write the witness of a cell, for the next run; return where, or nothing where that cannot be."""
    if cell.witness is None:
        return ""
    path = _path(subject, cell.address.rpartition("/")[2].partition("@")[0], dtype_name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(encode_witness(Witness(cell.witness.case, cell.witness.law)))
        beside.replace(path)
    except OSError:
        return ""
    return str(path)


def _replayed(subject: Subject, kernel: Kernel, dtype_name: str) -> tuple[Cell, ...]:
    """Try the witnesses of earlier runs; return the cell of the first that still shows something."""
    for law in LAWS:
        path = _path(subject, law, dtype_name)
        if not path.is_file():
            continue
        try:
            witness = read_witness(path)
            cell = replay(witness, kernel.target())
        except (SpecError, KeyError):
            path.unlink(missing_ok=True)
            continue
        if cell.verdict is Verdict.VIOLATION:
            return (cell,)
        path.unlink(missing_ok=True)
    return ()
