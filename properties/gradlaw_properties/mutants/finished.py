"""Faults of the finished gradient, or of the cotangent on its way in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradlaw_properties.engines import primals_of, pullback_of, reference_target
from gradlaw_properties.mutants.mutant import Keep, Mutant
from gradlaw_spec import Array, Program, Pull, dtype
from gradlaw_spec.target import Arrays, Gradients, Values


def _gradient_fault(
    name: str, fault: Callable[[Array, Array, int], Array], subject: str = "program", dtype_name: str = "float64"
) -> Mutant:
    """``fault(gradient, primal, position) -> gradient`` after a right backward pass."""
    right = pullback_of()

    def pullback(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
        outputs, right_pull = right(program, values, keep)
        primals = primals_of(program, values)

        def pull(cotangents: Arrays) -> Gradients:
            wrong = []
            for position, (gradient, primal) in enumerate(zip(right_pull(cotangents), primals, strict=True)):
                assert gradient is not None
                with np.errstate(all="ignore"):
                    wrong.append(np.asarray(fault(gradient, primal, position)))
            return tuple(wrong)

        return outputs, pull

    return Mutant(name, lambda: reference_target(name, pullback=pullback), subject, dtype_name)


def _cotangent_fault(name: str, fault: Callable[[Array], Array], subject: str = "program") -> Mutant:
    def wrong(pull: Pull, values: Arrays, cotangents: Arrays) -> Gradients:
        return pull(tuple(np.asarray(fault(g)).astype(g.dtype) for g in cotangents))

    return pull_fault(name, wrong, subject)


def pull_fault(name: str, fault: Callable[[Pull, Arrays, Arrays], Gradients], subject: str = "program") -> Mutant:
    """``fault(pull, primals, cotangents) -> gradients`` with the right pull, after a right forward pass."""
    right = pullback_of()

    def pullback(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
        outputs, pull = right(program, values, keep)
        primals = primals_of(program, values)
        return outputs, lambda cotangents: fault(pull, primals, cotangents)

    return Mutant(name, lambda: reference_target(name, pullback=pullback), subject)


def _typed(number: float) -> Callable[[Array, Array, int], Array]:
    return lambda gradient, primal, position: (gradient.astype(np.float64) * number).astype(gradient.dtype)


def _through(name: str) -> Callable[[Array, Array, int], Array]:
    return lambda gradient, primal, position: gradient.astype(dtype(name).numpy).astype(gradient.dtype)


def _where_primal(condition: Callable[[Array], Array]) -> Callable[[Array, Array, int], Array]:
    return lambda gradient, primal, position: np.where(condition(primal), -gradient, gradient)


def _zero_one(gradient: Array, primal: Array, position: int) -> Array:
    if gradient.size < 20:
        return gradient
    wrong = gradient.copy()
    wrong.reshape(-1)[gradient.size // 2] = 0
    return wrong


sign_flip = _gradient_fault("sign-flip", _typed(-1))
doubled = _gradient_fault("doubled", _typed(2))
one_percent = _gradient_fault("one-percent", _typed(1.01), "add")
twentieth_percent = _gradient_fault("twentieth-percent", _typed(1.0005))
relative_error = _gradient_fault("relative-error-2^-40", _typed(1 + 2.0**-40))
all_zeros = _gradient_fault("all-zeros", _typed(0))
one_zeroed = _gradient_fault("one-zeroed", _zero_one, "sum")
reversed_order = _gradient_fault("reversed-order", lambda g, x, i: g.reshape(-1)[::-1].reshape(g.shape), "reshape")
clipped_result = _gradient_fault("clipped-result", lambda g, x, i: np.clip(g, -10, 10), "multiply")
absolute_offset = _gradient_fault("absolute-offset", lambda g, x, i: g + np.asarray(1e-6, g.dtype))
float32_round_trip = _gradient_fault("float32-round-trip", _through("float32"))
float16_round_trip = _gradient_fault("float16-round-trip", _through("float16"), "program", "float32")
bfloat16_round_trip = _gradient_fault("bfloat16-round-trip", _through("bfloat16"), "program", "float32")
wrong_below_zero = _gradient_fault("wrong-below-zero", _where_primal(lambda x: x < 0), "tanh")
wrong_at_zero = _gradient_fault("wrong-at-zero", _where_primal(lambda x: x == 0), "sin")
wrong_above_hundred = _gradient_fault("wrong-above-hundred", _where_primal(lambda x: np.abs(x) > 100), "multiply")
wrong_at_one_input = _gradient_fault(
    "wrong-at-one-input", _where_primal(lambda x: x == 1.2890625 * 2.0**-41), "log", "bfloat16"
)
nan_for_infinity = _gradient_fault(
    "nan-for-infinity", lambda g, x, i: np.where(np.isinf(x), np.nan, g).astype(g.dtype), "tanh"
)
nan_spreads = _gradient_fault("nan-spreads", lambda g, x, i: g + np.sum(x * 0).astype(g.dtype), "add")
gradients_in_float64 = _gradient_fault(
    "gradients-in-float64", lambda g, x, i: g.astype(np.float64), "program", "float32"
)
drops_unit_axes = _gradient_fault("drops-unit-axes", lambda g, x, i: np.squeeze(g), "add")

ignores_cotangent = _cotangent_fault("ignores-cotangent", np.ones_like)
absolute_cotangent = _cotangent_fault("absolute-cotangent", np.abs)
positive_part = _cotangent_fault("positive-part", lambda g: np.maximum(g, 0))
clipped_cotangent = _cotangent_fault("clipped-cotangent", lambda g: np.clip(g, -1, 1))
quadratic_cotangent = _cotangent_fault("quadratic-cotangent", lambda g: g * np.abs(g))
