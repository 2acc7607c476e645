"""``gradlaw.check``: a kernel judged against its definition, in any pytest file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from hypothesis import settings as hypothesis_settings

from gradlaw.messages import near
from gradlaw.own.batching import check_axis, difference
from gradlaw.own.commanded import COLLECTING, RECORDED, REPLAYING, Replayed
from gradlaw.own.drawing import Maker, Subject, cases_of, palette_of, recorded_cases
from gradlaw.own.failure import Failure, violation_text
from gradlaw.own.hints import hint
from gradlaw.own.keeping import keep, place_of, shown_again
from gradlaw.own.kernels import Kernel, library, library_of
from gradlaw.own.mistakes import Mistake
from gradlaw.own.power import MOST_CASES, Power, PowerWarning, power_of
from gradlaw.own.result import Result
from gradlaw.own.samples import Sample, read_samples
from gradlaw.own.sets import Sets
from gradlaw.own.settings import COTANGENT, SETTINGS, written_settings
from gradlaw.own.signature import Input, read_signature
from gradlaw.own.traced import dtype_name as name_of_dtype
from gradlaw_properties import Settings, Unit, examine, replay
from gradlaw_spec import PROGRAM, Array, Case, Cell, Interval, SpecError, dtype, load_primitives

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
"""Cases that are drawn in a dtype, where nothing else is said."""
USUAL: Final = 100
"""Hypothesis's own number of examples; a profile with another one is the user's choice, and counts here too."""


class Violation(AssertionError):
    """A kernel breaks a law; ``cell`` says which, where and by how much."""

    def __init__(self, text: str, cell: Cell | None = None) -> None:
        super().__init__(text)
        self.cell = cell


@dataclass(frozen=True)
class Asked:
    """What a check was asked, read."""

    subject: Subject
    formulas: tuple[Callable[..., Any], ...]
    backward: Callable[..., Any] | None
    kernel: Any
    engine: str | None
    accuracies: Mapping[str, int | float]
    settings: Settings
    samples: tuple[Sample, ...] = ()
    """What was recorded, which is judged in place of what is drawn."""
    batch: str | None = None
    """The axis of rows that do not depend on each other."""
    inplace: frozenset[str] = frozenset()
    """What the kernel may overwrite."""
    deterministic: bool = True
    """Whether equal calls have to give equal bits."""

    @property
    def name(self) -> str:
        """What the definition is called."""
        return str(getattr(self.subject.definition, "__name__", "definition"))


@np.errstate(all="ignore")  # whatever a test file asks of NumPy, the sets are computed as always
def check(
    definition: Callable[..., Any],
    kernel: Any,
    signature: str,
    *,
    dtype: Any = ("float32",),
    compute: Any = None,
    wrt: str | Sequence[str] | None = None,
    domain: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    also: Sequence[Callable[..., Any]] = (),
    backward: Callable[..., Any] | None = None,
    accuracies: Mapping[str, int | float | str] | None = None,
    engine: str | None = None,
    examples: int | None = None,
    seed: int = 0,
    recorded: str | Path | None = None,
    batch: str | None = None,
    inplace: Sequence[str] = (),
    deterministic: bool = True,
) -> Result:
    """Judge a kernel's values, gradients and manners against its definition; raise `Violation` where it breaks a law.

    ``definition`` is written with ``gradlaw.xp``; ``kernel`` is a torch function, a jax function, or a pair
    ``(forward, backward)`` in NumPy. Both take the inputs of ``signature`` (``"x: batch d, labels: int batch < d"``) by
    position, and ``options`` (values, or strategies of Hypothesis) by name. ``dtype`` is one or several of float64,
    float32, float16, bfloat16; steps are computed in ``compute``, which is wider, and casts of the definition round.
    ``wrt`` names the inputs that are differentiated (all real ones), ``domain`` intervals such as ``"(0, inf)"``.
    ``also`` are other definitions of the same function: what one of them admits is admitted. ``backward`` is another
    formula for the gradients alone: it takes the inputs, then a cotangent for each output, and returns the gradients of
    ``wrt``; it has to be the gradient, in exact numbers, at every case. ``accuracies`` say how
    accurate the kernel's primitives are, in unit roundoffs (8) or as a relative error (``"2**-11"``). ``recorded`` is a
    file of `record`, whose calls are judged in place of drawn ones. ``batch`` names the axis of rows that do not depend
    on each other: the result says whether each has the same bits alone and in a batch, which is no violation.
    ``inplace`` names inputs, or ``"cotangent"``, that the kernel is meant to overwrite.
    ``deterministic=False`` declares that the kernel adds sums up in no fixed order (atomic additions): equal calls then
    have to lie in one set, and not to be equal.

    Warns with `PowerWarning` where a surely wrong backward would have passed. Raises SpecError for a mistake in what is
    given.
    Source: chapters *truth* and *pullback* of the law book.
    """
    inputs = read_signature(signature)
    names = tuple(map(name_of_dtype, dtype if isinstance(dtype, list | tuple) else (dtype,)))
    compute = None if compute is None else name_of_dtype(compute)
    also = (also,) if callable(also) else tuple(also)
    check_axis(inputs, batch)
    subject = Subject(
        definition=definition,
        inputs=inputs,
        differentiated=_differentiated(inputs, wrt),
        compute=compute,
        domains=_domains(inputs, domain or {}),
        options=options or {},
        palette=(),
    )
    settings = Settings(examples=_examples(examples), seed=seed)
    declared, samples = read_accuracies(accuracies or {}), _samples(recorded)
    written = _overwritten(inputs, inplace)
    asked = Asked(
        subject,
        (definition, *also),
        backward,
        kernel,
        engine,
        declared,
        settings,
        samples,
        batch,
        written,
        deterministic,
    )
    cells: dict[str, tuple[Cell, ...]] = {}
    power: list[Power] = []
    rows: dict[str, str] = {}
    try:
        if REPLAYING:
            return _tried(asked, REPLAYING[-1], names)
        for name in names:
            cells[name], found, differs = _checked(asked, name)
            power += found
            rows.update({name: differs} if batch is not None else {})
    except Mistake as mistake:
        raise mistake.error from None
    result = Result(asked.name, cells, tuple(power), rows)
    for found_so_far in COLLECTING:
        found_so_far.append(result)
    for warning in result.warnings:
        warnings.warn(warning, PowerWarning, stacklevel=2)
    return result


def _samples(recorded: str | Path | None) -> tuple[Sample, ...]:
    path = recorded if recorded is not None else RECORDED[-1] if RECORDED else None
    return () if path is None else read_samples(path)


def _examples(given: int | None) -> int:
    """Return how many cases are drawn: what is given, else what a profile of Hypothesis says, else a default."""
    if given is not None and given < 1:
        raise SpecError("examples", f"examples={given}", "a number from 1", "Leave it out for the usual number.")
    profile = hypothesis_settings().max_examples
    return given or (EXAMPLES if profile == USUAL else profile)


def _differentiated(inputs: tuple[Input, ...], wrt: str | Sequence[str] | None) -> tuple[str, ...]:
    real = tuple(one.name for one in inputs if one.kind == "real")
    names = real if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)
    for name in names or ("",):
        if name not in real:
            raise SpecError("wrt", f"wrt={name!r}", f"one of {', '.join(real)}", "Name real inputs.")
    return tuple(name for name in real if name in names)


def _overwritten(inputs: tuple[Input, ...], names: Sequence[str]) -> frozenset[str]:
    known = [*(one.name for one in inputs), COTANGENT]
    for name in (names,) if isinstance(names, str) else names:
        if name not in known:
            raise SpecError("inplace", f"inplace={name!r}", f"some of {', '.join(known)}", near(name, known))
    return frozenset((names,) if isinstance(names, str) else names)


def _domains(inputs: tuple[Input, ...], given: Mapping[str, str]) -> dict[str, Interval]:
    names = [one.name for one in inputs if one.kind in ("real", "float")]
    found = {}
    for name, text in given.items():
        if name not in names:
            raise SpecError("domain", f"domain of {name!r}", f"one of {', '.join(names)}", "Name a real input.")
        try:
            found[name] = Interval.read(str(text))
        except ValueError as error:
            raise SpecError("domain", f"{name}={text!r}", "an interval such as '(0, inf)'", str(error)) from None
    return found


def read_accuracies(given: Mapping[str, Any]) -> dict[str, int | float]:
    """Return accuracies as numbers: whole ones are unit roundoffs, others relative errors."""
    found: dict[str, int | float] = {}
    for name, accuracy in given.items():
        if name not in load_primitives():
            raise SpecError("accuracies", repr(name), "a primitive of the law book", near(name, load_primitives()))
        base, power, exponent = str(accuracy).partition("**")
        try:
            found[name] = accuracy if isinstance(accuracy, int) else float(base) ** float(exponent if power else 1)
        except ValueError:
            expected = "unit roundoffs such as 8, or a relative error such as '2**-11'"
            raise SpecError("accuracies", f"{name}={accuracy!r}", expected, "Write one of these.") from None
    return found


def units(accuracy: int | float, dtype_name: str) -> int:
    """Return an accuracy in unit roundoffs of a dtype."""
    if isinstance(accuracy, int):
        return accuracy
    return max(1, math.ceil(accuracy / dtype(dtype_name).unit_roundoff))


def _kernel(asked: Asked, dtype_name: str) -> tuple[Kernel, Subject, tuple[str, ...]]:
    """Return the kernel with its library and sets, the subject with the shapes for it, and its outputs' dtypes."""
    subject = asked.subject
    plain = Maker(subject, dtype(dtype_name), (), ()).plain()
    values = {**plain.values, SETTINGS: written_settings(plain.settings)}
    kernel = Kernel(
        asked.kernel,
        library("numpy"),
        subject.inputs,
        subject.differentiated,
        overwritten=asked.inplace,
        deterministic=asked.deterministic,
    )
    kernel.library = library_of(asked.kernel, asked.engine, kernel.call(values))
    palette = palette_of(subject.inputs, asked.settings.seed, kernel.library.shapes)
    subject = replace(subject, shares=kernel.library.shares, palette=palette)
    outputs = tuple(one.dtype.name for one in _first_run(kernel, values))
    if len(outputs) != len(plain.tracing.shapes):
        expected = f"{len(plain.tracing.shapes)}, as the definition"
        raise Violation(f"{asked.name}: the kernel returns {len(outputs)} outputs; expected {expected}")
    for name in outputs:
        dtype(name)
    kernel.sets = Sets(
        asked.formulas, subject.inputs, subject.differentiated, subject.compute, outputs, backward=asked.backward
    )
    computed = subject.compute or dtype_name
    kernel.accuracies = {name: units(given, computed) for name, given in asked.accuracies.items()}
    return kernel, subject, outputs


def _first_run(kernel: Kernel, values: Mapping[str, Array]) -> tuple[np.ndarray[Any, Any], ...]:
    try:
        return kernel.library.arrays(kernel.library.forward(kernel.call(values)))
    except SpecError:
        raise
    except Exception as error:
        raise Violation(f"the kernel raises {type(error).__name__}: {error}") from error


def _checked(asked: Asked, dtype_name: str) -> tuple[tuple[Cell, ...], tuple[Power, ...], str]:
    """Judge a kernel in a dtype; return its cells, the power of the check and how rows differ, or raise Violation."""
    kernel, subject, outputs = _kernel(asked, dtype_name)
    target = kernel.target()
    cases: list[Case] = []

    def watch(case: Case, law: str) -> None:
        if law == "gradient" and len(cases) < MOST_CASES:
            cases.append(case)

    again = (shown_again(place_of(subject.definition, law, dtype_name), target) for law in LAWS)
    stored = next((cell for cell in again if cell is not None), None)
    if stored is None:
        kernel.errors.clear()  # a witness that is forgotten may be of another signature
    unit = Unit(PROGRAM, dtype_name, LAWS)
    if asked.samples:
        drawn = recorded_cases(subject, dtype_name, outputs, asked.samples)
    else:
        drawn = cases_of(subject, dtype_name, outputs)
    cells = (stored,) if stored else examine(unit, target, asked.settings, watch, cases=drawn, only_first=True)
    bad = [cell for cell in cells if cell.verdict.is_bad]
    if bad:
        path = keep(place_of(subject.definition, _law(bad[0]), dtype_name), bad[0].witness)
        near_miss = hint(subject, kernel, bad[0], dtype_name)
        raise Violation(violation_text(Failure(subject, kernel, bad[0], tuple(bad[1:]), path, near_miss)), bad[0])
    if kernel.errors:
        told = f"{asked.name}@{dtype_name}: the kernel raises {kernel.errors[0]}"
        expected = "outputs for every input of the signature; raise NotImplementedError for what it does not do"
        raise Violation(f"{told}\n  expected {expected}")
    differs = difference(kernel, asked.batch, cases) if asked.batch is not None else ""
    return cells, power_of(target, cases, dtype_name), differs


def _tried(asked: Asked, replayed: Replayed, names: Sequence[str]) -> Result:
    """Judge a kernel at the one case of a witness, where it is one of this check; raise Violation as a check does."""
    witness, dtype_name = replayed.witness, replayed.witness.case.dtype
    if dtype_name not in names or not _fits(asked.subject, witness.case):
        return Result(asked.name, {}, (), {})
    kernel, subject, _ = _kernel(asked, dtype_name)
    cell = replay(witness, kernel.target())
    replayed.found.append(f"{asked.name}/{witness.law}@{dtype_name}: {cell.verdict.value}")
    if cell.verdict.is_bad:
        near_miss = hint(subject, kernel, cell, dtype_name)
        raise Violation(violation_text(Failure(subject, kernel, cell, (), replayed.path, near_miss)), cell)
    return Result(asked.name, {dtype_name: (cell,)}, (), {})


def _fits(subject: Subject, case: Case) -> bool:
    """Whether a case has the arrays of a check's signature: names, and as many axes."""
    given = {name: value.ndim for name, value in case.values.items() if name != SETTINGS}
    return given == {one.name: len(one.axes) for one in subject.inputs if one.kind != "float"}


def _law(cell: Cell) -> str:
    return cell.address.rpartition("/")[2].partition("@")[0]
