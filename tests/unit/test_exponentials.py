"""What scaling and squaring computes is in the sets of admissible-sets/factorisation, and what is worse is not."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from gradlaw_reference import admissible
from gradlaw_reference.arithmetic.exponentials import real_exponential, real_exponential_along
from gradlaw_spec import Program, Step

PROGRAM = Program(("x",), (Step(("y",), "expm", ("x",), {}),), ("y",))


def sets(x: Any, g: Any, dtype: str) -> tuple[Any, Any]:
    found = admissible(PROGRAM, {"x": x}, (g,), dtype=dtype)
    return found.outputs[0], found.gradients[0]


def inside(numbers: Any, allowed: Any) -> bool:
    pairs = zip(np.ravel(numbers).tolist(), allowed.ravel().tolist(), strict=True)
    return all(not ball.is_finite() or ball.contains(arb(number)) for number, ball in pairs)


def unscaled(x: Any, g: Any) -> Any:
    """Compute a gradient as a quarter of the exponential of a matrix of four."""
    return real_exponential(np.block([[x.T, g], [0 * x, x.T]]))[: len(x), len(x) :]


def test_scaling_and_squaring_is_in_its_set() -> None:
    random, told = np.random.default_rng(7), 0
    for _ in range(60):
        size = int(random.integers(1, 6))
        x = random.standard_normal((size, size)) * 2.0 ** random.integers(-6, 5)
        g = random.standard_normal((size, size)) * 2.0 ** random.integers(-20, 20)
        value, gradient = sets(x, g, "float64")
        assert inside(real_exponential(x), value)
        assert inside(real_exponential_along(np.hstack([x.T, g])), gradient)
        told += value[0, 0].is_finite() and gradient[0, 0].is_finite()
    assert told > 50


def test_a_large_cotangent_takes_no_digits() -> None:
    x, g = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0, 2.0], [-1.0, 1.0]])
    assert inside(unscaled(x, g), sets(x, g, "float64")[1])
    assert not inside(unscaled(x, g * 2.0**20), sets(x, g * 2.0**20, "float64")[1])
    for first, second in zip(sets(x, g, "float64")[1].ravel(), sets(x, g * 2.0**20, "float64")[1].ravel(), strict=True):
        assert (first * 2**20).overlaps(second)
        assert float(second.rad()) < 2**21 * float(first.rad())


def test_a_cotangent_of_zeros_gives_zeros() -> None:
    x = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    assert all(ball.is_zero() for ball in sets(x, np.zeros((2, 2), np.float32), "float32")[1].ravel().tolist())


def test_the_exponentials_of_elements_are_outside() -> None:
    x = np.array([[1.0, 0.5], [0.25, -1.0]], np.float32)
    assert not inside(np.exp(x), sets(x, x, "float32")[0])


def test_where_nothing_is_claimed_anything_is_admitted() -> None:
    for x in (np.array([[0.0, -1e8], [1e8, 0.0]], np.float32), np.array([[100.0, 1.0], [1.0, 100.0]], np.float32)):
        assert not any(ball.is_finite() for ball in sets(x, x, "float32")[0].ravel().tolist())
