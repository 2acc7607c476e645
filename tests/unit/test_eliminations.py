"""What elimination computes in float32, with whatever pivots, is in the sets of clause admissible-sets/elimination."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb

from gradlaw_reference import admissible
from gradlaw_spec import Program, Step

FLOAT = np.float32
MATRICES = 12


def sets(name: str, x: Any, cotangent: Any) -> tuple[Any, Any]:
    program = Program(("x",), (Step(("y",), name, ("x",), {}),), ("y",))
    found = admissible(program, {"x": x}, (np.asarray(cotangent, FLOAT),), dtype="float32")
    return found.outputs[0], found.gradients[0]


def drawn(size: int, kind: str, random: np.random.Generator) -> Any:
    x = random.standard_normal((size, size))
    if kind == "scaled":
        x = x * 2.0 ** random.integers(-8, 9, (1, size))
    elif kind == "nearly singular":
        x[-1] = x[:-1].sum(axis=0) * (1 + 1e-6)
    elif kind == "integers":
        x = random.integers(-3, 4, (size, size))
    return x.astype(FLOAT)


def factors(x: Any, pivoting: str) -> tuple[Any, Any, Any, Any]:
    """Return rows, columns, L and U in float32; multipliers are products with a reciprocal, as in LAPACK."""
    left, size = x.copy(), len(x)
    rows, columns = np.arange(size), np.arange(size)
    for step in range(size):
        part = np.abs(left[step:, step:])
        row, column = (
            np.unravel_index(part.argmax(), part.shape) if pivoting == "complete" else (part[:, 0].argmax(), 0)
        )
        for order, place in ((rows, step + row), (columns, step + column)):
            order[[step, place]] = order[[place, step]]
        left[[step, step + row]] = left[[step + row, step]]
        left[:, [step, step + column]] = left[:, [step + column, step]]
        if left[step, step] == 0:
            continue
        left[step + 1 :, step] *= FLOAT(1) / left[step, step]
        left[step + 1 :, step + 1 :] -= np.outer(left[step + 1 :, step], left[step, step + 1 :])
    return rows, columns, np.tril(left, -1) + np.eye(size, dtype=FLOAT), np.triu(left)


def sign(order: Any) -> int:
    return round(float(np.linalg.det(np.eye(len(order))[order])))


def solved(triangle: Any, side: Any, *, lower: bool) -> Any:
    found = side.astype(FLOAT).copy()
    places = range(len(side)) if lower else reversed(range(len(side)))
    for place in places:
        others = range(place) if lower else range(place + 1, len(side))
        for other in others:
            found[place] = found[place] - triangle[place, other] * found[other]
        found[place] = found[place] / triangle[place, place]
    return found


def by_elimination(x: Any, pivoting: str, cotangent: Any) -> tuple[Any, Any]:
    """Return a determinant and its gradient, both of the same factors."""
    rows, columns, lower, upper = factors(x.T if pivoting == "columns" else x, pivoting)
    determinant = FLOAT(sign(rows) * sign(columns)) * np.multiply.reduce(np.diag(upper), dtype=FLOAT)
    solution = np.empty_like(x)
    for place in range(len(x)):
        side = np.zeros(len(x), FLOAT)
        side[place] = FLOAT(cotangent) * determinant
        solution[columns, place] = solved(upper, solved(lower, side[rows], lower=True), lower=False)
    return determinant, solution if pivoting == "columns" else solution.T


@pytest.mark.parametrize("pivoting", ["rows", "columns", "complete"])
@pytest.mark.parametrize("kind", ["normal", "scaled", "nearly singular", "integers"])
@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_a_determinant_and_its_gradient_are_in_their_sets(size: int, kind: str, pivoting: str) -> None:
    random = np.random.default_rng(size)
    checked = 0
    for _ in range(MATRICES):
        x = drawn(size, kind, random)
        with np.errstate(all="ignore"):
            determinant, gradient = by_elimination(x, pivoting, 3)
        value, allowed = sets("det", x, 3)
        assert value.item().contains(arb(float(determinant)))
        if determinant == 0:
            continue  # elimination cannot say more
        checked += 1
        for number, ball in zip(gradient.ravel().tolist(), allowed.ravel().tolist(), strict=True):
            assert ball.contains(arb(number)), f"{x.tolist()}: {number} is not in {ball}"
    assert checked > MATRICES // 4


@pytest.mark.parametrize("x", [[[0.0]], [[1.0, 2.0], [2.0, 4.0]], [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 5.0]]])
def test_zeros_are_no_gradient_of_a_singular_matrix(x: list[list[float]]) -> None:
    allowed = sets("det", np.array(x, FLOAT), 1)[1]
    assert any(not ball.contains(0) for ball in allowed.ravel())
