"""A right engine that takes every freedom the law book gives: each step as far off as it may be, and it must live.

Each elementwise step is wrong by up to its page's k, a sum is added in a shuffled order with every partial sum rounded,
a gradient follows any formula of its page, a kink has any share, and subnormal numbers are flushed if it is declared.
What is drawn depends on where a step stands in the run and on nothing else, so that the same call gives the same bits.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from flint import arb, ctx

import gradlaw_reference as reference
from gradlaw_properties import Unit
from gradlaw_properties.engines import PRIMITIVES, primals_of, reference_target, typed
from gradlaw_properties.examine import plan
from gradlaw_reference import using
from gradlaw_reference.arithmetic.ball import ball_function
from gradlaw_reference.arithmetic.floating import Float
from gradlaw_reference.arithmetic.protocol import Axes, Data
from gradlaw_spec import Array, Program, Target, load_primitives, program_function
from gradlaw_spec.target import walks_of

BITS = 160
BEYOND_FORMULAS = ("accuracy", "nonfinite", "range", "second-accuracy")
"""Laws that ask for more than the pages' formulas give: some lose digits, divide infinities, or overflow on the way."""


def of_formulas(target: Target, dtype: str) -> Iterator[Unit]:
    """Yield the units of a target with the laws that the pages' formulas satisfy."""
    for unit in plan(target, dtype=dtype):
        yield replace(unit, laws=tuple(law for law in unit.laws if law not in BEYOND_FORMULAS))


class Adverse(Float):
    """Floating point of a dtype in which each step is as wrong as it may be, in directions that a generator draws."""

    def __init__(self, name: str, seed: int, flushes: bool, excess: float, draw: random.Random | None = None) -> None:
        super().__init__(name)
        self.seed, self.flushes, self.excess = seed, flushes, excess
        self.draw = draw or random.Random(seed)

    def of(self, dtype: str | None) -> Adverse:
        return self if dtype in (None, self.name) else Adverse(dtype, self.seed, self.flushes, self.excess, self.draw)

    # --- one rounding -----------------------------------------------------------------------------

    def nearest(self, exact: arb) -> float:
        """Round to the nearest number of the dtype, and flush a subnormal one where the engine does."""
        with np.errstate(all="ignore"):
            rounded = float(self.dtype.numpy.type(float(exact.mid())))
        return 0.0 if self.flushes and abs(rounded) < self.dtype.smallest_normal else rounded

    def off(self, name: str, exact: arb) -> float:
        """Return a result as a step of that name may give it: rounded correctly, or off by nearly its k."""
        page = load_primitives()[name]
        spare = (page.accuracy - 1) * self.draw.choice((-0.98, -0.5, 0.0, 0.5, 0.98)) * self.excess
        if not (exact.is_finite() and exact.mid() != 0) or page.rounding == "correct" or page.accuracy < 2:
            return self.nearest(exact)
        return self.nearest(exact * (1 + arb(spare * self.dtype.unit_roundoff)))

    def elementary(self, name: str, *operands: Data) -> Data:
        function = ball_function(name)
        arrays = np.broadcast_arrays(*(operand.astype(np.float64) for operand in operands))
        result = np.empty(arrays[0].shape)
        plain = super().elementary(name, *operands)
        before, ctx.prec = ctx.prec, BITS
        try:
            for place in np.ndindex(result.shape):
                numbers = [float(array[place]) for array in arrays]
                if self.flushes:
                    numbers = [0.0 if abs(one) < self.dtype.smallest_normal else one for one in numbers]
                exact = function(*map(arb, numbers)) if all(map(np.isfinite, numbers)) else arb("nan")
                told = self.off(name, exact)
                result[place] = told if exact.is_finite() else float(plain[place])
        finally:
            ctx.prec = before
        return self.asarray(result)

    def route(self, cotangent: Data, part: Data) -> Data:
        return self.elementary("multiply", cotangent, part)

    def share_of_maximum(self, value: Data, axis: int) -> Data:
        """Give the whole to one of equal elements, drawn by the seed."""
        if value.size == 0:
            return value
        numbers = value.astype(np.float64)
        places = np.argsort(np.random.default_rng(self.seed).random(value.shape[axis]))
        shape = [-1 if number == axis % value.ndim else 1 for number in range(value.ndim)]
        order = np.where(numbers == numbers.max(axis=axis, keepdims=True), places.reshape(shape), -1)
        return self.asarray(order == order.max(axis=axis, keepdims=True))

    # --- sums and products ------------------------------------------------------------------------

    def _folded(self, value: Data, axes: Axes, step: Callable[[Array, Array], Array], empty: float) -> Data:
        """Fold along axes in a drawn order, sequentially or in pairs, rounding after each step."""
        kept = tuple(axis for axis in range(value.ndim) if axis not in axes)
        lengths = [tuple(value.shape[axis] for axis in some) for some in (axes, kept)]
        parts = list(np.transpose(value.astype(np.float64), (*axes, *kept)).reshape(math.prod(lengths[0]), *lengths[1]))
        if not parts:
            return self.asarray(np.full(lengths[1], empty))
        self.draw.shuffle(parts)
        pairwise = self.draw.random() < 0.5
        while len(parts) > 1:
            first, second = parts.pop(0), parts.pop(0)
            with np.errstate(all="ignore"):
                together = self.rounded(step(first, second))
            parts.insert(len(parts) if pairwise else 0, together)
        return self.asarray(parts[0])

    def rounded(self, exact: Any) -> Array:
        """Round results of float64 to the dtype (twice rounded only where that is far narrower), and flush."""
        with np.errstate(all="ignore"):
            numbers = np.asarray(exact).astype(self.dtype.numpy).astype(np.float64)
        return np.where(np.abs(numbers) < self.dtype.smallest_normal, 0.0, numbers) if self.flushes else numbers

    def sum(self, value: Data, axes: Axes) -> Data:
        return self._folded(value, axes, np.add, 0.0)

    def prod(self, value: Data, axes: Axes) -> Data:
        return self._folded(value, axes, np.multiply, 1.0)

    def matmul(self, first: Data, second: Data) -> Data:
        left, right = first.astype(np.float64), second.astype(np.float64)
        flat_left = left[None] if left.ndim == 1 else left
        flat_right = right[:, None] if right.ndim == 1 else right
        with np.errstate(all="ignore"):
            products = self.rounded(flat_left[..., :, :, None] * flat_right[..., None, :, :])
        summed = self.sum(products, (products.ndim - 2,))
        if left.ndim == 1:
            summed = summed[..., 0, :] if right.ndim > 1 else summed[0]
        return self.asarray(summed[..., 0] if right.ndim == 1 else summed)

    def scatter(self, value: Data, shape: Axes, index: Any) -> Data:
        places = np.zeros(shape, dtype=np.float64)
        numbered = np.arange(places.size).reshape(shape)[index]
        sent = np.broadcast_to(value.astype(np.float64), np.shape(numbered))
        pairs = list(zip(np.ravel(numbered).tolist(), np.ravel(sent).tolist(), strict=True))
        self.draw.shuffle(pairs)
        flat = places.ravel()
        for place, number in pairs:
            flat[place] = self.rounded(flat[place] + number)
        return self.asarray(flat.reshape(shape))

    # --- gradients --------------------------------------------------------------------------------

    def local(self, rule: Any, position: int, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        formulas = (rule.vjp[position], *(rule.alternatives[position] if rule.alternatives else ()))
        share = self.cornered(rule, self.draw.choice(formulas)(*operands, **attributes), operands, attributes)
        if load_primitives().get(rule.name) is None or share.tape is not None or share.shape != operands[0].shape:
            return share
        return share.like(self.of(share.dtype).stop_zeros(operands[0].data, share.data))


def adverse_target(seed: int, *, flushes: bool = False, excess: float = 1.0) -> Target:
    """Return the reference under an adverse arithmetic as a target; with an ``excess`` above 1 it is wrong."""

    @cache
    def arithmetic() -> Adverse:
        return Adverse("float64", seed, flushes, excess)

    def pullback(program: Program, values: Mapping[str, Array], keep: list[Any] | None = None) -> Any:
        primals = primals_of(program, values)
        function = program_function(program, values, PRIMITIVES, typed, keep)
        arithmetic().draw.seed(seed)
        with using(arithmetic()):
            outputs, engine_pull = reference.vjp(function, *map(typed, primals))

        def pull(cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
            arithmetic().draw.seed(seed + 1)
            with using(arithmetic()):
                return tuple(gradient.data for gradient in engine_pull(tuple(cotangents)))

        return tuple(output.data for output in outputs), pull

    def run(program: Program, values: Mapping[str, Array]) -> tuple[Array, ...]:
        return pullback(program, values)[0]  # type: ignore[no-any-return]

    target = reference_target(f"adverse-{seed}", pullback=pullback, plain=run, walks=walks_of(pullback))
    return replace(target, flushes_subnormals=flushes)
