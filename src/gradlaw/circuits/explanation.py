"""Explanations: a computation or a witness at a point or along a range, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gradlaw.circuits.flow import Flow, decided, trace_flow
from gradlaw.circuits.values import Range, read_value
from gradlaw_spec import Array, Case, Program, SpecError, Witness, read_computation, read_witness


@dataclass(frozen=True, slots=True)
class Compared:
    """One output or gradient of an engine, judged."""

    what: str
    """``value of`` or ``gradient of`` a name."""
    got: str
    """What the engine gave, in as many digits as give it back."""
    problem: str
    """What is wrong with it; empty: it is admissible."""


@dataclass(frozen=True, slots=True)
class EngineSide:
    """What an engine made of a case."""

    target: str
    """The engine's name."""
    version: str
    """The engine's version."""
    compared: tuple[Compared, ...]
    """Its outputs, then its gradients."""
    problem: str = ""
    """Why there are none; empty where there are."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A program with what flows through it, at each point of a range (one, if there is none)."""

    title: str
    """What was asked."""
    flows: tuple[Flow, ...]
    """One flow for each point, all of one program."""
    name: str = ""
    """The input that runs through a range; empty: none does."""
    points: tuple[float, ...] = ()
    """The numbers that it runs through."""
    engine: EngineSide | None = None
    """What an engine made of the same case, where one was asked."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """The comparisons that are data of the program, by their names."""

    @property
    def flow(self) -> Flow:
        """The flow in the middle of the range, or the only one."""
        return self.flows[len(self.flows) // 2]


def explain(
    what: str | Program | Case | Witness | Path,
    at: Mapping[str, Any] | None = None,
    *,
    cotangent: Any = None,
    dtype: str = "float64",
    certified: bool = False,
    seed: int = 0,
    **values: Any,
) -> Explanation:
    """Explain how gradients flow through a computation.

    ``what`` is a text such as ``"f = (x + sigmoid(y)) * x"``, a Program, a Case, or a witness or its path. ``at`` (or
    keywords) gives a value for each input: a number, an array, or a text as on the command line (``"-2:2:9"``,
    ``"randn(5, 10)"``); ``cotangent`` what flows in from behind (none: ones). ``certified`` adds the admissible sets
    of ``dtype``, and so does every dtype but float64. Raises SpecError, in one line, for what cannot be explained.
    """
    if isinstance(what, Path):
        what = read_witness(what)
    if isinstance(what, Witness):
        return explain_case(what.case, law=what.law, certified=certified)
    if isinstance(what, Case):
        return explain_case(what, certified=certified)
    program, conditions = read_computation(what) if isinstance(what, str) else (what, ())
    given = {**(at or {}), **values}
    compared = {one.name for one in conditions}
    names = tuple(name for name in (*program.inputs, *program.data) if name not in compared)
    _require_names(given, names)
    read = {name: read_value(name, given[name], seed) for name in names}
    fitted = {name: value if isinstance(value, Range) else _used(program, name, value) for name, value in read.items()}
    cotangents = None
    if cotangent is not None:
        one = read_value("cotangent", cotangent, seed)
        if isinstance(one, Range):
            raise SpecError("cotangent", "a range", "a number or an array", "Give the range to an input.")
        cotangents = dict.fromkeys(program.outputs, one.astype(np.float64))
    title = what.strip() if isinstance(what, str) else " → ".join((", ".join(program.inputs), program.outputs[0]))
    ranges = {name: value for name, value in fitted.items() if isinstance(value, Range)}
    fixed = {name: value for name, value in fitted.items() if not isinstance(value, Range)}
    if len(ranges) > 1:
        raise SpecError("--at", f"ranges for {' and '.join(ranges)}", "one range at a time", "Give the others numbers.")
    name, points = next(((name, one.values) for name, one in ranges.items()), ("", ()))
    arrays = [{**fixed, name: np.asarray(point)} for point in points] or [fixed]
    flows = tuple(
        trace_flow(program, decided(program, conditions, one), cotangents, dtype_name=dtype, certified=certified)
        for one in arrays
    )
    return Explanation(title, flows, name, points, conditions={one.name: one.text for one in conditions})


def explain_case(case: Case, *, law: str = "", certified: bool = True, engine: EngineSide | None = None) -> Explanation:
    """Explain a case: at its values, with its cotangents, in its dtype; the law is one that it is a witness of."""
    cotangents = dict(zip(case.program.outputs, case.cotangents, strict=True))
    flow = trace_flow(case.program, case.values, cotangents, dtype_name=case.dtype, certified=certified)
    under = f" under {law}" if law else ""
    return Explanation(f"{case.dtype} case{under}", (flow,), engine=engine)


def _require_names(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in given:
        if name not in names:
            raise SpecError("--at", f"{name}=…", f"one of {', '.join(names)}", "Leave it out, or use it.")
    missing = [name for name in names if name not in given]
    if missing:
        expected = f"a value for each of {', '.join(names)}"
        raise SpecError("--at", f"no {', '.join(missing)}", expected, f"Add --at {missing[0]}=…")


def _used(program: Program, name: str, value: Array) -> Array:
    """Return a value as its use needs it: conditions as booleans, indices as integers, all else as float64."""
    if name in program.inputs:
        return value.astype(np.float64)
    from gradlaw_spec import load_primitives

    for step in program.steps:
        for operand, declared in zip(step.operands, load_primitives()[step.primitive].operands, strict=False):
            if operand == name and declared.kind == "boolean":
                return value.astype(bool)
            if operand == name and declared.kind == "index":
                if value.dtype.kind not in "iu":
                    raise SpecError("value", f"{name}={value.tolist()}", "integers, used as indices", "Give integers.")
                return value.astype(np.int64)
    return value.astype(np.float64)
