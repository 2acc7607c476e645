"""Faults of one rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradlaw_properties.engines import reference_target
from gradlaw_properties.mutants.mutant import Mutant
from gradlaw_reference import RULES, Rule, Tape, apply, as_array
from gradlaw_reference import Array as ReferenceArray
from gradlaw_spec import Primitive, Target, load_primitives


def _rule_fault(
    name: str, subject: str, changes: Mapping[str, Callable[[Rule], Rule]], dtype_name: str = "float64"
) -> Mutant:
    def build() -> Target:
        rules = {**RULES, **{changed: change(RULES[changed]) for changed, change in changes.items()}}
        return reference_target(name, tape=lambda: Tape(rules=rules))

    return Mutant(name, build, subject, dtype_name)


def _small_engine_fault(name: str, primitive: str, change: Callable[[Rule], Rule]) -> Mutant:
    """Return a fault of an engine that has one primitive for long axes."""
    whole = _rule_fault(name, "program", {primitive: change})
    few = frozenset({"broadcast_to", "concat", primitive})
    return replace(whole, build=lambda: replace(whole.build(), primitives=few))


def _with_vjp(*vjp: Callable[..., Any]) -> Callable[[Rule], Rule]:
    return lambda rule: replace(rule, vjp=vjp)


def _call(primitive: str, *operands: Any, **attributes: Any) -> ReferenceArray:
    return apply(primitive, operands, attributes)


def _through_value(rule: Rule) -> Rule:
    local = rule.vjp[0]
    return replace(rule, vjp=(lambda g, y, x: local(g, y, y),))


def _swapped(rule: Rule) -> Rule:
    return replace(rule, vjp=(rule.vjp[1], rule.vjp[0]))


def _transposed(rule: Rule) -> Rule:
    def wrap(local: Callable[..., ReferenceArray]) -> Callable[..., ReferenceArray]:
        def wrong(g: Any, y: Any, x1: Any, x2: Any) -> ReferenceArray:
            gradient = local(g, y, x1, x2)
            return _call("matrix_transpose", gradient) if gradient.ndim >= 2 else gradient

        return wrong

    return replace(rule, vjp=tuple(wrap(local) for local in rule.vjp))


def _all_axes(rule: Rule) -> Rule:
    """Transposes every axis of a batch; where the shapes then do not fit, what comes out is cut to fit."""

    def wrong(g: Any, y: Any, x1: Any, x2: Any) -> ReferenceArray:
        right: ReferenceArray = rule.vjp[0](g, y, x1, x2)
        if x2.ndim < 3:
            return right
        reverse = tuple(reversed(range(x2.ndim)))
        other = np.resize(np.transpose(x2.data, reverse), (*x2.shape[:-2], x2.shape[-1], x2.shape[-2]))
        with np.errstate(over="ignore"):
            product = np.matmul(g.data if x1.ndim > 1 else g.data[..., None, :], other)
        return as_array(np.resize(product, right.shape))

    return replace(rule, vjp=(wrong, rule.vjp[1]))


def _fused_sigmoid(g: ReferenceArray, y: ReferenceArray, x: ReferenceArray) -> ReferenceArray:
    return g * (y * (1 + y))


def _relu_at_zero(g: Any, y: Any, x: Any) -> ReferenceArray:
    data = x.data
    return _call("where", data == 0, -g, _call("where", data > 0, g, 0))


def _tied(above: Callable[[Any, Any], Any]) -> Callable[[Rule], Rule]:
    return _with_vjp(
        lambda g, y, x1, x2: _call("where", np.asarray(above(as_array(x1).data, as_array(x2).data)), g, 0),
        lambda g, y, x1, x2: _call("where", np.asarray(above(as_array(x2).data, as_array(x1).data)), g, 0),
    )


def _last_write(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, indices: Any, *, axis: int = 0) -> ReferenceArray:
        result = np.zeros(x.shape, g.dtype)
        places = np.asarray(getattr(indices, "data", indices)).astype(np.int64)
        result[(*(slice(None),) * (axis % x.ndim), places)] = g.data
        return as_array(result)

    return replace(rule, vjp=(wrong,))


def _last_window(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, **windows: Any) -> ReferenceArray:
        origin = _call("unfold", np.arange(x.data.size).reshape(x.shape), **windows).data.astype(np.int64)
        result = np.zeros(x.data.size, g.dtype)
        result[origin] = g.data
        return as_array(result.reshape(x.shape))

    return replace(rule, vjp=(wrong,))


def _mean_for_sum(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, **attributes: Any) -> ReferenceArray:
        gradient = rule.vjp[0](g, y, x, **attributes)
        return _call("multiply", gradient, max(g.data.size, 1) / max(gradient.data.size, 1))

    return replace(rule, vjp=(wrong,))


def _short(number: Any) -> Any:
    """Return what is left of numbers that are kept in 16 bits, without a sign."""
    return np.asarray(number).astype(np.uint16).astype(np.int64)


def _counted_short(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, **attributes: Any) -> ReferenceArray:
        gradient = rule.vjp[0](g, y, x, **attributes)
        count = max(gradient.data.size, 1) // max(g.data.size, 1)
        return gradient if count < 2**16 else _call("multiply", gradient, count / float(_short(count)))

    return replace(rule, vjp=(wrong,))


def _indexed_short(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, indices: Any, **attributes: Any) -> ReferenceArray:
        places = _short(getattr(indices, "data", indices))
        return rule.vjp[0](g, y, x, places, **attributes)  # type: ignore[no-any-return]

    return replace(rule, vjp=(wrong,))


def _others_by_division(rule: Rule) -> Rule:
    """Divides the product of all factors by each, which is right where none is 0 or infinite."""

    def wrong(g: Any, y: Any, x: Any, **attributes: Any) -> ReferenceArray:
        if y.data.size != 1:
            return rule.vjp[0](g, y, x, **attributes)  # type: ignore[no-any-return]
        with np.errstate(all="ignore"):
            return as_array(g.data.reshape(()) * y.data.reshape(()) / x.data)

    return replace(rule, vjp=(wrong,))


def _no_gradient(rule: Rule) -> Rule:
    return replace(rule, vjp=())


def _smooth_unary(page: Primitive) -> bool:
    return page.shapes == "elementwise" and len(page.operands) == 1 and not page.kinks


def _view(page: Primitive) -> bool:
    """Whether an engine may return its operand's own memory: one array, whose elements it moves or repeats."""
    moves = page.pattern in ("moves-invert", "broadcast-sums")
    return moves and len(page.operands) == 1 and page.operands[0].kind == "real"


UNARY = tuple(name for name, page in load_primitives().items() if _smooth_unary(page))
VIEWS = tuple(name for name, page in load_primitives().items() if _view(page))

at_the_output = _rule_fault("at-the-output", "sin", dict.fromkeys(UNARY, _through_value))
loses_digits_in_the_tail = _rule_fault(
    "loses-digits-in-the-tail", "log1p", {"log1p": _with_vjp(lambda g, y, x: g * (1 - x / (1 + x)))}
)
operands_swapped = _rule_fault("operands-swapped", "multiply", {"multiply": _swapped, "divide": _swapped})
transposes_matrices = _rule_fault("transposes-matrices", "matmul", {"matmul": _transposed})
transposes_all_axes = _rule_fault("transposes-all-axes", "matmul", {"matmul": _all_axes})
fused_differs = _rule_fault("fused-differs", "sigmoid", {"sigmoid": _with_vjp(_fused_sigmoid)})
relu_minus_one_at_zero = _rule_fault("relu-minus-one-at-zero", "relu", {"relu": _with_vjp(_relu_at_zero)})
maximum_sends_all_to_both = _rule_fault("maximum-sends-all-to-both", "maximum", {"maximum": _tied(lambda x, y: x >= y)})
ties_get_nothing = _rule_fault("ties-get-nothing", "maximum", {"maximum": _tied(lambda x, y: x > y)})
through_unselected = _rule_fault(
    "through-unselected",
    "where",
    {"where": _with_vjp(*(lambda g, y, *operands: g,) * 3)},
)
reciprocal_of_squares = _rule_fault(
    "reciprocal-of-squares",
    "atan2",
    {
        "atan2": _with_vjp(
            lambda g, y, x1, x2: g * x2 * (1 / (x1 * x1 + x2 * x2)),
            lambda g, y, x1, x2: -g * x1 * (1 / (x1 * x1 + x2 * x2)),
        )
    },
    "float16",
)
counts_in_sixteen_bits = _small_engine_fault("counts-in-sixteen-bits", "mean", _counted_short)
indexes_in_sixteen_bits = _small_engine_fault("indexes-in-sixteen-bits", "take", _indexed_short)
last_write_wins = _rule_fault("last-write-wins", "take", {"take": _last_write})
last_window_wins = _rule_fault("last-window-wins", "unfold", {"unfold": _last_window})
mean_for_sum = _rule_fault("mean-for-sum", "sum", {"sum": _mean_for_sum})
others_by_division = _rule_fault("others-by-division", "prod", {"prod": _others_by_division})
detaches_view = _rule_fault("detaches-view", "reshape", dict.fromkeys(VIEWS, _no_gradient))
exponent_without_gradient = _rule_fault(
    "exponent-without-gradient", "pow", {"pow": lambda rule: replace(rule, vjp=rule.vjp[:1])}
)
