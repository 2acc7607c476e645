"""The rounding model of the law book on top of balls: what an implementation in a dtype may return.

Every result is widened by the rounding that it is entitled to: of one step (``k u |r| + t``), of a sum in any
order, of a product of many factors; past the dtype's largest number it may be anything. A gradient is the hull of what
the rule and the page's other formulas of it give. The pages own each k. Source: spec chapter *admissible-sets*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from flint import arb

from gradlaw_reference.arithmetic.ball import Ball
from gradlaw_reference.arithmetic.digits import digits_of, quantum_of
from gradlaw_reference.arithmetic.elements import Element, is_correct, nearest, rounded, widening
from gradlaw_reference.arithmetic.factorisations import Factorisation, of_matrices
from gradlaw_reference.arithmetic.joining import FusedStep, joined
from gradlaw_reference.arithmetic.matrices import (
    DETERMINANT,
    INVERSE,
    LOGARITHM,
    SOLUTION,
    Elimination,
    of_each,
    of_systems,
)
from gradlaw_reference.arithmetic.objects import elementwise
from gradlaw_reference.arithmetic.outside import nothing_claimed
from gradlaw_reference.arithmetic.protocol import Axes, Data, LocalRules, objects
from gradlaw_reference.arithmetic.sets import ANYTHING, ONE, ZERO
from gradlaw_reference.arithmetic.vectors import COARSE, MANY, FormulaStep, evaluated, in_vectors
from gradlaw_spec import (
    Primitive,
    Program,
    composition,
    dtype,
    load_pages,
    load_primitives,
)

UNIT: Final = arb(0, 1)
MOST_FACTORS: Final = 64
"""A power with a larger exponent is no product any more."""
CORRECTLY_ROUNDED: Final = 1
"""The k of an operation that IEEE 754 asks to be rounded correctly."""


class _Constant(np.ndarray[Any, Any]):
    """A Python scalar of a program as data: known while the program is built."""


class _Several(np.ndarray[Any, Any]):
    """A share that is a sum: what returns from a composed step to an operand that its composition uses several times.

    An engine that runs the composition adds each of its terms to what returns elsewhere; so does one whose scan is
    a tree of steps.
    """

    terms: int

    def __array_finalize__(self, made_of: Any) -> None:
        """Keep the number of terms where elements are moved."""
        self.terms = getattr(made_of, "terms", 1)


class Rounding(Ball):
    """Balls that enclose every result that an implementation in a dtype may return.

    ``flushes_subnormals`` is for an implementation that replaces numbers below the smallest normal one by 0;
    ``accuracies`` has the k of primitives at which it is worse than their pages ask. Without ``overflows`` the dtype
    has no largest number, for limits as an operand grows.
    """

    def __init__(
        self,
        dtype_name: str,
        *,
        flushes_subnormals: bool = False,
        accuracies: Mapping[str, int] = MappingProxyType({}),
        precision: int = 128,
        overflows: bool = True,
    ) -> None:
        super().__init__(precision=precision)
        self.name = f"ball of {dtype_name}"
        self.start: str | None = dtype_name
        self.overflows = overflows
        self.dtype = dtype(dtype_name) if overflows else replace(dtype(dtype_name), largest=math.inf)
        self.flushes_subnormals = flushes_subnormals
        self.accuracies = accuracies
        self.tiny = self.dtype.tiny(flushes_subnormals)
        self.least_kept = self.dtype.smallest_normal if flushes_subnormals else 0.0
        self._operations: dict[str, Callable[..., Data]] = {}
        self._fused: dict[tuple[LocalRules, int], Callable[..., Data] | None] = {}

    # --- values -----------------------------------------------------------------------------------

    def of(self, dtype: str | None) -> Rounding:
        if dtype in (None, self.start):
            return self
        return rounding(
            dtype,
            flushes_subnormals=self.flushes_subnormals,
            accuracies=self.accuracies,
            precision=self.precision,
            overflows=self.overflows,
        )

    def cast(self, value: Data, dtype: str | None) -> Data:
        to = self.of(dtype)
        if to.dtype.holds(self.dtype) and not self.flushes_subnormals:
            return value
        return to._once(value)

    def asarray(self, value: Any) -> Data:
        made = super().asarray(value)
        if self.flushes_subnormals:
            smallest = self.dtype.smallest_normal
            made = elementwise(lambda x: x.union(ZERO) if 0 < abs(x) < smallest else x, 1)(made)
        return made

    def constant(self, value: float) -> Data:
        exact = super().constant(value)
        held = float(self.dtype.numpy.type(value)) == value
        return (exact if held else self._widened(exact, CORRECTLY_ROUNDED)).view(_Constant)

    def _widened(self, value: Data, accuracy: int) -> Data:
        return elementwise(widening(accuracy, self.dtype, self.tiny), 1)(value) if accuracy else value

    def accuracy(self, name: str) -> int:
        """Return the k of a primitive: its page's, or the larger one that was declared."""
        return max(load_primitives()[name].accuracy, self.accuracies.get(name, 0))

    def _rounded(self, name: str) -> Element:
        return rounded(name, self.accuracy(name), self.dtype, self.tiny)

    def elementary(self, name: str, *operands: Data) -> Data:
        if name == "pow" and isinstance(operands[1], _Constant):
            count = operands[1].item()
            if count.is_integer() and abs(count) <= MOST_FACTORS:
                return self._power(operands[0], int(count.unique_fmpz()))
        if name == "add" and any(isinstance(operand, _Several) for operand in operands):
            terms = sum(map(_terms, operands))
            first, second = (operand.view(np.ndarray) for operand in operands)
            magnitude = np.absolute(first) + np.absolute(second)
            return self._reduced(first + second, magnitude, terms, CORRECTLY_ROUNDED, 0.0)
        if name not in self._operations:
            self._operations[name] = self._operation(name, len(operands))
        result = self._operations[name](*operands)
        return result.view(_Constant) if all(isinstance(operand, _Constant) for operand in operands) else result

    def _operation(self, name: str, operands: int) -> Callable[..., Data]:
        """Return a primitive as a function of arrays, with the rounding of its result."""
        function = self._rounded(name)
        if not in_vectors(name):
            return elementwise(function, operands)
        return self._by_size(
            function, operands, (self._written(name, function, tuple(range(operands))),), (operands,), ()
        )

    def _by_size(
        self,
        one: Element,
        inputs: int,
        steps: Sequence[FormulaStep],
        ends: Sequence[int],
        constants: Sequence[arb],
    ) -> Callable[..., Data]:
        """Return a function of arrays: few elements one by one, many in float64 where that has digits to spare."""
        one_by_one = elementwise(one, inputs)
        if self.dtype.unit_roundoff < COARSE:
            return one_by_one

        def compute(*data: Data) -> Data:
            if np.broadcast(*data).size < MANY:
                return one_by_one(*data)
            return evaluated(steps, ends, data, constants, self.dtype, self.tiny, one)

        return compute

    def _power(self, base: Data, count: int) -> Data:
        """Raise to an exponent that is known while a program is built: by a product of so many factors, or by pow.

        Where the dtype has room for all digits, every partial product is exact, and so is the power.
        """
        factors = np.broadcast_to(base[..., None], (*base.shape, abs(count)))
        exact, product = self.exact_prod(factors, (base.ndim,)), self.prod(factors, (base.ndim,))
        if count < 0:
            exact, product = self._once(1 / exact), self.elementary("reciprocal", product)
        general = elementwise(self._rounded("pow"), 2)(base, objects(arb(count)))
        largest, smallest = self.dtype.largest, self.dtype.smallest_normal
        room = -math.log2(self.dtype.unit_roundoff) / max(abs(count), 1)

        def either(x: arb, power: arb, first: arb, second: arb) -> arb:
            fits = digits_of(x) <= room and (power == 0 or smallest <= abs(power) <= largest)
            return power if (fits and power.is_exact()) or count == 0 else first.union(second)

        return elementwise(either, 4)(base, exact, product, general)

    def composed(self, name: str, value: Data) -> Data:
        page = load_pages().get(name)
        return self._widened(value, self.accuracy(name)) if isinstance(page, Primitive) else value

    def after(self, share: Data, value: Data) -> Data:
        return elementwise(lambda x, before: x if before.is_finite() else ANYTHING, 2)(share, value)

    # --- gradients --------------------------------------------------------------------------------

    def local(self, rule: LocalRules, position: int, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        plain = tuple(getattr(operand, "content", operand) for operand in operands)
        if all(getattr(operand, "tape", None) is None for operand in operands):
            fused = self._fused_formulas(rule, position)
            if fused is not None:
                data = fused(*(x if isinstance(x, np.ndarray) else self.constant(x) for x in plain))
                share = operands[1].like(nothing_claimed(rule.domains, data, plain))
                return self.cornered(rule, share, operands, attributes)
        share = rule.vjp[position](*operands, **attributes)
        if share.tape is not None:
            return share
        data, terms = share.data, max(_uses(rule.name, position, operands[1].shape, attributes), _terms(share.content))
        for formula in rule.alternatives[position] if rule.alternatives else ():
            other = formula(*operands, **attributes)
            data, terms = elementwise(arb.union, 2)(data, other.data), max(terms, _terms(other.content))
        data = self.cornered(rule, share.like(nothing_claimed(rule.domains, data, plain)), operands, attributes).data
        return share.like(self.several(data, terms))

    def several(self, share: Data, terms: int) -> Data:
        if terms < 2:
            return share
        several = share.view(_Several)
        several.terms = terms
        return several

    def _fused_formulas(self, rule: LocalRules, position: int) -> Callable[..., Data] | None:
        key = (rule, position)
        if key not in self._fused:
            programs = rule.written(position)
            self._fused[key] = self._fuse(programs) if programs else None
        return self._fused[key]

    def _fuse(self, programs: tuple[Program, ...]) -> Callable[..., Data]:
        """Return formulas over the same inputs as one pass over the elements: the hull of what each may give.

        The formulas of a gradient share most of their steps; each is computed once an element.
        """
        steps, constants, ends = joined(programs)
        made = [self.constant(number).item() for number in constants]
        plan = self._plan(steps, len(programs[0].inputs), made)

        def compute(*values: arb) -> arb:
            known = [*values, *made]
            for function, places in plan:
                known.append(function(*[known[place] for place in places]))
            result = known[ends[0]]
            for end in ends[1:]:
                result = result.union(known[end])
            return result

        written = [self._written(name, *taken) for (name, _), taken in zip(steps, plan, strict=True)]
        return self._by_size(compute, len(programs[0].inputs), written, ends, made)

    def _written(self, name: str, ball: Element, places: tuple[int, ...]) -> FormulaStep:
        """Return a step of a formula as one of vectors."""
        accuracy = self.accuracy(name)
        return FormulaStep(name, accuracy, is_correct(load_primitives()[name], accuracy), ball, places)

    def _plan(
        self, steps: tuple[FusedStep, ...], inputs: int, constants: list[arb]
    ) -> list[tuple[Element, tuple[int, ...]]]:
        """Return each step's function and the places of its operands; what is made of constants is computed once."""
        fixed: dict[int, arb] = dict(enumerate(constants, inputs))
        plan: list[tuple[Element, tuple[int, ...]]] = []
        for place, (name, places) in enumerate(steps, inputs + len(constants)):
            function = self._rounded(name)
            if all(item in fixed for item in places):
                fixed[place] = function(*[fixed[item] for item in places])
                plan.append((partial(_given, fixed[place]), ()))
            else:
                plan.append((function, places))
        return plan

    # --- sums and products ------------------------------------------------------------------------

    def _reduced(self, value: Data, magnitude: Data, terms: Any, accuracy: int, quantum: float) -> Data:
        """Round sums of so many terms each, in any order: ``(n + k) u sum|terms| + 2 n t``.

        Each product of a contraction and each partial sum may be subnormal, and flushed. Terms that are multiples of
        a ``quantum`` add up exactly as long as the dtype holds every multiple up to the sum of their magnitudes.
        """
        unit, tiny, largest = self.dtype.unit_roundoff, self.tiny, arb(self.dtype.largest)
        exact_up_to = arb(quantum / unit) if quantum >= tiny else ZERO

        def widen(total: arb, size: arb, count: int) -> arb:
            if count < 2 or size <= exact_up_to:
                return total if size <= largest else ANYTHING
            factor = arb((count + accuracy) * unit)
            if not size * (1 + factor) <= largest:
                return ANYTHING
            return total + UNIT * (factor * size + 2 * count * tiny)

        return elementwise(widen, 3)(value, magnitude, terms)

    def sum(self, value: Data, axes: Axes) -> Data:
        total = self.exact_sum(value, axes)
        terms, accuracy = math.prod(value.shape[axis] for axis in axes), self.accuracy("sum")
        if terms < 2:
            return total
        if terms == 2 and accuracy == CORRECTLY_ROUNDED:
            return self._once(total)
        quantum = quantum_of(value) if self._as_its_page("sum") else 0.0
        return self._reduced(total, self.exact_sum(np.absolute(value), axes), terms, accuracy, quantum)

    def _as_its_page(self, name: str) -> bool:
        """Whether a primitive is no less accurate than its page asks; one that is may round what is exact elsewhere."""
        return self.accuracy(name) == load_primitives()[name].accuracy

    def _once(self, value: Data) -> Data:
        """Round each number once, correctly: what the dtype holds stays."""
        return elementwise(nearest(CORRECTLY_ROUNDED, self.dtype, self.tiny), 1)(value)

    def prod(self, value: Data, axes: Axes) -> Data:
        total = self.exact_prod(value, axes)
        terms = math.prod(value.shape[axis] for axis in axes)
        if terms < 2:
            return total
        # In any order, a partial product is at most the product of the factors above 1, and an
        # underflow in it is carried on by at most that.
        above = self.exact_prod(elementwise(lambda x: abs(x).max(ONE), 1)(value), axes)
        factor, tail = self._compound(terms + self.accuracy("prod")), arb(terms * self.tiny)
        largest = arb(self.dtype.largest)

        def widen(product: arb, bound: arb) -> arb:
            if not bound * (1 + factor) <= largest:
                return ANYTHING
            return product if product == 0 else product + UNIT * (factor * abs(product) + tail * bound)

        return elementwise(widen, 2)(total, above)

    def _compound(self, roundings: int) -> arb:
        """Return how far so many roundings, one after the other, may carry a product away: ``(1 + u)^n - 1``."""
        return (1 + arb(self.dtype.unit_roundoff)) ** roundings - 1

    def matmul(self, first: Data, second: Data) -> Data:
        total = self.exact_matmul(first, second)
        if first.shape[-1] == 0:
            return total
        terms, accuracy = first.shape[-1], self.accuracy("matmul")
        if terms == 1 and accuracy == CORRECTLY_ROUNDED:
            return self._once(total)
        magnitude = self.exact_matmul(np.absolute(first), np.absolute(second))
        quantum = quantum_of(first) * quantum_of(second) if self._as_its_page("matmul") else 0.0
        return self._reduced(total, magnitude, max(terms, 2), accuracy, quantum)

    @property
    def _elimination(self) -> Elimination:
        return Elimination(self.dtype, self.tiny)

    def _eliminated(self, name: str, result: Data) -> Data:
        """Widen what is computed by elimination for an engine that is less accurate than the page asks."""
        return result if self._as_its_page(name) else self._widened(result, self.accuracy(name))

    def determinants(self, value: Data) -> Data:
        return self._eliminated(DETERMINANT, of_each(value, (), self._elimination.determinant))

    def cofactors(self, cotangent: Data, value: Data) -> Data:
        result = self.filled(value.shape, ZERO)
        for place in np.ndindex(*cotangent.shape):
            result[place] = self._elimination.cofactors(value[place], abs(cotangent.item(place)))
        found = self.elementary("multiply", cotangent[..., np.newaxis, np.newaxis], result)
        return self._eliminated(DETERMINANT, found)

    def logarithms(self, value: Data) -> Data:
        return self._eliminated(LOGARITHM, of_each(value, (), self._elimination.logarithm))

    def inverses(self, value: Data) -> Data:
        return self._eliminated(INVERSE, of_each(value, value.shape[-2:], self._elimination.inverse))

    def solutions(self, matrices: Data, sides: Data) -> Data:
        return self._eliminated(SOLUTION, of_systems(matrices, sides, self._elimination.solution))

    def factorised(self, name: str, value: Data) -> Data:
        found = of_matrices(value, partial(Factorisation(self.dtype, self.tiny).apply, name))
        return self._eliminated(name, found) if name in load_primitives() else found

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        total = self.exact_scatter(value, shape, index)
        counts = np.zeros(shape, dtype=int)
        np.add.at(counts, index, 1)
        if counts.max(initial=0) < 2:
            return total
        magnitude = self.exact_scatter(np.absolute(value), shape, index)
        several = self._reduced(total, magnitude, counts, CORRECTLY_ROUNDED, quantum_of(value))
        return np.where(counts == 2, self._once(total), several)


def _uses(name: str, position: int, shape: Axes, attributes: Mapping[str, Any]) -> int:
    """Return how often the steps of a composed primitive, or of a scan, use one of its operands.

    A scan may be a tree of sums or products, which an engine differentiates step by step.
    """
    page = load_pages().get(name)
    if not isinstance(page, Primitive):
        return 1
    if page.rounding != "composed":
        scan = page.shapes == "along-axis" and page.rounding in ("contraction", "product")
        return int(shape[attributes["axis"]]) if scan else 1
    moved = [step for step in composition(page, attributes).steps if _moves(step.primitive)]
    return sum(step.operands.count(page.operands[position].name) for step in moved)


def _moves(name: str) -> bool:
    """Whether a gradient flows through a step; through a count of elements none does."""
    page = load_pages().get(name)
    return page is None or any(operand.vjp for operand in page.operands)


def _terms(share: Any) -> int:
    return share.terms if isinstance(share, _Several) else 1


def _given(number: arb) -> arb:
    return number


@cache
def _made(
    dtype: str, flushes_subnormals: bool, accuracies: tuple[tuple[str, int], ...], precision: int, overflows: bool
) -> Rounding:
    return Rounding(
        dtype,
        flushes_subnormals=flushes_subnormals,
        accuracies=dict(accuracies),
        precision=precision,
        overflows=overflows,
    )


def rounding(
    dtype: str,
    *,
    flushes_subnormals: bool = False,
    accuracies: Mapping[str, int] = MappingProxyType({}),
    precision: int = 128,
    overflows: bool = True,
) -> Rounding:
    """Return the rounding model of a dtype for an implementation; the same one for the same facts."""
    return _made(dtype, flushes_subnormals, tuple(sorted(accuracies.items())), precision, overflows)
