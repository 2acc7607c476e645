"""What LAPACK computes in float32 is in the sets of clause admissible-sets/factorisation, and what is worse is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb

from gradlaw_reference import admissible
from gradlaw_spec import Program, Step

FLOAT = np.float32
MATRICES = 40


def sets(name: str, x: Any, dtype: str = "float32") -> Any:
    program = Program(("x",), (Step(("y",), name, ("x",), {}),), ("y",))
    cotangent = np.zeros(np.asarray(computed(name, x)).shape, x.dtype)
    return admissible(program, {"x": x}, (cotangent,), dtype=dtype).outputs[0]


def computed(name: str, x: Any) -> Any:
    return getattr(np.linalg, name)(x)


OBLONG = ("pinv", "svdvals")


def drawn(name: str, kind: str, random: np.random.Generator) -> Any:
    rows, columns = random.integers(1, 7, 2)
    x = random.standard_normal((rows, columns if name in OBLONG else rows))
    if kind == "scaled":
        x = x * 2.0 ** random.integers(-6, 7, (len(x), 1))
    if name == "cholesky":
        x = x @ x.T + 2.0**-10 * np.eye(rows)
    return (x if name in OBLONG else (x + x.T) / 2).astype(FLOAT)


@pytest.mark.parametrize("kind", ["normal", "scaled"])
@pytest.mark.parametrize("name", ["cholesky", "eigvalsh", "pinv", "svdvals"])
def test_what_lapack_computes_is_in_its_set(name: str, kind: str) -> None:
    random, told = np.random.default_rng(7), 0
    for _ in range(MATRICES):
        x = drawn(name, kind, random)
        try:
            found = computed(name, x)
        except np.linalg.LinAlgError:
            continue
        for number, allowed in zip(found.ravel().tolist(), sets(name, x).ravel().tolist(), strict=True):
            assert not allowed.is_finite() or allowed.contains(arb(number)), f"{x.tolist()}: {number} not in {allowed}"
            told += allowed.is_finite()
    assert told > MATRICES


def test_normal_equations_are_outside() -> None:
    """They square the condition of a matrix, and lose twice as many digits."""
    x = np.array([[1, 0.9], [1.1e-6, 0], [0, 1.3e-6]])
    found = np.linalg.inv(x.T @ x) @ x.T
    allowed = sets("pinv", x, "float64")
    assert any(not ball.contains(arb(number)) for number, ball in zip(found.ravel(), allowed.ravel(), strict=True))
    assert all(ball.contains(arb(n)) for n, ball in zip(np.linalg.pinv(x).ravel(), allowed.ravel(), strict=True))


def test_the_other_triangle_counts_too() -> None:
    x = np.array([[4.0, 0.0], [4.0, 5.0]])
    program = Program(("x",), (Step(("y",), "cholesky", ("x",), {}),), ("y",))
    gradient = admissible(program, {"x": x}, (np.tril(np.ones((2, 2))),), dtype="float64").gradients[0]
    assert gradient[0, 1].overlaps(gradient[1, 0])
    assert not gradient[0, 1].contains(0)


@pytest.mark.parametrize("name", ["cholesky", "eigvalsh", "pinv"])
def test_where_nothing_is_claimed_anything_is_admitted(name: str) -> None:
    x = np.array([[1.0, 1.0], [1.0, 1.0]], FLOAT)
    program = Program(("x",), (Step(("y",), name, ("x",), {}),), ("y",))
    shape = (2,) if name == "eigvalsh" else (2, 2)
    singular = np.zeros((2, 2), FLOAT) if name == "eigvalsh" else x
    gradient = admissible(program, {"x": singular}, (np.ones(shape, FLOAT),), dtype="float32").gradients[0]
    assert not any(ball.is_finite() for ball in gradient.ravel())
