"""The admissible sets of a kernel: of its definition as it is rounded and stored, and of other formulas for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import numpy as np
from flint import arb

from gradlaw.own.backward import ByFormula
from gradlaw.own.rounded import rounded_program
from gradlaw.own.settings import read_settings
from gradlaw.own.signature import Input
from gradlaw.own.traced import Definition, traced
from gradlaw_reference import (
    Array,
    Certified,
    Data,
    Node,
    Rounding,
    Rule,
    Tape,
    apply,
    arithmetic,
    as_array,
    in_dtype,
    using,
    vjp,
)
from gradlaw_reference.arithmetic.elements import Element, regrouped
from gradlaw_reference.arithmetic.vectors import FormulaStep
from gradlaw_spec import Program, Step, interpret

PRODUCTS: Final = ("multiply", "divide", "square")
"""The steps of chains of products."""


@dataclass(slots=True)
class SavedTape(Tape):
    """A tape on which some values are kept in a narrower dtype: forward goes on with the full ones, backward has these.

    ``stored`` has the dtype of each such name of a program, ``step`` the name that is computed now.
    """

    stored: Mapping[str, str] = field(default_factory=dict)
    step: str = ""
    kept: dict[int, str] = field(default_factory=dict)

    def record(self, rule: Rule, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Array:
        """Apply a rule, and keep what its gradient reads as it is stored."""
        out = Tape.record(self, rule, operands, attributes)
        node = self.nodes[-1]
        assert node is not None
        read = tuple(
            _narrow(content, self.kept.get(item.node)) if isinstance(item, Array) and item.tape is self else content
            for item, content in zip(operands, node.operands, strict=True)
        )
        to = self.stored.get(self.step)
        if to is not None:
            self.kept[out.node] = to
        self.nodes[-1] = Node(node.rule, read, _narrow(node.value, to), node.attributes, node.parents)
        return out

    def accumulate(self, cotangents: list[Array]) -> Array:
        """Add the cotangents of branches; a kernel may add its factors first, and multiply by the cotangent then.

        So *g + g·t* is *g·(1 + t)* too, where the product rounds the whole sum. Branches without any rounding, as those
        of a sum of inputs, have no factors but powers of two, which leave nothing to round.
        """
        total = Tape.accumulate(self, cotangents)
        used = arithmetic().of(total.dtype)
        if len(cotangents) == 1 or total.tape is not None or not isinstance(used, KernelRounding):
            return total
        return total.like(used.by_factors(total.data, [one.data for one in cotangents]))


class KernelRounding(Rounding):
    """The rounding model of a kernel: its products may be grouped otherwise than the definition's.

    So one that is exact in the definition's order is rounded here all the same. What is subnormal may be flushed, but
    in float16, which is computed in float32: kernels and fast paths of libraries flush, and no gradient that anybody
    needs is smaller than 1e-38.
    """

    def __init__(self, dtype_name: str, *, accuracies: Mapping[str, int]) -> None:
        super().__init__(dtype_name, flushes_subnormals=dtype_name != "float16", accuracies=accuracies)

    def of(self, dtype: str | None) -> KernelRounding:
        """Return the model of another dtype."""
        return self if dtype in (None, self.start) else _model(str(dtype), tuple(sorted(self.accuracies.items())))

    def _rounded(self, name: str) -> Element:
        if name not in PRODUCTS:
            return super()._rounded(name)
        return regrouped(name, self.accuracy(name), self.dtype, self.tiny)

    def by_factors(self, total: Data, shares: list[Data]) -> Data:
        """Return a sum of shares as it may be where their common factor is multiplied last."""
        rounded = np.logical_or.reduce([np.asarray(_IS_ROUNDED(share), dtype=bool) for share in shares])
        return np.asarray(np.where(rounded, self._widened(total, 1), total), dtype=object)

    def _written(self, name: str, ball: Element, places: tuple[int, ...]) -> FormulaStep:
        step = super()._written(name, ball, places)
        return step._replace(correct=False) if name in PRODUCTS else step


@cache
def _model(dtype: str, accuracies: tuple[tuple[str, int], ...]) -> KernelRounding:
    return KernelRounding(dtype, accuracies=dict(accuracies))


def _narrow(value: Any, to: str | None) -> Any:
    if to is None or not isinstance(value, Array) or value.tape is not None or value.dtype is None:
        return value
    return value.like(arithmetic().of(value.dtype).cast(value.data, to))


def certified_as_stored(
    program: Program, values: Mapping[str, Any], stored: Mapping[str, str], used: Any, dtypes: Mapping[str, str]
) -> Certified:
    """Run a program in a rounding model, some of its values kept for backward in a narrower dtype."""
    known: dict[str, Array] = {}
    tape = SavedTape(stored=stored)

    def call(step: Step, operands: tuple[Any, ...]) -> Any:
        tape.step = step.results[0]
        return apply(step.primitive, operands, step.attributes)

    def function(*inputs: Array) -> tuple[Array, ...]:
        given = {name: as_array(values[name]) for name in program.data}
        given.update(zip(program.inputs, inputs, strict=True))
        known.update(interpret(program, given, call))
        return tuple(known[name] for name in program.outputs)

    with using(used):
        values = {**values, **{name: in_dtype(values[name], dtypes[name]) for name in dtypes}}
        outputs, pullback = vjp(function, *(values[name] for name in program.inputs), tape=tape)
        steps = {name: item.data for name, item in known.items()}
    return Certified(tuple(output.data for output in outputs), steps, pullback, used)


_IS_ROUNDED = np.frompyfunc(lambda ball: not ball.is_exact(), 1, 1)
_UNION = np.frompyfunc(arb.union, 2, 1)


def _hull(first: Data, second: Data) -> Data:
    return np.asarray(_UNION(first, second), dtype=object) if first.shape == second.shape else first


@dataclass(frozen=True)
class Hull:
    """Several formulas for one function, each with its sets: what one of them admits is admitted.

    It has what laws ask of a `Certified`.
    """

    every: tuple[Certified, ...]
    backward: ByFormula | None = None

    @property
    def outputs(self) -> tuple[Data, ...]:
        """The hull of the outputs' sets."""
        first, *rest = (one.outputs for one in self.every)
        for other in rest:
            first = tuple(map(_hull, first, other))
        return first

    @property
    def steps(self) -> dict[str, Data]:
        """The values of the first formula."""
        return self.every[0].steps

    def gradients(self, cotangents: tuple[Any, ...]) -> tuple[Data, ...]:
        """Return the hull of the gradients' sets."""
        every: tuple[Certified | ByFormula, ...] = self.every
        every = every if self.backward is None else (*every, self.backward)
        first, *rest = (one.gradients(cotangents) for one in every)
        for other in rest:
            first = tuple(map(_hull, first, other))
        return first


@dataclass(frozen=True)
class Sets:
    """Makes the sets of a kernel's cases: called as `gradlaw_reference.certify` is."""

    formulas: tuple[Definition, ...]
    inputs: tuple[Input, ...]
    differentiated: tuple[str, ...]
    compute: str | None
    outputs: tuple[str, ...]
    stored: Mapping[str, str] = field(default_factory=dict)
    """What is taken for stored beside what the definition says, by the name of a step."""
    backward: Definition | None = None
    """Another formula for the gradients."""

    def __call__(
        self,
        program: Program,
        values: Mapping[str, Any],
        *,
        dtype: str,
        dtypes: Mapping[str, str],
        flushes_subnormals: bool,
        accuracies: Mapping[str, int],
    ) -> Any:
        """Return the sets of a program, which is that of the first formula."""
        used = _model(dtype, tuple(sorted(accuracies.items())))
        settings = read_settings(values)
        every = {**values, **settings.numbers}
        arguments = {one.name: every[one.name] for one in self.inputs}
        found: list[Certified] = []
        by_formula: ByFormula | None = None
        for place, formula in enumerate(self.formulas):
            tracing = traced(formula, arguments, self.differentiated, settings.options, self.compute)
            stored = {**tracing.stored, **({} if place else self.stored)}
            whole = {**arguments, **tracing.data}
            start = {name: value.dtype.name for name, value in whole.items() if hasattr(value, "dtype")}
            rounded = rounded_program(tracing.program, self.compute, self.outputs, start)
            if settings.shared:
                rounded = replace(rounded, outputs=(*rounded.outputs, settings.shared))
            real = {
                name: start[name] for name in (*rounded.inputs, *rounded.data) if start[name] not in ("int64", "bool")
            }
            found.append(certified_as_stored(rounded, whole, stored, used, real))
            if self.backward is not None and not place:
                by_formula = ByFormula(
                    self.backward, tracing, arguments, self.differentiated, settings, self.compute, used, self.outputs
                )
        return found[0] if len(found) == 1 and by_formula is None else Hull(tuple(found), by_formula)
