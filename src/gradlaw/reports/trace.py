"""Tracing: which programs a law runs on a target for one case, at which values and cotangents.

A law derives more from a case than its own run (a second cotangent, a cut, a rewired step). A script that shows
a violation must run what the law ran; so the witness is replayed once with a target that writes down every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradlaw_properties import replay
from gradlaw_spec import (
    Array,
    AttributeValue,
    Case,
    EngineFunction,
    EngineValue,
    Program,
    Reference,
    Step,
    Target,
    Witness,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a target's vjp: a program, its values, and the cotangents of one or several calls."""

    program: Program
    values: Mapping[str, Array]
    cotangents: tuple[tuple[Array, ...], ...]

    def same_program(self, other: Run) -> bool:
        """Whether another run has the same program at the same values, bit for bit."""
        if self.program != other.program or self.values.keys() != other.values.keys():
            return False
        return all(_same(self.values[name], other.values[name]) for name in self.values)


def _same(first: Array, second: Array) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


def run_of(case: Case) -> Run:
    """Return a case's own run."""
    return Run(case.program, case.values, (case.cotangents,))


def trace(witness: Witness, target: Target) -> tuple[Run, ...]:
    """Replay a witness and return the runs that its law made, equal programs at equal values together."""
    found: list[Run] = []
    replay(witness, _recording(target, witness.case, found))
    merged: list[Run] = []
    for run in found:
        for position, earlier in enumerate(merged):
            if earlier.same_program(run):
                known = earlier.cotangents
                new = tuple(g for g in run.cotangents if not any(all(map(_same, g, h)) for h in known))
                merged[position] = replace(earlier, cotangents=(*known, *new))
                break
        else:
            merged.append(run)
    return tuple(merged)


def _recording(target: Target, case: Case, found: list[Run]) -> Target:
    """Return the target with every call of its vjp written down in ``found``."""
    recorder = _Recorder()

    def vjp(
        function: EngineFunction, primals: tuple[Array, ...], cotangents: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        copies = tuple(primal.copy() for primal in primals)
        given = tuple(cotangent.copy() for cotangent in cotangents)

        def watched(*inputs: EngineValue) -> tuple[EngineValue, ...]:
            record = recorder.record = _Record(_input_names(case, len(inputs)), inputs)
            outputs: tuple[EngineValue, ...] = function(*inputs)
            program = record.program(outputs)
            if program is not None:
                values = {**dict(zip(program.inputs, copies, strict=True)), **record.constants}
                found.append(Run(program, values, (given,)))
            recorder.record = None
            return outputs

        return target.vjp(watched, primals, cotangents)

    return replace(
        target,
        vjp=vjp,
        pullback=None,
        constant=recorder.watch_constant(target.constant),
        primitives={name: recorder.watch(name, call) for name, call in target.primitives.items()},
    )


def _input_names(case: Case, number: int) -> tuple[str, ...]:
    names = case.program.inputs
    return names if len(names) == number else tuple(f"x{position + 1}" for position in range(number))


class _Record:
    """The steps of one run so far; engine values are known by identity while it runs."""

    def __init__(self, names: tuple[str, ...], inputs: tuple[EngineValue, ...]) -> None:
        self.inputs, self.complete = names, True
        self.steps: list[Step] = []
        self.constants: dict[str, Array] = {}
        self.names: dict[int, str] = {}
        self.kept: list[EngineValue] = []
        for name, value in zip(names, inputs, strict=True):
            self.know(name, value)

    def know(self, name: str, value: EngineValue) -> None:
        self.names[id(value)] = name
        self.kept.append(value)  # an identity stays free of another value for as long as this one lives

    def reference(self, operand: Any) -> Reference | None:
        """Return what a step says of an operand: its name, its number, or None where it is unknown."""
        name = self.names.get(id(operand))
        return name if name is not None else operand if type(operand) in (int, float) else None

    def fresh(self, letter: str, number: int) -> str:
        name = f"{letter}{number}"
        while name in self.inputs or name in self.constants:
            name += "_"
        return name

    def add_constant(self, array: Array, value: EngineValue) -> None:
        name = self.fresh("c", len(self.constants) + 1)
        self.constants[name] = np.array(array)
        self.know(name, value)

    def add_step(self, primitive: str, operands: Any, attributes: Mapping[str, AttributeValue], value: Any) -> None:
        named = tuple(reference for operand in operands if (reference := self.reference(operand)) is not None)
        if len(named) == len(operands):
            name = self.fresh("t", len(self.steps) + 1)
            self.steps.append(Step((name,), primitive, named, attributes))
            self.know(name, value)
        else:
            self.complete = False

    def program(self, outputs: tuple[EngineValue, ...]) -> Program | None:
        names = tuple(self.names.get(id(output), "") for output in outputs)
        if not self.complete or not all(names):
            return None
        return Program(self.inputs, tuple(self.steps), names, tuple(self.constants))


class _Recorder:
    """Wraps a target's functions so that they write into the record of the run that goes on, if one does."""

    record: _Record | None = None

    def watch_constant(self, make: Callable[[Array], EngineValue]) -> Callable[[Array], EngineValue]:
        def constant(array: Array) -> EngineValue:
            value = make(array)
            if self.record is not None:
                self.record.add_constant(array, value)
            return value

        return constant

    def watch(self, primitive: str, call: EngineFunction) -> EngineFunction:
        def watched(*operands: Any, **attributes: AttributeValue) -> EngineValue:
            value = call(*operands, **attributes)
            if self.record is not None:
                flat = operands[0] if len(operands) == 1 and isinstance(operands[0], list) else operands
                self.record.add_step(primitive, flat, attributes, value)
            return value

        return watched
