"""Walks back over one record of a tape engine, one after the other, and inputs that are overwritten in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradlaw.targets.record import Tape
from gradlaw_spec import EngineFunction, EngineValue
from gradlaw_spec.target import Arrays, Gradients, Start, Walked
from gradlaw_spec.text import error_text


@dataclass(frozen=True, slots=True)
class Repeated:
    """What a tape engine's adapter says of repeated walks, beside how it walks once."""

    tape: Tape
    retaining: Tape
    """The same engine where another walk follows."""
    reset: Callable[[EngineValue], Any] | None
    overwrite: Callable[[EngineValue, Any], Any] | None

    def walk(self, function: EngineFunction, primals: Arrays, starts: tuple[Start, ...], anew: bool) -> Walked:
        """Run, walk back from each start in turn, and read the gradients after each."""
        self.tape.settle(function, primals)
        self.retaining.settle(function, primals)
        variables = self.tape.variables(primals)
        outputs, found = function(*variables), list[Gradients]()
        for position, start in enumerate(starts):
            try:
                if position and self.reset is not None:
                    for variable in variables:
                        self.reset(variable)
                if position and anew:
                    outputs = function(*variables)
                self._start(outputs, start, last=anew or position == len(starts) - 1)
            except Exception as error:
                if not found or self.tape.handed.is_own(error):
                    raise
                return Walked(tuple(found), error_text(error))
            found.append(self.tape.gradients(variables, primals))
        return Walked(tuple(found))

    def _start(self, outputs: tuple[EngineValue, ...], start: Start, *, last: bool) -> None:
        tape = self.tape if last else self.retaining
        if start is None:
            tape.backward(outputs[0])
        else:
            tape.start(outputs, start)

    def overwritten(self, function: EngineFunction, primals: Arrays, others: Arrays, cotangents: Arrays) -> Gradients:
        """Run, write other numbers where the inputs were, and pull back."""
        self.tape.settle(function, primals)
        held = tuple(primal.copy() for primal in primals)
        variables = self.tape.variables(held)
        outputs = function(*variables)
        for variable, given, other in zip(variables, held, others, strict=True):
            if self.overwrite is None:
                given[...] = other
            else:
                self.overwrite(variable, self.tape.raw(other))
        self.tape.start(outputs, cotangents)
        return self.tape.gradients(variables, primals)
