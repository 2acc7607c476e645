"""Steps on arrays, in NumPy. Shapes are as in the pages' formulas; ``g`` is a cotangent, of the shape of a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradlaw.circuits.standalone.numbers import bessel_i, inverse_erf, log_gamma, log_tail, psi
from gradlaw_spec import Array


def share(x1: Array, x2: Array) -> Array:
    """1 where x1 is larger, 0 where x2 is; equal ones share."""
    return np.where(x1 > x2, 1.0, np.where(x1 < x2, 0.0, 0.5))


def erf(x: Array) -> Array:
    """The error function: NumPy has none, so Python's is called for each element."""
    found: Array = np.vectorize(math.erf, otypes=[float])(x)
    return found


def erfc(x: Array) -> Array:
    """One minus the error function."""
    found: Array = np.vectorize(math.erfc, otypes=[float])(x)
    return found


def erfinv(x: Array) -> Array:
    """The inverse of the error function, for each element."""
    found: Array = np.vectorize(inverse_erf, otypes=[float])(x)
    return found


def i0(x: Array) -> Array:
    """The modified Bessel function of order 0, for each element."""
    found: Array = np.vectorize(lambda number: bessel_i(0, float(number)), otypes=[float])(x)
    return found


def i1(x: Array) -> Array:
    """The modified Bessel function of order 1, for each element."""
    found: Array = np.vectorize(lambda number: bessel_i(1, float(number)), otypes=[float])(x)
    return found


def digamma(x: Array) -> Array:
    """The derivative of the logarithm of the gamma function, for each element."""
    found: Array = np.vectorize(lambda number: psi(0, float(number)), otypes=[float])(x)
    return found


def polygamma(x: Array, n: int) -> Array:
    """The derivative of order n of the digamma function, for each element."""
    found: Array = np.vectorize(lambda number: psi(int(n), float(number)), otypes=[float])(x)
    return found


def gammaln(x: Array) -> Array:
    """The logarithm of the magnitude of the gamma function, for each element."""
    found: Array = np.vectorize(lambda number: log_gamma(float(number)), otypes=[float])(x)
    return found


def ldexp(x: Array, n: int) -> Array:
    """Each element times a power of two."""
    return np.asarray(x * 2.0**n)


def log_ndtr(x: Array) -> Array:
    """The logarithm of the normal distribution function, for each element."""
    found: Array = np.vectorize(lambda number: log_tail(float(number)), otypes=[float])(x)
    return found


def astype(x: Array, dtype: str) -> Array:
    """Round to another dtype; NumPy has no bfloat16: that is float32 with eight digits."""
    if dtype != "bfloat16":
        return np.asarray(x, dtype=dtype)
    digits, exponent = np.frexp(np.asarray(x, dtype="float32"))
    rounded: Array = np.ldexp(np.round(digits * 256) / 256, exponent)
    return rounded


def cast_back(g: Array, x: Array) -> Array:
    """Round a cotangent to the dtype of the operand that it returns to."""
    return np.asarray(g, dtype=np.asarray(x).dtype)


def share_of_ties(tied: Array, axis: Any = None) -> Array:
    """Tied elements share."""
    shares: Array = tied / np.sum(tied, axis=axis, keepdims=True)
    return shares


def unreduce(g: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Give every element of x what its sum received."""
    return np.broadcast_to(np.reshape(g, np.sum(x, axis=axis, keepdims=True).shape), x.shape)


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes that broadcasting added or stretched."""
    g = np.asarray(np.sum(g, axis=tuple(range(np.ndim(g) - len(shape)))))
    return np.asarray(np.sum(g, axis=tuple(i for i, n in enumerate(shape) if n != g.shape[i]), keepdims=True))


def count(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """How many elements of x go into each of its sum."""
    return np.asarray(np.sum(np.ones(x.shape), axis=axis, keepdims=keepdims))


def others(x: Array, axis: Any = None) -> Array:
    """For each element, the product of those that are multiplied with it."""
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    result = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        group = tuple(slice(None) if i in {a % x.ndim for a in axes} else p for i, p in enumerate(place))
        mask = np.ones(x.shape, bool)
        mask[place] = False
        result[place] = np.prod(x[group], where=mask[group])
    return result


def cumulative_others(g: Array, x: Array, axis: int) -> Array:
    """For each element, what the products so far along an axis send it: their cotangents times the other factors."""
    rows, sent = np.moveaxis(x, axis, 0), np.moveaxis(g, axis, 0)
    result = np.zeros(rows.shape)
    for own in range(len(rows)):
        factors = np.where(np.arange(len(rows)) == own, 1, rows.T).T
        result[own] = np.sum((sent * np.cumprod(factors, axis=0))[own:], axis=0)
    return np.moveaxis(result, 0, axis)


def like(g: Array, x: Array) -> Array:
    """Give g the shape of x."""
    return np.reshape(g, x.shape)


def permute_back(g: Array, axes: Sequence[int]) -> Array:
    """Put permuted axes back."""
    return np.transpose(g, np.argsort([axis % np.ndim(g) for axis in axes]))


def piece(g: Array, arrays: Sequence[Array], axis: int = 0) -> list[Array]:
    """The part of g that belongs to each of the arrays that were joined."""
    if g.ndim > arrays[0].ndim:
        return [np.take(g, position, axis=axis) for position in range(len(arrays))]
    return np.split(g, np.cumsum([array.shape[axis] for array in arrays])[:-1], axis=axis)


def einsum(arrays: Sequence[Array], subscripts: str) -> Array:
    """A contraction."""
    return np.asarray(np.einsum(subscripts, *arrays))


def einsum_back(g: Array, arrays: Sequence[Array], subscripts: str) -> list[Array]:
    """What each operand of a contraction receives: it is linear in each element."""
    found = []
    for position, x in enumerate(arrays):
        gradient, unit = np.zeros(x.shape), np.zeros(x.shape)
        for place in np.ndindex(*x.shape):
            unit[place] = 1.0
            moved = np.einsum(subscripts, *arrays[:position], unit, *arrays[position + 1 :])
            gradient[place], unit[place] = np.sum(g * moved), 0.0
        found.append(gradient)
    return found


def scatter(g: Array, x: Array, index: Any) -> Array:
    """Send every element back to where the index took it from."""
    result = np.zeros(x.shape)
    np.add.at(result, index, g)
    return result


def scatter_take(g: Array, x: Array, indices: Array, axis: int = 0) -> Array:
    """Send every element back to where the indices took it from."""
    result = np.zeros(x.shape)
    places: Any = (slice(None),) * (axis % x.ndim) + (indices,)
    np.add.at(result, places, g)
    return result


def untrace(g: Array, x: Array, offset: int = 0) -> Array:
    """Put a number on a diagonal of each matrix of zeros."""
    here = np.eye(x.shape[-2], x.shape[-1], offset, dtype=bool)
    return np.where(here, np.asarray(g)[..., None, None], np.zeros(x.shape))


def cofactors(g: Array, x: Array) -> Array:
    """A number times the signed determinants of all minors."""
    result = np.empty(x.shape)
    for i, j in np.ndindex(*x.shape[-2:]):
        result[..., i, j] = g * (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, -2), j, -1))
    return result
