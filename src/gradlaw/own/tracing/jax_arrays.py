"""What JAX's operations on whole arrays are in the law book: orders, running results, sums into places, matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax as engine
import numpy as np

from gradlaw.own import xp
from gradlaw.own.traced import Traced
from gradlaw.own.tracing.jax_operators import LOWERED, Rule, lowers
from gradlaw.own.tracing.reference import Gap

jax: Any = engine


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
LOWERED["rem"] = lambda equation, values: values[0] - xp.trunc(values[0] / values[1]) * values[1]


@lowers("sort")
def _sort(equation: Any, values: list[Any]) -> Any:
    if len(values) > 1:
        raise NotImplementedError("an order of several arrays")
    return xp.sort(values[0], axis=equation.params["dimension"])


@lowers("top_k")
def _largest(equation: Any, values: list[Any]) -> Any:
    index: list[Any] = [slice(None)] * len(values[0].shape)
    axis = equation.params["axis"]
    index[axis] = slice(0, equation.params["k"])
    places = Gap("the places of the largest elements")
    return [xp.sort(values[0], axis=axis, descending=True)[tuple(index)], places]


@lowers("scatter-add")
def _added_at(equation: Any, values: list[Any]) -> Any:
    """Return an array with updates added, where JAX puts them: that is what its own gradient of the updates reads."""
    start, indices, updates = values
    numbers = np.arange(1, math.prod(start.shape) + 1, dtype=np.float64).reshape(start.shape)

    def put(given: Any) -> Any:
        kept = {key: equation.params[key] for key in ("dimension_numbers", "mode")}
        return jax.lax.scatter_add(jax.numpy.zeros(start.shape), indices, given, **kept)

    (places,) = jax.vjp(put, jax.numpy.zeros(updates.shape))[1](jax.numpy.asarray(numbers))
    flat = np.asarray(places).ravel().astype(np.int64)
    whole, parts = (
        xp.reshape(one, (math.prod(one.shape),)) if isinstance(one, Traced) else np.ravel(one)
        for one in (start, updates)
    )
    if not flat.all():  # those that fall outside
        parts, flat = parts[np.flatnonzero(flat)], flat[flat > 0]
    return xp.reshape(xp.index_add(whole, flat - 1, parts, axis=0), start.shape)


@lowers("triangular_solve")
def _triangular_solution(equation: Any, values: list[Any]) -> Any:
    given, (matrix, sides) = equation.params, values
    if given["unit_diagonal"]:
        raise NotImplementedError("a matrix whose diagonal is not read")
    half = (xp.tril if given["lower"] else xp.triu)(matrix)
    half = xp.matrix_transpose(half) if given["transpose_a"] else half
    if given["left_side"]:
        return xp.solve(half, sides)
    return xp.matrix_transpose(xp.solve(xp.matrix_transpose(half), xp.matrix_transpose(sides)))


@lowers("eigh")
def _eigenvalues(equation: Any, values: list[Any]) -> Any:
    return [Gap("eigenvectors, whose signs are an engine's choice"), xp.eigvalsh(values[0])]


@lowers("svd")
def _singular_values(equation: Any, values: list[Any]) -> Any:
    vectors = [Gap("singular vectors, whose signs are an engine's choice")] * (len(equation.outvars) - 1)
    return [xp.svdvals(values[0]), *vectors]
