"""A formula for the gradients alone: what a kernel may return that computes them by it, once it is the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from flint import arb

from gradlaw.own.mistakes import Mistake
from gradlaw.own.rounded import rounded_program
from gradlaw.own.settings import Settings
from gradlaw.own.traced import Definition, Tracing, traced
from gradlaw_properties.laws.common import exact
from gradlaw_reference import Data, Rounding, certify, evaluate, in_dtype, using
from gradlaw_spec import DTYPES, Array, SpecError

PRECISION: Final = 256
"""Bits in which a formula is compared with the gradient."""
APART: Final = np.frompyfunc(lambda one, other: one.is_finite() and other.is_finite() and not one.overlaps(other), 2, 1)


@dataclass(frozen=True)
class ByFormula:
    """The gradients of one case by a formula of inputs and cotangents, as `gradlaw_reference.Certified` has them."""

    formula: Definition
    definition: Tracing
    """The function whose gradients they are."""
    arguments: Mapping[str, Any]
    differentiated: tuple[str, ...]
    settings: Settings
    compute: str | None
    used: Rounding
    outputs: tuple[str, ...]
    """The dtypes of the outputs, and so of their cotangents."""

    def gradients(self, cotangents: tuple[Data, ...]) -> tuple[Data, ...]:
        """Return the sets of the gradients for cotangents, or balls of such.

        Raises Mistake where the formula is not the gradient of the definition.
        """
        own = cotangents[:-1] if self.settings.shared else cotangents
        names = tuple(self._name(position) for position in range(len(own)))
        typed = (_typed(one, name) for one, name in zip(own, self.outputs, strict=False))
        arguments = {**self.arguments, **dict(zip(names, typed, strict=True))}
        tracing = traced(self.formula, arguments, (), self.settings.options, self.compute)
        self._require_shapes(tracing)
        start = {name: one.dtype.name for name, one in {**arguments, **tracing.data}.items() if hasattr(one, "dtype")}
        whole = {**arguments, **tracing.data, **dict(zip(names, own, strict=True))}
        self._require_equal(tracing, whole, own)
        to = tuple(self.arguments[name].dtype.name for name in self.differentiated)
        program = rounded_program(tracing.program, self.compute, to, start)
        real = {name: start[name] for name in program.data if start[name] not in ("int64", "bool")}
        with using(self.used):
            known = evaluate(program, {**whole, **{name: in_dtype(whole[name], real[name]) for name in real}})
        found = dict(zip(self.differentiated, (known[name] for name in program.outputs), strict=True))
        if self.settings.shared:
            shared, dtype = self.settings.shared, self.arguments[self.settings.shared].dtype.name
            beside = cotangents[-1] if cotangents[-1].dtype == object else exact(cotangents[-1])
            found[shared] = self.used.of(dtype).elementary("add", found[shared], beside)
        return tuple(found.values())

    def _name(self, position: int) -> str:
        name = f"g{position}"
        while name in self.arguments or name in self.settings.options:
            name += "_"
        return name

    def _require_shapes(self, tracing: Tracing) -> None:
        found, expected = tracing.shapes, tuple(self.arguments[name].shape for name in self.differentiated)
        if found != expected:
            wanted = f"{expected}, the shapes of {', '.join(self.differentiated)}"
            raise Mistake(SpecError("backward", f"gradients of shapes {found}", wanted, "Add up over broadcast axes."))

    def _require_equal(self, tracing: Tracing, whole: Mapping[str, Any], cotangents: tuple[Data, ...]) -> None:
        """Compare the formula with the gradient, both without any rounding."""
        definition = self.definition
        given = {**self.arguments, **definition.data}
        gradients = certify(definition.program, given, dtype=None, precision=PRECISION).gradients(cotangents)
        by_formula = certify(replace(tracing.program, inputs=()), whole, dtype=None, precision=PRECISION).outputs
        for name, gradient, other in zip(self.differentiated, gradients, by_formula, strict=True):
            for place in map(tuple, np.argwhere(np.asarray(APART(gradient, other), dtype=bool)).tolist()):
                where = f"gradient of {name}{list(place) if place else ''} at {self._point()}"
                found = f"{where} is {_short(other[place])} by it"
                expected = f"{_short(gradient[place])}, the definition's"
                raise Mistake(SpecError("backward", found, expected, "Mend the formula, or the definition."))

    def _point(self) -> str:
        shown = (f"{name} = {np.asarray(self.arguments[name]).tolist()}" for name in self.differentiated)
        return ", ".join(text if len(text) < 80 else f"{text[:80]}…" for text in shown)


def _typed(cotangent: Data, dtype_name: str) -> Array:
    """Return an array of a dtype for a cotangent, or for the middles of balls."""
    return cotangent.astype(np.float64).astype(DTYPES[dtype_name].numpy)


def _short(number: arb) -> str:
    return str(number.str(6, radius=False))
