"""What JAX's operations on whole arrays are in the law book: orders, running results, matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlaw.own import xp
from gradlaw.own.tracing.arrays import (
    EIGENVECTORS,
    SINGULAR_VECTORS,
    remainder,
    solved,
    sorted_part,
    triangle,
)
from gradlaw.own.tracing.jax_operators import LOWERED, Rule, lowers
from gradlaw.own.tracing.reference import Gap


def _running(function: Callable[..., Any]) -> Rule:
    """Return the rule of what runs along an axis, from either end."""

    def rule(equation: Any, values: list[Any]) -> Any:
        axis, back = equation.params["axis"], equation.params["reverse"]
        found = function(xp.flip(values[0], axis=axis) if back else values[0], axis=axis)
        return xp.flip(found, axis=axis) if back else found

    return rule


LOWERED["cumsum"] = _running(xp.cumulative_sum)
LOWERED["cumprod"] = _running(xp.cumulative_prod)
LOWERED["cumlogsumexp"] = _running(xp.cumulative_logsumexp)
LOWERED["cummax"] = _running(xp.cumulative_max)
LOWERED["cummin"] = _running(xp.cumulative_min)
LOWERED["lgamma"] = lambda equation, values: xp.gammaln(values[0])
LOWERED["rem"] = lambda equation, values: remainder(values[0], values[1], xp.trunc)


@lowers("sort")
def _sort(equation: Any, values: list[Any]) -> Any:
    if len(values) > 1:
        raise NotImplementedError("an order of several arrays")
    return xp.sort(values[0], axis=equation.params["dimension"])


@lowers("top_k")
def _largest(equation: Any, values: list[Any]) -> Any:
    found = sorted_part(values[0], equation.params["axis"], slice(0, equation.params["k"]), descending=True)
    return [found, Gap("the places of the largest elements")]


@lowers("triangular_solve")
def _triangular_solution(equation: Any, values: list[Any]) -> Any:
    given, (matrix, sides) = equation.params, values
    half = triangle(matrix, lower=given["lower"], unit=given["unit_diagonal"])
    return solved(xp.matrix_transpose(half) if given["transpose_a"] else half, sides, left=given["left_side"])


@lowers("eigh")
def _eigenvalues(equation: Any, values: list[Any]) -> Any:
    return [EIGENVECTORS, xp.eigvalsh(values[0])]


@lowers("svd")
def _singular_values(equation: Any, values: list[Any]) -> Any:
    return [xp.svdvals(values[0]), *[SINGULAR_VECTORS] * (len(equation.outvars) - 1)]
