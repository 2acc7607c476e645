"""A tape engine's record: run on variables, start backward from cotangents, read the gradients."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from gradlaw.targets.handed import RAW, AdapterError, Handed
from gradlaw_spec import (
    Array,
    EngineFunction,
    EngineValue,
    Primitive,
    Program,
    Pull,
    SpecError,
    load_primitives,
    program_function,
)
from gradlaw_spec.target import Arrays, CotangentStyle, Gradients, Values

HELPER = "tape_target"

Started = tuple[tuple[EngineValue, Array], ...]
"""The outputs to start backward from, each with its cotangent."""
_Recorded = tuple[tuple[EngineValue, ...], tuple[EngineValue, ...]]
"""The variables of a run, and its outputs."""


@dataclass(slots=True)
class Tape:
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
    before: Callable[[], Any] | None = None
    data: Callable[[Any], EngineValue] | None = None
    starts: list[Callable[[Started], None]] = field(init=False)

    def __post_init__(self) -> None:
        if self.style != "argument":
            self.starts = [self._from_total]
        elif self.constant is None:
            self.starts = [self._from_raw]
        else:
            self.starts = [self._from_raw, self._from_constants]

    def raw(self, array: Array) -> Any:
        """Return an array as the engine takes it: a number, for an engine of numbers."""
        return array.item() if self.scalar else array

    def constant_of(self, array: Array) -> EngineValue:
        """Return an array as a value that is not differentiated: numbers by ``constant``, anything else by ``data``."""
        make = self.data if self.data is not None and is_data(array) else self.constant
        return self.raw(array) if make is None else make(self.raw(array))

    def variables(self, primals: tuple[Array, ...]) -> tuple[EngineValue, ...]:
        """Begin a run: return a variable for each primal."""
        if self.before is not None:
            self.before()
        return tuple(self.variable(self.raw(primal)) for primal in primals)

    def read(self, output: EngineValue, like: np.dtype[Any]) -> Array:
        """Return an engine value as an array of its own."""
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
        if started := started_from(outputs, cotangents):
            start(started)
        return self.gradients(variables, primals)

    def settle(self, function: EngineFunction, primals: Arrays) -> None:
        """Find out which way to start works, on a record that is used for nothing else."""
        if len(self.starts) > 1:
            outputs, pull = self.record(function, primals)
            pull(tuple(map(np.ones_like, outputs)))

    def start(self, outputs: tuple[EngineValue, ...], cotangents: tuple[Array | None, ...]) -> None:
        """Start backward in the way that is settled."""
        if started := started_from(outputs, cotangents):
            self.starts[0](started)

    def gradients(self, variables: tuple[EngineValue, ...], primals: Arrays) -> Gradients:
        """Read each variable's gradient as it stands now."""
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
        if len(started) > 1 and self._joins(started):
            self.backward(self._total(started), make(np.ones((), _dtype(tuple(given for _, given in started)))))
            return
        for output, cotangent in started:
            self.backward(output, make(cotangent))

    def _from_total(self, started: Started) -> None:
        if self.style == "ones" and (len(started) == 1 or not self._joins(started)):
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
                weighted = self.joining("multiply", output)(output, self.constant_of(cotangent))
            if not self.scalar:
                weighted = self.joining("sum", weighted)(weighted, axis=None, keepdims=False)
            terms.append(weighted)
        return terms[0] if len(terms) == 1 else reduce(self.joining("add", terms[0]), terms)

    def _joins(self, started: Started) -> bool:
        """Whether the outputs and their cotangents can be made one number."""
        needed = ("multiply", "add") if self.scalar else ("multiply", "add", "sum")
        return all(name in self.primitives or own_operator(name, type(started[0][0])) for name in needed)

    def joining(self, name: str, value: EngineValue) -> EngineFunction:
        """Return what the engine multiplies or adds with: its primitive, else the operator of its own values."""
        function = self.primitives.get(name) or own_operator(name, type(value))
        if function is None:
            found = f"adapter error: {HELPER}, cotangent={self.style!r}: {type(value).__name__} values without {name}"
            cure = f"Add the primitive {name}, or use cotangent='argument' or 'ones'."
            raise AdapterError(f"{found}; expected a primitive {name}, or {OPERATORS[name]}. {cure}")
        return function


def started_from(outputs: tuple[EngineValue, ...], cotangents: tuple[Array | None, ...]) -> Started:
    """Return the outputs that the engine recorded and that have a cotangent, each with it."""
    pairs = zip(outputs, cotangents, strict=True)
    return tuple((output, given) for output, given in pairs if given is not None and not _is_raw(output))


def is_data(array: Array) -> bool:
    """Whether an array has booleans or integers, as conditions and indices are."""
    return array.dtype.kind in "biu"


OPERATORS: Final = MappingProxyType({"multiply": "an operator *", "add": "an operator +", "sum": "a method sum()"})
"""What an engine's values have that joins outputs and their cotangents into one number, where no primitive does."""


def own_operator(name: str, kind: type) -> EngineFunction | None:
    """Return a function that calls the operator or the method of an engine's own values; None where they lack it."""
    if name == "sum":
        return (lambda x, axis, keepdims: x.sum()) if callable(getattr(kind, "sum", None)) else None
    return operator_of(load_primitives()[name], kind)


def operator_of(page: Primitive, kind: type) -> EngineFunction | None:
    """Return the operator of Python's that is a primitive and that a class has; None where there is none."""
    methods = (name for name in page.also if name.startswith("__") and hasattr(kind, name))
    return next((getattr(operator, name) for name in methods), None)


def _is_raw(value: Any) -> bool:
    """Whether a value is a plain number or array, which no engine recorded."""
    return type(value) in RAW or isinstance(value, np.generic)


def _dtype(primals: tuple[Array, ...]) -> np.dtype[Any]:
    return primals[0].dtype if primals else np.dtype(np.float64)


def to_array(value: Any, like: np.dtype[Any]) -> Array:
    """Return what an engine gave as an array of its own; numbers without a dtype are in the program's."""
    return np.array(value, dtype=like if isinstance(value, bool | int | float | list | tuple) else None)
