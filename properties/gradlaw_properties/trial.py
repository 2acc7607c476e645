"""A trial: one case on one target, with forward, pullback and truth computed once and shared by laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from gradlaw_properties.compose import expand
from gradlaw_reference import Certified, Data, Rounding, certify, certify_pullback, rounding
from gradlaw_reference.arithmetic.sets import ANYTHING
from gradlaw_spec import (
    DTYPES,
    Array,
    Case,
    Program,
    Pull,
    Step,
    Target,
    Unsupported,
    dtype,
    load_primitives,
    value_dtypes,
)
from gradlaw_spec.target import Start, Walked
from gradlaw_spec.text import error_text, tame

Cotangents = tuple[Array, ...]
Gradients = tuple[Array | None, ...]


class UnsupportedCase(Exception):
    """The target does not do this case: it raises on the plain forward call too, says so, or lacks a primitive."""


class DifferentiationError(Exception):
    """The target computes the value, but raises under differentiation."""


class WrongShape(Exception):
    """A gradient has not its primal's shape: the ``shape`` law's matter, and no other law can compare it."""


class WrongValueShape(WrongShape):
    """A value has not the shape that it must have: no cotangent fits it, and the law ``value`` says so."""


class Trial:
    """One case on one target; everything that several laws look at is computed once, on demand."""

    def __init__(self, target: Target, case: Case) -> None:
        self.target, self.case, self.program = target, case, case.program
        self.page = load_primitives().get(case.subject)
        self.values = {name: value.copy() for name, value in case.values.items()}
        self.cotangents: Cotangents = tuple(cotangent.copy() for cotangent in case.cotangents)
        self._record: tuple[Cotangents, Pull] | None = None
        self._pulled: dict[bytes, tuple[Cotangents, Gradients]] = {}
        self._truths: dict[bytes, tuple[Data, ...]] = {}
        self._second: dict[bytes, tuple[Cotangents, tuple[Data, ...]]] = {}

    @property
    def inputs(self) -> Cotangents:
        """The differentiated inputs."""
        return tuple(self.values[name] for name in self.program.inputs)

    @property
    def step(self) -> Step:
        """The one step of a primitive's case."""
        return self.program.steps[0]

    @property
    def random(self) -> np.random.Generator:
        """What a law draws from the case's seed; the same at every call."""
        return np.random.Generator(np.random.PCG64(self.case.seed))

    def variant(
        self,
        program: Program | None = None,
        values: Mapping[str, Array] | None = None,
        cotangents: Cotangents | None = None,
    ) -> Trial:
        """Return a trial of a changed case on the same target; what is not given stays."""
        changed = replace(
            self.case,
            program=self.program if program is None else program,
            values=self.values if values is None else values,
            cotangents=self.cotangents if cotangents is None else cotangents,
        )
        return Trial(self.target, changed)

    @cached_property
    def runnable(self) -> Program:
        """The program in primitives that the target has; raises UnsupportedCase where there is none."""
        target, program = self.target, self.program
        runnable = expand(program, target.primitives) if target.composed else program
        if runnable is None or not runnable.primitives <= target.primitives:
            missing = ", ".join(sorted(program.primitives - target.primitives))
            raise UnsupportedCase(f"the target has no {missing}")
        named = {str(step.attributes["dtype"]) for step in program.steps if "dtype" in step.attributes}
        if other := named - set(target.dtypes):
            raise UnsupportedCase(f"the target does not claim {', '.join(sorted(other))}")
        return runnable

    def run(
        self,
        inputs: Cotangents,
        cotangents: Cotangents,
        keep: list[Any] | None = None,
        before: list[Array] | None = None,
    ) -> tuple[Cotangents, Gradients]:
        """Run the target and pull back, once; raise UnsupportedCase or DifferentiationError where it raises.

        ``before`` gets copies of the outputs as they were until then. Raise WrongValueShape where a value has not the
        shape of its cotangent.
        """
        program = self.runnable
        self._require_start(cotangents)
        try:
            outputs, pull = self.target.pullback(program, self._with(inputs), keep)
            self._require_fitting(outputs, cotangents)
            if before is not None:
                before += map(np.copy, outputs)
            return outputs, pull(cotangents)
        except WrongShape:
            raise
        except Exception as error:
            raise self._refused(cotangents, error) from error

    def walked(self, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        """Walk back over one record from each start in turn; raise as ``run`` does where the first walk is refused."""
        assert self.target.walks is not None
        values = {name: value.copy() for name, value in self.values.items()}
        try:
            return self.target.walks(self.runnable, values, starts, anew=anew)
        except Exception as error:
            raise self._refused(self.cotangents, error) from error

    def _with(self, inputs: Cotangents) -> dict[str, Array]:
        return {**self.values, **dict(zip(self.program.inputs, inputs, strict=True))}

    def _require_start(self, cotangents: Cotangents) -> None:
        if self.target.cotangent == "ones" and any((cotangent != 1).any() for cotangent in cotangents):
            raise UnsupportedCase("the engine can only start from ones, and this needs another cotangent")

    def _refused(self, cotangents: Cotangents, error: Exception) -> UnsupportedCase | DifferentiationError:
        """Return what it means that the target raised; raise UnsupportedCase where the plain forward call does too."""
        if isinstance(error, Unsupported):
            return UnsupportedCase(tame(error))
        self.forward_or_unsupported()
        message = f"the value is computed, but differentiation raises {error_text(error)}"
        if self.anything_goes(cotangents):
            return UnsupportedCase(f"{message} (where the law book admits anything)")
        return DifferentiationError(message)

    def anything_goes(self, cotangents: Cotangents) -> bool:
        """Whether some gradient is unbounded here, so that an error is as good an answer as inf or nan."""
        return any(not item.is_finite() for gradient in self.truth(cotangents) for item in gradient.ravel())

    def forward_or_unsupported(self) -> Cotangents:
        """Run without differentiation; raise UnsupportedCase with the target's message where it raises."""
        program = self.runnable
        try:
            return self.target.run(program, self.values)
        except Exception as error:
            raise UnsupportedCase(error_text(error)) from error

    @cached_property
    def forward(self) -> Cotangents:
        """The outputs computed without differentiation."""
        return self.forward_or_unsupported()

    def _both(self, cotangents: Cotangents) -> tuple[Cotangents, Gradients]:
        """Return outputs and gradients, pulled back through what the target recorded at the first call."""
        key = b"".join(cotangent.tobytes() for cotangent in cotangents)
        if key not in self._pulled:
            program = self.runnable
            self._require_start(cotangents)
            try:
                if self._record is None:
                    self._record = self.target.pullback(program, self._with(tuple(map(np.copy, self.inputs))))
                outputs, pull = self._record
                self._require_fitting(outputs, cotangents)
                self._pulled[key] = outputs, pull(tuple(map(np.copy, cotangents)))
            except WrongShape:
                raise
            except Exception as error:
                raise self._refused(cotangents, error) from error
        return self._pulled[key]

    def _require_fitting(self, outputs: Cotangents, cotangents: Cotangents) -> None:
        """Raise where a cotangent does not fit: an engine may read what lies behind it in memory."""
        for name, output, cotangent in zip(self.program.outputs, outputs, cotangents, strict=True):
            if output.shape != cotangent.shape:
                raise WrongValueShape(f"value {name}: found shape={output.shape}; expected {cotangent.shape}")

    @property
    def outputs(self) -> Cotangents:
        """The outputs computed under differentiation."""
        try:
            return self._both(self.cotangents)[0]
        except WrongValueShape:
            assert self._record is not None
            return self._record[0]

    def pull(self, cotangents: Cotangents | None = None) -> Cotangents:
        """The target's gradients for these cotangents (the case's own, if none); its None is zeros."""
        gradients = self.pull_raw(cotangents)
        for name, gradient, value in zip(self.names(), gradients, self.inputs, strict=True):
            if gradient is not None and gradient.shape != value.shape:
                raise WrongShape(f"{name}: found shape={gradient.shape}; expected {value.shape}, the primal's")
        return tuple(
            np.zeros_like(value) if gradient is None else gradient
            for gradient, value in zip(gradients, self.inputs, strict=True)
        )

    def pull_raw(self, cotangents: Cotangents | None = None) -> Gradients:
        """The target's gradients as it gave them."""
        return self._both(self.cotangents if cotangents is None else cotangents)[1]

    @cached_property
    def started(self) -> dict[str, str]:
        """The dtypes of the inputs and data that are real numbers."""
        return {name: value.dtype.name for name, value in self.values.items() if value.dtype.name in DTYPES}

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """The dtype of every real value of the program."""
        return value_dtypes(self.program, self.started)

    @cached_property
    def certified(self) -> Certified:
        """The program, as the target runs it, in ball arithmetic under the rounding model.

        What the target lacks is composed for it, so the composition is judged, and not the primitive. Raises
        UnsupportedCase where it cannot be run.
        """
        make: Callable[..., Certified] = self.target.sets or certify
        return make(self.runnable, self.values, dtypes=self.started, **self.judged_by)

    @property
    def judged_by(self) -> dict[str, Any]:
        """What the rounding model depends on: the case's dtype, and what the target declares."""
        target = self.target
        return {
            "dtype": self.case.dtype,
            "flushes_subnormals": target.flushes_subnormals,
            "accuracies": target.accuracies,
        }

    @property
    def rounding(self) -> Rounding:
        """The rounding model by which the target is judged."""
        return rounding(**self.judged_by)

    def truth(self, cotangents: Cotangents | None = None) -> tuple[Data, ...]:
        """The admissible sets of the gradients for these cotangents."""
        chosen = self.cotangents if cotangents is None else cotangents
        key = b"".join(cotangent.tobytes() for cotangent in chosen)
        if key not in self._truths:
            sets = self.certified.gradients(chosen)
            if self._total_overflows(chosen):
                sets = tuple(np.full(gradient.shape, ANYTHING, dtype=object) for gradient in sets)
            self._truths[key] = sets
        return self._truths[key]

    def second(self, directions: Cotangents) -> tuple[Cotangents, tuple[Data, ...]]:
        """The target's gradients of its pullback, each input's, then each cotangent's; and their admissible sets.

        Raise UnsupportedCase where the engine refuses with an error, which is within its rights.
        """
        key = b"".join(direction.tobytes() for direction in directions)
        if key not in self._second:
            found = self.pulled_twice(directions)
            self._second[key] = found, self.certified_pullback.gradients(directions)
        return self._second[key]

    def pulled_twice(self, directions: Cotangents) -> Cotangents:
        """Return the target's gradients of its pullback; raise UnsupportedCase where it refuses with an error."""
        assert self.target.second_order is not None
        program = self.runnable
        try:
            found = self.target.second_order(
                program, self._with(tuple(map(np.copy, self.inputs))), tuple(map(np.copy, self.cotangents)), directions
            )
        except Exception as error:
            raise UnsupportedCase(f"its pullback is not differentiated: {error_text(error)}") from error
        return _filled(found, (*self.inputs, *self.cotangents))

    def pushed(self, tangents: Cotangents) -> tuple[Cotangents, tuple[Data, ...]]:
        """The target's tangents of the outputs for tangents of the inputs, and their admissible sets.

        Raise UnsupportedCase where the engine refuses with an error, which is within its rights.
        """
        assert self.target.jvp is not None
        program = self.runnable
        try:
            found = self.target.jvp(
                program, self._with(tuple(map(np.copy, self.inputs))), tuple(map(np.copy, tangents))
            )
        except Exception as error:
            raise UnsupportedCase(f"its forward mode refuses: {error_text(error)}") from error
        sets = self.certified_pullback.gradients(tangents)[len(self.inputs) :]
        return _filled(found, self.cotangents), sets

    def compiled(self) -> tuple[Cotangents, Cotangents]:
        """Return the target's outputs and gradients through its compiler; its None is zeros.

        Raise UnsupportedCase where that refuses with an error, which is within its rights.
        """
        assert self.target.compiled is not None
        self._require_start(self.cotangents)
        try:
            outputs, pull = self.target.compiled(self.runnable, self._with(tuple(map(np.copy, self.inputs))))
            found = pull(tuple(map(np.copy, self.cotangents)))
        except Exception as error:
            raise UnsupportedCase(f"its compiler refuses: {error_text(error)}") from error
        return outputs, _filled(found, self.inputs)

    def batch(self, others: Sequence[Trial]) -> tuple[Cotangents, ...]:
        """Return the target's gradients of this trial and of others of its program, pulled back in one call.

        Raise UnsupportedCase where the engine refuses with an error, which is within its rights.
        """
        assert self.target.batched is not None
        cases = (self, *others)
        inputs, cotangents = (
            tuple(map(np.stack, zip(*given, strict=True)))
            for given in ((case.inputs for case in cases), (case.cotangents for case in cases))
        )
        try:
            found = self.target.batched(self.runnable, self._with(inputs), cotangents)
        except Exception as error:
            raise UnsupportedCase(f"it pulls back no batch of this: {error_text(error)}") from error
        return tuple(zip(*_filled(found, inputs), strict=True))

    @cached_property
    def certified_pullback(self) -> Certified:
        """The program's pullback, as the target runs it, in ball arithmetic under the rounding model."""
        return certify_pullback(self.runnable, self.values, self.cotangents, dtypes=self.started, **self.judged_by)

    def directions(self, draw: np.random.Generator) -> Cotangents:
        """Draw cotangents for the gradients: signed quarters, 0 now and then."""
        return tuple(self.rounded(draw.integers(-8, 9, size=value.shape) / 4, value) for value in self.inputs)

    def second_names(self) -> tuple[str, ...]:
        """How messages call the gradients of the pullback: ``second-order gradient of x``."""
        inputs = (f"second-order gradient of {name}" for name in self.program.inputs)
        return (*inputs, *(f"second-order gradient of the cotangent of {name}" for name in self.program.outputs))

    def _total_overflows(self, cotangents: Cotangents) -> bool:
        """Whether the sum from which backward is started may overflow, which is none of the engine's doing."""
        if self.target.cotangent != "weighted-sum":
            return False
        outputs = zip(self.program.outputs, self.certified.outputs, cotangents, strict=True)
        for name, output, cotangent in outputs:
            largest = dtype(self.dtypes[name]).largest
            total = np.sum(np.abs(output) * np.abs(cotangent.astype(np.float64)))
            if not (output.size == 0 or total <= largest / 2):
                return True
        return False

    def rounded(self, values: Any, like: Array | None = None) -> Array:
        """Round numbers to an array's dtype, or to the case's."""
        return np.asarray(values, dtype=np.float64).astype(dtype(self.case.dtype).numpy if like is None else like.dtype)

    def names(self) -> tuple[str, ...]:
        """How messages call the gradients: ``gradient of x``."""
        return tuple(f"gradient of {name}" for name in self.program.inputs)


def _filled(found: Gradients, likes: Cotangents) -> Cotangents:
    """Return what an engine gave, with zeros for its None."""
    return tuple(np.zeros_like(like) if got is None else got for got, like in zip(found, likes, strict=True))
