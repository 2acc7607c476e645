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
from boxed_numbers import Numbers, boxed
from written_matrices import BACK_OF_MATRICES, OF_MATRICES
from written_places import BACK_OF_PLACES, OF_ORDERS, OF_PLACES, numpy_index
from written_windows import BACK_OF_WINDOWS, OF_WINDOWS

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
    if isinstance(exponent, Fraction) and not isinstance(base, Fraction):
        exponent = mpmath.mpf(exponent.numerator) / exponent.denominator
    return Fraction(base) ** exponent if isinstance(base, int) and isinstance(exponent, int) else base**exponent


def _divide(dividend: Any, divisor: Any) -> Any:
    """Divide; numbers of a formula make a fraction. Beside fractions, which know no nan, a quotient by 0 is unknown."""
    if isinstance(dividend, int | float) and isinstance(divisor, int | float):
        return Fraction(dividend) / Fraction(divisor)
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


def _route_to_largest(g: Numbers, x: Numbers, axis: Any) -> Numbers:
    largest = _unreduce(_reduction(max)(x, axis), x, axis)
    return _where(x == largest, _unreduce(g, x, axis), Fraction())


def _piece(g: Numbers, arrays: list[Numbers], axis: int = 0) -> list[Numbers]:
    if g.ndim > arrays[0].ndim:
        return [boxed(np.take(g, position, axis=axis)) for position in range(len(arrays))]
    ends = np.cumsum([array.shape[axis] for array in arrays])
    return [boxed(part) for part in np.split(g, ends[:-1], axis=axis)]


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
    **OF_WINDOWS,
    **BACK_OF_PLACES,
    **BACK_OF_WINDOWS,
    **BACK_OF_MATRICES,
    "astype": lambda x, dtype: x,
    "cast_back": lambda g, x: g,
    "count": _count,
    "cumulative_others": _cumulative_others,
    "einsum": lambda arrays, subscripts: _einsum(subscripts, arrays),
    "einsum_back": _einsum_back,
    "floor": _elementwise(lambda x: math.floor(x) if isinstance(x, Fraction) else mpmath.floor(x)),
    "harmonic": _reduction(lambda row: 1 / sum(1 / x for x in row) if all(row) else row[0] * 0),
    "like": lambda g, x: np.reshape(g, x.shape),
    "others": _others,
    "permute_back": lambda g, axes: np.transpose(g, np.argsort([axis % g.ndim for axis in axes])),
    "piece": _piece,
    "route_to_largest": _route_to_largest,
    "sign": _elementwise(lambda x: (x > 0) - (x < 0)),
    "unreduce": _unreduce,
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
