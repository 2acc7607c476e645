"""Tape engines: make variables, run, call backward, read the gradients."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any, get_args

import numpy as np

from gradlaw.messages import near
from gradlaw.targets.claims import (
    require_accuracies,
    require_arity,
    require_callable,
    require_claims,
    require_primitives,
)
from gradlaw.targets.handed import RAW, Handed
from gradlaw_spec import Array, EngineFunction, EngineValue, Program, Pull, SpecError, Target, program_function
from gradlaw_spec.target import Arrays, CotangentStyle, Gradients, Values

HELPER = "tape_target"
STYLES: tuple[str, ...] = get_args(CotangentStyle)


def tape_target(
    *,
    name: str,
    version: str,
    levels: Iterable[str],
    dtypes: Iterable[str],
    variable: Callable[[Any], EngineValue],
    value: Callable[[EngineValue], Any],
    backward: Callable[..., Any],
    gradient: Callable[[EngineValue], Any],
    primitives: Mapping[str, EngineFunction],
    constant: Callable[[Any], EngineValue] | None = None,
    cotangent: CotangentStyle = "weighted-sum",
    scalar: bool = False,
    composed: bool = True,
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
) -> Target:
    """Make a target of an engine that records what is computed and walks back over the record.

    ``variable`` makes a differentiable engine value of an array (with ``scalar``, of a Python float, and
    every program is 0-d), ``constant`` one that is not differentiated (None: the raw float or array is
    passed). ``value`` and ``gradient`` read an engine value: a number, array-like, or None for no gradient.
    ``cotangent`` says how ``backward`` starts: ``"argument"``: ``backward(output, cotangent)`` with the raw
    cotangent, or where the engine refuses that, with ``constant`` of it; ``"weighted-sum"``: the outputs are
    multiplied by the cotangents and summed with the target's own primitives, then ``backward(total)``;
    ``"ones"``: the engine starts from ones alone. ``accuracies`` declares the k of primitives at which the engine is
    less accurate than their pages ask (``{"tanh": 8}``: 8 unit roundoffs); reports list them. Raises SpecError, in one
    line, for what is none of this.
    """
    claimed, kinds = require_claims(HELPER, name, version, levels, dtypes)
    require_callable(HELPER, variable=variable, value=value, backward=backward, gradient=gradient)
    if constant is not None:
        require_callable(HELPER, constant=constant)
    if cotangent not in STYLES:
        expected = " | ".join(map(repr, STYLES))
        raise SpecError(HELPER, f"cotangent={cotangent!r}", expected, near(str(cotangent), STYLES))
    require_arity(HELPER, "backward", backward, "output, cotangent" if cotangent == "argument" else "output")
    functions = require_primitives(HELPER, primitives)
    needed = needed_for_total(scalar)
    if cotangent == "weighted-sum" and (missing := sorted(needed - functions.keys())):
        found = f"cotangent='weighted-sum' without {', '.join(missing)}"
        cure = "Add them, or use cotangent='argument' or 'ones'."
        raise SpecError(HELPER, found, f"the primitives {', '.join(sorted(needed))}", cure)
    given = (variable, constant, value, backward, gradient)
    handed = Handed(sys._getframe(1).f_code.co_filename, given)
    tape = _Tape(variable, constant, value, backward, gradient, functions, cotangent, scalar, handed)
    forward, record = handed.guard(tape.forward), handed.guard_pullback(tape.record)
    return Target(
        name=name,
        version=version,
        levels=claimed,
        dtypes=kinds,
        primitives=frozenset(functions),
        run=lambda program, values: forward(tape.function(program, values), _primals(program, values)),
        pullback=lambda program, values, keep=None: record(
            tape.function(program, values, keep), _primals(program, values)
        ),
        scalar=scalar,
        composed=composed,
        cotangent=cotangent,
        flushes_subnormals=flushes_subnormals,
        accuracies=require_accuracies(HELPER, accuracies),
    )


Started = tuple[tuple[EngineValue, Array], ...]
"""The outputs to start backward from, each with its cotangent."""
_Recorded = tuple[tuple[EngineValue, ...], tuple[EngineValue, ...]]
"""The variables of a run, and its outputs."""


@dataclass(slots=True)
class _Tape:
    """The functions of a tape engine, and how a pullback is made of them.

    ``starts`` are the ways to start backward that may work; the first one that did is the only one from then on.
    """

    variable: Callable[[Any], EngineValue]
    constant: Callable[[Any], EngineValue] | None
    value: Callable[[EngineValue], Any]
    backward: Callable[..., Any]
    gradient: Callable[[EngineValue], Any]
    primitives: Mapping[str, EngineFunction]
    style: CotangentStyle
    scalar: bool
    handed: Handed
    starts: list[Callable[[Started], None]] = field(init=False)

    def __post_init__(self) -> None:
        if self.style != "argument":
            self.starts = [self._from_total]
        elif self.constant is None:
            self.starts = [self._from_raw]
        else:
            self.starts = [self._from_raw, self._from_constants]

    def raw(self, array: Array) -> Any:
        return array.item() if self.scalar else array

    def constant_of(self, array: Array) -> EngineValue:
        return self.raw(array) if self.constant is None else self.constant(self.raw(array))

    def variables(self, primals: tuple[Array, ...]) -> tuple[EngineValue, ...]:
        return tuple(self.variable(self.raw(primal)) for primal in primals)

    def read(self, output: EngineValue, like: np.dtype[Any]) -> Array:
        return to_array(output if _is_raw(output) else self.value(output), like)

    def forward(self, function: EngineFunction, primals: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run a function of variables, without backward."""
        return tuple(self.read(output, _dtype(primals)) for output in function(*self.variables(primals)))

    def function(self, program: Program, values: Values, keep: list[Any] | None = None) -> EngineFunction:
        """Return a program as a function of variables."""
        return program_function(program, values, self.primitives, self.constant_of, keep)

    def record(self, function: EngineFunction, primals: Arrays) -> tuple[Arrays, Pull]:
        """Run, and return what starts backward from cotangents; called again, it runs anew, on a fresh record."""

        def run() -> _Recorded:
            variables = self.variables(primals)
            return variables, function(*variables)

        waiting = [run()]
        values = tuple(self.read(output, _dtype(primals)) for output in waiting[0][1])

        def pull(cotangents: Arrays) -> Gradients:
            if self.style == "ones" and any((cotangent != 1).any() for cotangent in cotangents):
                raise SpecError(HELPER, "a cotangent that is not ones", "ones, as cotangent='ones' says", "Give ones.")
            refusals = []
            for start in tuple(self.starts):
                try:
                    gradients = self._pulled(waiting.pop() if waiting else run(), primals, cotangents, start)
                except Exception as error:  # the engine's: a refusal of this start, or of the case
                    refusals.append(error)
                else:
                    self.starts[:] = [start]
                    return gradients
            # A start that the adapter is not made for says nothing where another one got to the engine.
            raise next((error for error in refusals if not self.handed.is_own(error)), refusals[0])

        return values, pull

    def _pulled(
        self, recorded: _Recorded, primals: Arrays, cotangents: Arrays, start: Callable[[Started], None]
    ) -> Gradients:
        """Start backward from the cotangents, and read each variable's gradient."""
        variables, outputs = recorded
        pairs = zip(outputs, cotangents, strict=True)
        started = tuple((output, cotangent) for output, cotangent in pairs if not _is_raw(output))
        if started:
            start(started)
        found = (self.gradient(variable) for variable in variables)
        return tuple(
            None if gradient is None else to_array(gradient, primal.dtype)
            for gradient, primal in zip(found, primals, strict=True)
        )

    def _from_raw(self, started: Started) -> None:
        self._from_arguments(started, self.raw)

    def _from_constants(self, started: Started) -> None:
        self._from_arguments(started, self.constant_of)

    def _from_arguments(self, started: Started, make: Callable[[Array], Any]) -> None:
        """Start from an output and its cotangent; several outputs are joined first, where that can be done."""
        if len(started) > 1 and needed_for_total(self.scalar) <= self.primitives.keys():
            self.backward(self._total(started), make(np.ones((), _dtype(tuple(given for _, given in started)))))
            return
        for output, cotangent in started:
            self.backward(output, make(cotangent))

    def _from_total(self, started: Started) -> None:
        joinable = needed_for_total(self.scalar) - {"multiply"} <= self.primitives.keys()
        if self.style == "ones" and (len(started) == 1 or not joinable):
            for output, _ in started:
                self.backward(output)
        else:
            self.backward(self._total(started))

    def _total(self, started: Started) -> EngineValue:
        """Return one number whose gradient is that of all outputs, so that no step they share is walked twice."""
        terms = []
        for output, cotangent in started:
            weighted = output
            if self.style != "ones":
                weighted = self.primitives["multiply"](output, self.constant_of(cotangent))
            terms.append(weighted if self.scalar else self.primitives["sum"](weighted, axis=None, keepdims=False))
        return reduce(self.primitives["add"], terms)


def needed_for_total(scalar: bool) -> set[str]:
    """Return the primitives that join outputs and their cotangents into one number."""
    return {"multiply", "add"} if scalar else {"multiply", "add", "sum"}


def _is_raw(value: Any) -> bool:
    """Whether a value is a plain number or array, which no engine recorded."""
    return type(value) in RAW or isinstance(value, np.generic)


def _primals(program: Program, values: Values) -> Arrays:
    return tuple(values[name] for name in program.inputs)


def _dtype(primals: tuple[Array, ...]) -> np.dtype[Any]:
    return primals[0].dtype if primals else np.dtype(np.float64)


def to_array(value: Any, like: np.dtype[Any]) -> Array:
    """Return what an engine gave as an array of its own; numbers without a dtype are in the program's."""
    return np.array(value, dtype=like if isinstance(value, bool | int | float | list | tuple) else None)
