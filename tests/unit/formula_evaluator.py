"""A second reader of the pages' formulas, made to share nothing with the reference but the parser.

Numbers are ``fractions.Fraction`` or mpmath's at 80 digits, in NumPy object arrays; reductions and scatters are
loops over lists. A primitive is read from its page's own ``value`` formula; one whose formula names itself is computed
by Python's, mpmath's or NumPy's function of that name.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np

from gradlaw_spec import (
    AttributeValue,
    Operand,
    Primitive,
    Program,
    interpret,
    load_pages,
    load_primitives,
    parse_formula,
)
from gradlaw_spec.formula import BINARY, COMPARISONS

DIGITS = 80
Numbers = Any
"""An object array, or a list of them for a sequence operand."""


def boxed(value: Any) -> Numbers:
    """Make an object array of a result; NumPy hands 0-d ones out as bare numbers."""
    return np.asarray(value, dtype=object)


def fractions(value: Any) -> Numbers:
    """Write floating-point numbers, integers and fractions as fractions, exactly."""
    return boxed(np.frompyfunc(Fraction, 1, 1)(np.asarray(value, dtype=object)))


def multiprecision(value: Any) -> Numbers:
    """Write numbers as mpmath's; fractions are divided at 80 digits."""

    def make(number: Any) -> Any:
        exact = Fraction(number)
        return mpmath.mpf(exact.numerator) / exact.denominator

    return boxed(np.frompyfunc(make, 1, 1)(np.asarray(value, dtype=object)))


def _elementwise(function: Callable[..., Any]) -> Callable[..., Numbers]:
    def apply(*operands: Any) -> Numbers:
        return boxed(np.frompyfunc(function, len(operands), 1)(*operands))

    return apply


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, Fraction) and Fraction(exponent).denominator != 1:
        raise ValueError(f"exponent={exponent}: found a fraction; expected an integer in rational arithmetic")
    return Fraction(base) ** exponent if isinstance(base, int) and isinstance(exponent, int) else base**exponent


def _divide(dividend: Any, divisor: Any) -> Any:
    """Divide; integers make a fraction. Beside fractions, which know no nan, nothing is known of a quotient by 0."""
    if isinstance(dividend, int) and isinstance(divisor, int):
        return Fraction(dividend, divisor)
    return mpmath.nan if divisor == 0 and not isinstance(dividend, Fraction) else dividend / divisor


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    chosen = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(item % ndim for item in chosen))


def _kept(shape: Sequence[int], axis: Any) -> tuple[int, ...]:
    axes = _axes(axis, len(shape))
    return tuple(1 if position in axes else length for position, length in enumerate(shape))


def _reduction(function: Callable[[list[Any]], Any]) -> Callable[..., Numbers]:
    def apply(x: Numbers, axis: Any = None, keepdims: bool = False) -> Numbers:
        axes = _axes(axis, x.ndim)
        rest = tuple(length for position, length in enumerate(x.shape) if position not in axes)
        rows: dict[tuple[int, ...], list[Any]] = {place: [] for place in np.ndindex(*rest)}
        for place in np.ndindex(*x.shape):
            rows[tuple(p for position, p in enumerate(place) if position not in axes)].append(x[place])
        result = np.empty(rest, dtype=object)
        for place, row in rows.items():
            result[place] = function(row)
        return result.reshape(_kept(x.shape, axis)) if keepdims else result

    return apply


def _others(x: Numbers, axis: Any = None) -> Numbers:
    axes = _axes(axis, x.ndim)
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape):
        result[place] = math.prod(
            x[other]
            for other in np.ndindex(*x.shape)
            if other != place
            and all(p == q for i, (p, q) in enumerate(zip(place, other, strict=True)) if i not in axes)
        )
    return result


def _cumulative_others(g: Numbers, x: Numbers, axis: int) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape):
        row, send = (np.moveaxis(array, axis, 0)[(slice(None), *np.delete(place, axis))] for array in (x, g))
        own = place[axis]
        result[place] = sum(
            send[end] * math.prod(row[other] for other in range(end + 1) if other != own)
            for end in range(own, len(row))
        )
    return result


def _einsum(subscripts: str, arrays: list[Numbers]) -> Numbers:
    """Run through all indices of all labels."""
    given, result = subscripts.split("->")
    operands = given.split(",")
    lengths = {
        label: n for labels, x in zip(operands, arrays, strict=True) for label, n in zip(labels, x.shape, strict=True)
    }
    total = np.full([lengths[label] for label in result], Fraction(), dtype=object)
    for place in np.ndindex(*lengths.values()):
        at = dict(zip(lengths, place, strict=True))
        factors = [x[tuple(at[label] for label in labels)] for labels, x in zip(operands, arrays, strict=True)]
        total[tuple(at[label] for label in result)] += math.prod(factors)
    return total


def _einsum_back(g: Numbers, arrays: list[Numbers], subscripts: str) -> list[Numbers]:
    """A contraction is linear in each operand: put 1 in the place of one element, and 0 in all others."""
    found = []
    for position, x in enumerate(arrays):
        gradient = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape):
            unit = np.full(x.shape, Fraction(), dtype=object)
            unit[place] = Fraction(1)
            moved = _einsum(subscripts, [*arrays[:position], unit, *arrays[position + 1 :]])
            gradient[place] = sum(boxed(g * moved).ravel().tolist(), Fraction())
        found.append(gradient)
    return found


def _count(x: Numbers, axis: Any = None, keepdims: bool = False) -> Numbers:
    number = math.prod(x.shape[position] for position in _axes(axis, x.ndim))
    return boxed(np.full(np.sum(np.zeros(x.shape), axis=axis, keepdims=keepdims).shape, number, dtype=object))


def _unreduce(g: Numbers, x: Numbers, axis: Any = None, keepdims: bool = False) -> Numbers:
    return np.broadcast_to(np.reshape(g, _kept(x.shape, axis)), x.shape)


def _piece(g: Numbers, arrays: list[Numbers], axis: int = 0) -> list[Numbers]:
    if g.ndim > arrays[0].ndim:
        return [boxed(np.take(g, position, axis=axis)) for position in range(len(arrays))]
    ends = np.cumsum([array.shape[axis] for array in arrays])
    return [boxed(part) for part in np.split(g, ends[:-1], axis=axis)]


def numpy_index(index: Any) -> tuple[Any, ...]:
    """Return an index attribute as NumPy takes it."""
    words = {"newaxis": None, "ellipsis": Ellipsis}
    return tuple(
        words[item]
        if isinstance(item, str)
        else item
        if isinstance(item, int)
        else slice(item.start, item.stop, item.step)
        for item in index
    )


def _returned(g: Numbers, x: Numbers, origin: np.ndarray[Any, Any]) -> Numbers:
    """Add each element of g to a zero at the flat position that it came from."""
    total = [0 * number for number in x.ravel()]
    for place in np.ndindex(*g.shape):
        total[int(origin[place])] += g[place]
    result = np.empty(x.size, dtype=object)
    result[:] = total
    return result.reshape(x.shape)


def _labels(x: Numbers) -> np.ndarray[Any, Any]:
    return np.arange(x.size).reshape(x.shape)


def _scatter(g: Numbers, x: Numbers, index: Any) -> Numbers:
    return _returned(g, x, np.asarray(_labels(x)[numpy_index(index)]))


def _scatter_take(g: Numbers, x: Numbers, indices: Any, axis: int = 0) -> Numbers:
    return _returned(g, x, np.take(_labels(x), np.asarray(indices, dtype=int), axis=axis))


def _order(x: Numbers, axis: int, descending: bool) -> np.ndarray[Any, Any]:
    """Return positions in order along an axis; of equal elements the first comes first."""
    order = np.argsort(-x if descending else x, axis=axis, kind="stable")
    return np.asarray(order)


def _sort(x: Numbers, axis: int = -1, descending: bool = False) -> Numbers:
    return np.take_along_axis(x, _order(x, axis, descending), axis)


def _unsort_by(g: Numbers, x: Numbers, axis: int = -1, descending: bool = False) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    np.put_along_axis(result, _order(x, axis, descending), g, axis)
    return result


def _pad(x: Numbers, pad_width: tuple[int, int]) -> Numbers:
    result = np.full([length + sum(pad_width) for length in x.shape], 0, dtype=object)
    for place in np.ndindex(*x.shape):
        result[tuple(number + pad_width[0] for number in place)] = x[place]
    return result


def _quantile_weights(x: Numbers, q: Any, axis: int = -1) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape):
        result[place] = max(1 - abs(Fraction(q) * (x.shape[axis] - 1) - place[axis]), Fraction(0))
    return result


def _quantile(x: Numbers, q: Any, axis: int = -1, keepdims: bool = False) -> Numbers:
    parts = _quantile_weights(x, q, axis) * _sort(x, axis)
    return ADDED(boxed(parts), axis=axis, keepdims=keepdims)


def _index_add(x: Numbers, indices: Any, updates: Numbers, axis: int = 0) -> Numbers:
    return boxed(x + _returned(updates, x, np.take(_labels(x), np.asarray(indices, dtype=int), axis=axis)))


def _index_copy(x: Numbers, indices: Any, updates: Numbers, axis: int = 0) -> Numbers:
    return _index_add(_cleared(x, indices, axis), indices, updates, axis)


def _cleared(x: Numbers, indices: Any, axis: int = 0) -> Numbers:
    replaced = np.isin(np.indices(x.shape)[axis], np.asarray(indices, dtype=int))
    return boxed(np.where(replaced, 0 * x, x))


def _leading(g: Numbers, x: Numbers) -> Numbers:
    result = boxed(0 * x)
    result[..., : g.shape[-1]] = g
    return result


def _cumulative_max(x: Numbers, axis: int) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for place in np.ndindex(*x.shape):
        row = np.moveaxis(x, axis, 0)[(slice(None), *np.delete(place, axis))]
        result[place] = max(row[: place[axis] + 1])
    return result


def _route_to_records(g: Numbers, x: Numbers, axis: int) -> Numbers:
    result = boxed(0 * x)
    for place in np.ndindex(*x.shape):
        row = list(np.moveaxis(x, axis, 0)[(slice(None), *np.delete(place, axis))])[: place[axis] + 1]
        record = list(place)
        record[axis] = row.index(max(row))
        result[tuple(record)] += g[place]
    return result


def _where(condition: Any, first: Any, second: Any) -> Numbers:
    chosen = np.asarray(condition).astype(bool)
    return boxed(np.frompyfunc(lambda which, one, other: one if which else other, 3, 1)(chosen, first, second))


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.Pow: _power,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
SIGNS: dict[str, Callable[..., Any]] = {
    name: _elementwise(OPERATORS[sign]) for sign, name in {**BINARY, **COMPARISONS}.items() if sign in OPERATORS
}
"""Python's operators on numbers, under the names that the parser gives them."""


def _untrace(g: Numbers, x: Numbers, offset: int = 0) -> Numbers:
    result = boxed(0 * x)
    for place in np.ndindex(*x.shape):
        if place[-1] - place[-2] == offset:
            result[place] = g[place[:-2]]
    return result


def _trace(x: Numbers, offset: int = 0) -> Numbers:
    result = np.empty(x.shape[:-2], dtype=object)
    for place in np.ndindex(*result.shape):
        matrix, rows = x[place], range(max(0, -offset), min(x.shape[-2], x.shape[-1] - offset))
        result[place] = sum((matrix[row, row + offset] for row in rows), Fraction())
    return result


def _of_each(function: Callable[[Numbers], Any], shape: Callable[[Numbers], tuple[int, ...]]) -> Callable[..., Numbers]:
    """Return a function of single matrices as one of batches; ``shape`` is that of its result."""

    def apply(x: Numbers) -> Numbers:
        result = np.empty(x.shape[:-2] + shape(x), dtype=object)
        for place in np.ndindex(*x.shape[:-2]):
            result[place] = function(x[place])
        return result

    return apply


def _determinant(x: Numbers) -> Any:
    """Expand along the first row."""
    if not x.size:
        return 1
    rest = x[1:]
    return sum((-1) ** j * x[0, j] * _determinant(np.delete(rest, j, 1)) for j in range(len(x)))


def _cofactors(x: Numbers) -> Numbers:
    result = np.empty(x.shape, dtype=object)
    for i, j in np.ndindex(*x.shape):
        result[i, j] = (-1) ** (i + j) * _determinant(np.delete(np.delete(x, i, 0), j, 1))
    return result


def _inverse(x: Numbers) -> Numbers:
    return boxed(_cofactors(x).T / _determinant(x))


def _kron(x1: Numbers, x2: Numbers) -> Numbers:
    batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    (rows, columns), (height, width) = x1.shape[-2:], x2.shape[-2:]
    first, second = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (x1, x2))
    result = np.empty((*batch, rows * height, columns * width), dtype=object)
    for *place, i, j in np.ndindex(*result.shape):
        result[*place, i, j] = first[*place, i // height, j // width] * second[*place, i % height, j % width]
    return result


def _cholesky(x: Numbers) -> Numbers:
    given, factor = (x + x.T) / 2, boxed(0 * x)
    for i, j in zip(*np.tril_indices(len(x)), strict=True):
        rest = given[i, j] - sum(factor[i, k] * factor[j, k] for k in range(j))
        factor[i, j] = mpmath.sqrt(rest) if i == j else rest / factor[j, j]
    return factor


def _eigen(x: Numbers) -> tuple[Numbers, Numbers]:
    """Return eigenvalues, ascending, and eigenvectors of the symmetric part of a matrix."""
    if not len(x):
        return x[:, 0:0].ravel(), x
    values, vectors = mpmath.eigsy(mpmath.matrix(((x + x.T) / 2).tolist()))
    return boxed(list(values)), boxed(vectors.tolist())


def _pseudo_inverse(x: Numbers) -> Numbers:
    if not x.size:
        return x.T
    if len(x) < x.shape[1]:
        return _pseudo_inverse(x.T).T
    return boxed(np.matmul(_inverse(boxed(np.matmul(x.T, x))), x.T))


FACTORISED: dict[str, Callable[..., Any]] = {
    "cholesky": _of_each(_cholesky, lambda x: x.shape[-2:]),
    "eigvalsh": _of_each(lambda x: _eigen(x)[0], lambda x: x.shape[-1:]),
    "pinv": _of_each(_pseudo_inverse, lambda x: (x.shape[-1], x.shape[-2])),
}
"""Functions of matrices that have roots in them."""
OF_MATRICES: dict[str, Callable[..., Any]] = {
    **FACTORISED,
    "trace": _trace,
    "kron": _kron,
    "det": _of_each(_determinant, lambda x: ()),
    "inv": _of_each(_inverse, lambda x: x.shape[-2:]),
    "solve": lambda x1, x2: boxed(np.matmul(_of_each(_inverse, lambda x: x.shape[-2:])(x1), x2)),
}
"""Functions of matrices, by their definitions."""


def _blocks(g: Numbers, x1: Numbers, x2: Numbers) -> Numbers:
    rows, columns = zip(x1.shape[-2:], x2.shape[-2:], strict=True)
    return np.reshape(g, (*g.shape[:-2], *rows, *columns))


OF_ORDERS: dict[str, Callable[..., Any]] = {
    "cumulative_max": _cumulative_max,
    "quantile": _quantile,
    "sort": _sort,
}
"""Functions of orders, by comparing."""
OF_PLACES: dict[str, Callable[..., Any]] = {
    "diagonal": lambda x, offset=0: boxed(np.diagonal(x, offset, -2, -1)),
    "index_add": _index_add,
    "index_copy": _index_copy,
    "pad": _pad,
    "tile": lambda x, repetitions: np.tile(x, repetitions),
}
"""Functions that move elements, which NumPy has in another way."""
BY_MPMATH: dict[str, Callable[..., Any]] = {
    "gammaln": _elementwise(lambda x: mpmath.log(abs(mpmath.gamma(x)))),
    "i0": _elementwise(lambda x: mpmath.besseli(0, x)),
    "i1": _elementwise(lambda x: mpmath.besseli(1, x)),
    "polygamma": lambda x, n: _elementwise(lambda x: mpmath.psi(n, x))(x),
}
"""What mpmath has under another name."""
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **OF_ORDERS,
    **OF_PLACES,
    "blocks": _blocks,
    "astype": lambda x, dtype: x,
    "cleared": _cleared,
    "cast_back": lambda g, x: g,
    "cofactors": lambda g, x: g[..., None, None] * _of_each(_cofactors, lambda x: x.shape[-2:])(x),
    "count": _count,
    "cumulative_others": _cumulative_others,
    "eigenvectors": _of_each(lambda x: _eigen(x)[1], lambda x: x.shape[-2:]),
    "half_lower": lambda x: boxed((np.tril(x) + np.tril(x, -1)) / 2),
    "symmetric": lambda x: boxed((x + np.swapaxes(x, -1, -2)) / 2),
    "einsum": lambda arrays, subscripts: _einsum(subscripts, arrays),
    "einsum_back": _einsum_back,
    "like": lambda g, x: np.reshape(g, x.shape),
    "others": _others,
    "permute_back": lambda g, axes: np.transpose(g, np.argsort([axis % g.ndim for axis in axes])),
    "piece": _piece,
    "scatter": _scatter,
    "scatter_take": _scatter_take,
    "leading": _leading,
    "route_to_records": _route_to_records,
    "on_diagonal": lambda g, x, offset=0: _returned(g, x, np.diagonal(_labels(x), offset, -2, -1)),
    "scatter_along_axis": lambda g, x, indices, axis=-1: _returned(
        g, x, np.take_along_axis(_labels(x), np.asarray(indices, dtype=int), axis)
    ),
    "quantile_weights": _quantile_weights,
    "unpad": lambda g, x, pad_width: boxed(g[tuple(slice(pad_width[0], pad_width[0] + n) for n in x.shape)]),
    "unrepeat": lambda g, x, repeats, axis: _returned(g, x, np.repeat(_labels(x), repeats, axis)),
    "untile": lambda g, x, repetitions: _returned(g, x, np.tile(_labels(x), repetitions)),
    "unreduce": _unreduce,
    "unsort_by": _unsort_by,
    "untrace": _untrace,
    **BY_MPMATH,
}
"""The functions of the formulas that are no primitives, and what no formula says."""


ADDED = _reduction(sum)


def kernel(page: Primitive) -> Callable[..., Any] | None:
    """Return how a primitive is computed that no formula says: Python's, mpmath's or NumPy's function of its name.

    None for one whose page says it in other words.
    """
    if page.name in SIGNS:
        return SIGNS[page.name]
    own = ast.parse(page.value, mode="eval").body
    if isinstance(own, ast.UnaryOp):
        return _elementwise(operator.neg)
    if any(attribute.kind == "index" for attribute in page.attributes):
        return lambda x, index: boxed(x[numpy_index(index)])
    if isinstance(own, ast.BinOp) and isinstance(own.op, ast.MatMult):
        return lambda x, y: boxed(np.matmul(x, y))
    if not any(isinstance(node, ast.Name) and node.id == page.name for node in ast.walk(own)):
        return None
    if page.name in OF_MATRICES:
        return OF_MATRICES[page.name]
    if any(operand.kind == "boolean" for operand in page.operands):
        return _where
    if page.shapes == "reduction":
        return _reduction(getattr(math, page.name, None) or getattr(builtins, page.name))
    if page.shapes == "elementwise" and (hasattr(mpmath, page.name) or hasattr(builtins, page.name)):
        return _elementwise(getattr(mpmath, page.name, None) or getattr(builtins, page.name))
    return partial(_by_numpy, page)


def _by_numpy(page: Primitive, *operands: Any, **attributes: Any) -> Numbers:
    """Compute with NumPy on object arrays, which moves and compares what it does not know."""
    given = [
        np.asarray(value, dtype=int) if operand.kind == "index" else value
        for operand, value in zip(page.operands, operands, strict=True)
    ]
    return boxed(getattr(np, page.name)(*given, **attributes))


def parsed(formula: str, names: Sequence[str], attributes: Mapping[str, AttributeValue]) -> Program:
    """Read a formula whose names and attributes are these."""
    return parse_formula(formula, tuple(names), load_pages(), attributes=attributes)


def evaluate(formula: str, values: Mapping[str, Numbers], attributes: Mapping[str, AttributeValue]) -> Numbers:
    """Compute a formula, step by step."""
    program = parsed(formula, tuple(values), attributes)
    known = interpret(program, values, lambda step, operands: _call(step.primitive, operands, step.attributes))
    return known[program.outputs[0]]


def _call(name: str, operands: tuple[Any, ...], attributes: Mapping[str, AttributeValue]) -> Numbers:
    if any(isinstance(item, np.ndarray) and item.size and isinstance(item.flat[0], Fraction) for item in operands):
        operands = tuple(Fraction(one) if isinstance(one, float) and math.isfinite(one) else one for one in operands)
    if name in FUNCTIONS:
        return FUNCTIONS[name](*operands, **attributes)
    page = load_primitives().get(name)
    known = SIGNS.get(name) if page is None else kernel(page)
    if known is not None:
        return known(*operands, **(attributes if page is None else page.complete(attributes)))
    assert page is not None
    values = {operand.name: boxed(given) for operand, given in zip(page.operands, operands, strict=True)}
    return evaluate(page.value, values, complete(page, attributes))


def complete(page: Primitive, attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """Add the attributes that are not given; a bound that is None stands for an infinity."""
    full = page.complete(attributes)
    for attribute in page.attributes:
        if attribute.kind in ("lower", "upper") and full[attribute.name] is None:
            full[attribute.name] = -math.inf if attribute.kind == "lower" else math.inf
    return full


def unbroadcast(gradient: Numbers, shape: tuple[int, ...]) -> Numbers:
    """Add up the copies that broadcasting made."""
    added = gradient.ndim - len(shape)
    total = ADDED(gradient, axis=tuple(range(added))) if added else gradient
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1 and total.shape[axis] != 1)
    return ADDED(total, axis=stretched, keepdims=True) if stretched else total


@dataclass(frozen=True)
class Evaluation:
    """A page's formulas at a point: the value, and the gradient of each differentiable operand."""

    value: Numbers
    gradients: dict[str, Numbers]


def evaluate_page(
    page: Primitive, values: Mapping[str, Numbers], attributes: Mapping[str, AttributeValue], cotangent: Numbers
) -> Evaluation:
    """Compute a page's value and vjp formulas."""
    full = complete(page, attributes)
    value = evaluate(page.value, values, full)
    gradients = {}
    for operand in page.differentiable:
        if page.pattern == "matrix-shapes":
            gradients[operand.name] = _matrix_gradient(operand, values, value, cotangent)
            continue
        gradient = evaluate(operand.vjp, {**values, "value": value, "g": cotangent}, full)
        shape = None if operand.kind == "sequence" else values[operand.name].shape
        gradients[operand.name] = gradient if shape is None else unbroadcast(boxed(gradient), shape)
    return Evaluation(value, gradients)


def _matrix_gradient(operand: Operand, values: Mapping[str, Numbers], value: Numbers, cotangent: Numbers) -> Numbers:
    """Compute with vectors as the one-row and one-column matrices that they stand for."""
    x1, x2 = values["x1"], values["x2"]
    g = np.expand_dims(cotangent, -1) if x2.ndim == 1 else cotangent
    g = np.expand_dims(g, -2) if x1.ndim == 1 else g
    matrices = {"x1": x1[None, :] if x1.ndim == 1 else x1, "x2": x2[:, None] if x2.ndim == 1 else x2}
    gradient = evaluate(operand.vjp, {**matrices, "value": value, "g": g}, {})
    return unbroadcast(gradient, matrices[operand.name].shape).reshape(values[operand.name].shape)
