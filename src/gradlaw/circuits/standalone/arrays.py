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


def route_to_largest(g: Array, x: Array, axis: Any) -> Array:
    """Send what each result along axes received to the largest element of x there; equal ones share."""
    return unreduce(g, x, axis) * share_of_ties(x == np.max(x, axis=axis, keepdims=True), axis)


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


def sort(x: Array, axis: int = -1, descending: bool = False) -> Array:
    """Sort along an axis: NumPy's function knows one direction."""
    ordered = np.sort(x, axis=axis)
    return np.flip(ordered, axis) if descending else ordered


def unsort_by(g: Array, by: Array, axis: int = -1, descending: bool = False) -> Array:
    """Send every element back to where sorting took it from."""
    order = np.argsort(by, axis=axis, kind="stable")
    order = np.flip(order, axis) if descending else order
    result = np.zeros(by.shape)
    np.put_along_axis(result, order, g, axis)
    return result


def quantile_weights(x: Array, q: float, axis: int = -1) -> Array:
    """How much of each sorted element is in a quantile."""
    length = x.shape[axis]
    weights = np.maximum(1 - np.abs(q * (length - 1) - np.arange(length)), 0)
    return np.moveaxis(np.broadcast_to(weights, np.moveaxis(x, axis, -1).shape), -1, axis)


def index_add(x: Array, indices: Array, updates: Array, axis: int = 0) -> Array:
    """Add updates at positions along an axis."""
    result, places = x.copy(), (slice(None),) * (axis % x.ndim)
    np.add.at(result, (*places, indices), updates)  # type: ignore[arg-type]
    return result


def index_copy(x: Array, indices: Array, updates: Array, axis: int = 0) -> Array:
    """Put updates at positions along an axis."""
    result = x.copy()
    result[(slice(None),) * (axis % x.ndim) + (indices,)] = updates
    return result


def cleared(g: Array, indices: Array, axis: int = 0) -> Array:
    """Put zeros at positions along an axis."""
    return index_copy(g, indices, np.asarray(0.0), axis)


def tile(x: Array, repetitions: Sequence[int]) -> Array:
    """Repeat the whole array along its axes."""
    return np.tile(x, repetitions)


def untile(g: Array, x: Array, repetitions: Sequence[int]) -> Array:
    """Add up what the copies of each element received."""
    return _returned(g, x, np.tile(np.arange(x.size).reshape(x.shape), repetitions))


def unrepeat(g: Array, x: Array, repeats: int, axis: int) -> Array:
    """Add up what the copies of each element received."""
    return _returned(g, x, np.repeat(np.arange(x.size).reshape(x.shape), repeats, axis))


def unfold(x: Array, axis: int | Sequence[int] | None = None, *, size: int, step: int | None) -> Array:
    """Windows along axes, in their place; what each of them holds stands at the end."""
    chosen = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = tuple(one % x.ndim for one in chosen)
    every = tuple(slice(None, None, step or size) if one in axes else slice(None) for one in range(x.ndim))
    return np.lib.stride_tricks.sliding_window_view(x, (size,) * len(axes), axes)[every]


def fold(g: Array, x: Array, axis: int | Sequence[int] | None = None, *, size: int, step: int | None) -> Array:
    """Add up what each element received in all windows that hold it."""
    return _returned(g, x, unfold(np.arange(x.size).reshape(x.shape), axis, size=size, step=step))


def unfold_like(x: Array, weight: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Windows as long as the weights along each axis behind a batch and channels, with zeros around."""
    axes = range(2, x.ndim)
    x = np.pad(x, [(0, 0)] * 2 + [(padding, padding)] * len(axes))
    spans = tuple(dilation * (weight.shape[one] - 1) + 1 for one in axes)
    every: Any = (..., *[slice(None, None, stride)] * len(axes), *[slice(None, None, dilation)] * len(axes))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(x, spans, tuple(axes))[every])


def fold_like(g: Array, x: Array, weight: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Add up what each element received in all windows that hold it, and along the first axis."""
    places = unfold_like(np.arange(1, x.size + 1).reshape(x.shape), weight, stride, padding, dilation)
    total = np.bincount(np.broadcast_to(places, g.shape).ravel(), np.ravel(g), x.size + 1)
    return total[1:].reshape(x.shape)


def scatter_along_axis(g: Array, x: Array, indices: Array, axis: int = -1) -> Array:
    """Send every element back to where the indices took it from."""
    return _returned(g, x, np.take_along_axis(np.arange(x.size).reshape(x.shape), indices, axis))


def on_diagonal(g: Array, x: Array, offset: int = 0) -> Array:
    """Put elements on a diagonal of each matrix of zeros."""
    return _returned(g, x, np.diagonal(np.arange(x.size).reshape(x.shape), offset, -2, -1))


def _returned(g: Array, x: Array, origin: Array) -> Array:
    """Add every element to a zero at the position that it came from."""
    return np.bincount(origin.ravel(), np.ravel(g), x.size).reshape(x.shape)


def unpad(g: Array, x: Array, pad_width: Sequence[int]) -> Array:
    """Take the margins away."""
    return g[tuple(slice(pad_width[0], pad_width[0] + length) for length in x.shape)]


def leading(g: Array, x: Array) -> Array:
    """Put elements at the beginning of the last axis of zeros."""
    result = np.zeros(x.shape)
    result[..., : g.shape[-1]] = g
    return result


def cumulative_max(x: Array, axis: int) -> Array:
    """The largest element so far along an axis."""
    return np.maximum.accumulate(x, axis=axis)


def route_to_records(g: Array, x: Array, axis: int) -> Array:
    """Send what every place along an axis received to the largest element so far; equal ones share."""
    rows, sent = np.moveaxis(x, axis, 0), np.moveaxis(g, axis, 0)
    result = np.zeros(rows.shape)
    for place in range(len(rows)):
        so_far = rows[: place + 1]
        result[: place + 1] += sent[place] * share_of_ties(so_far == np.max(so_far, axis=0), axis=0)
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


def blocks(g: Array, x1: Array, x2: Array) -> Array:
    """Give the blocks of a Kronecker product, and the places in them, axes of their own."""
    rows, columns = zip(x1.shape[-2:], x2.shape[-2:], strict=True)
    return np.reshape(g, (*g.shape[:-2], *rows, *columns))


def kron(x1: Array, x2: Array) -> Array:
    """A block for each element of the first matrix: that element times the second one."""
    product = x1[..., :, None, :, None] * x2[..., None, :, None, :]
    rows, of_rows, columns, of_columns = product.shape[-4:]
    found: Array = np.reshape(product, (*product.shape[:-4], rows * of_rows, columns * of_columns))
    return found


def symmetric(x: Array) -> Array:
    """The mean of matrices and their transposes."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def half_lower(x: Array) -> Array:
    """The lower triangle of matrices, with half of the diagonal."""
    return (np.tril(x) + np.tril(x, -1)) / 2


def cholesky(x: Array) -> Array:
    """The lower triangular factor of the symmetric part of matrices."""
    return np.linalg.cholesky(symmetric(x))


def eigvalsh(x: Array) -> Array:
    """The eigenvalues of the symmetric part of matrices, ascending."""
    return np.linalg.eigvalsh(symmetric(x))


def eigenvectors(x: Array) -> Array:
    """The eigenvectors that belong to these eigenvalues, as columns."""
    return np.linalg.eigh(symmetric(x))[1]


def left_vectors(x: Array) -> Array:
    """The left singular vectors, as columns."""
    return np.linalg.svd(x, full_matrices=False)[0]


def right_vectors(x: Array) -> Array:
    """The right singular vectors that belong to them, as columns."""
    return np.swapaxes(np.linalg.svd(x, full_matrices=False)[2], -1, -2)


def squared(x: Array, g: Array) -> tuple[Array, Array]:
    """The exponentials of matrices and their changes along others: a series near 0, then a square for each halving."""
    times = max(0, int(np.frexp(np.linalg.norm(x))[1]))
    near, along = np.ldexp(x, -times), np.ldexp(g, -times)
    term, change = np.broadcast_to(np.eye(x.shape[-1]), x.shape), np.zeros(x.shape)
    value, slope = term, change
    for count in range(1, 24):
        term, change = term @ near / count, (change @ near + term @ along) / count
        value, slope = value + term, slope + change
    for _ in range(times):
        value, slope = value @ value, value @ slope + slope @ value
    return np.asarray(value), np.asarray(slope)


def expm(x: Array) -> Array:
    """The exponential of matrices."""
    return squared(x, np.zeros(x.shape))[0]


def expm_along(x: Array, g: Array) -> Array:
    """How the exponential of matrices changes along others."""
    return squared(x, g)[1]
