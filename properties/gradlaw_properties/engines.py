"""The reference as a target: plain floating point in any dtype, and the base of every mutant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradlaw_reference as reference
from gradlaw_reference import Float, Tape, using
from gradlaw_spec import DTYPES, SPEC_VERSION, Array, Target, VectorJacobianProduct, load_primitives


def _precision(primals: tuple[Array, ...]) -> Float:
    names = [primal.dtype.name for primal in primals if primal.dtype.name in DTYPES]
    return Float(names[0] if names else "float64")


def taped_vjp(tape: Callable[[], Tape] = Tape) -> VectorJacobianProduct:
    """Return the vjp of the reference engine, or of one that differs by its tape."""

    def vjp(
        function: Callable[..., Any], primals: tuple[Array, ...], cotangents: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        with using(_precision(primals)):
            outputs, pullback = reference.vjp(function, *primals, tape=tape())
            gradients = pullback(tuple(cotangents))
            return tuple(output.data for output in outputs), tuple(gradient.data for gradient in gradients)

    return vjp


def forward(function: Callable[..., Any], primals: tuple[Array, ...]) -> tuple[Array, ...]:
    """Run a function of the reference's values without differentiation."""
    with using(_precision(primals)):
        return tuple(output.data for output in function(*(reference.as_array(primal) for primal in primals)))


def reference_target(
    name: str = "reference",
    *,
    tape: Callable[[], Tape] = Tape,
    vjp: VectorJacobianProduct | None = None,
    plain: Callable[..., tuple[Array, ...]] = forward,
) -> Target:
    """Return the reference implementation as a target; a tape or vjp of its own makes it a mutant."""
    return Target(
        name=name,
        version=SPEC_VERSION,
        levels=("scalar", "array", "nn", "linalg", "low-precision"),
        dtypes=tuple(DTYPES),
        primitives={primitive: getattr(reference, primitive) for primitive in load_primitives()},
        vjp=vjp or taped_vjp(tape),
        forward=plain,
        constant=lambda array: array,
    )
