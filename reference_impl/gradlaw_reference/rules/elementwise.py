"""Elementwise primitives: one line each, cotangent times local gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gradlaw_reference.arithmetic import Arithmetic, Data
from gradlaw_reference.engine import Array, apply
from gradlaw_reference.rules.table import data_rule, elementwise, function, raw


def call(name: str, *operands: Any, **attributes: Any) -> Array:
    """Apply a primitive by name."""
    return apply(name, operands, attributes)


def share(first: Any, second: Any) -> Array:
    """How much of the cotangent goes to the first of two: 1, 0, or at a tie what the kink allows."""
    return call("share", first, second)


def route(g: Array, part: Array) -> Array:
    """Send a part of the cotangent on: all, nothing, or a share at a kink; nothing is rounded."""
    return call("route", g, part)


def at_kink(x: Any, above: Array, below: Array) -> Array:
    """Return one gradient where x is positive, another where it is not, and at 0 what lies between them."""
    return call("blend", share(x, 0), above, below)


def _pow_exponent(g: Array, value: Array, x1: Array, x2: Array) -> Array:
    """At a zero base and a positive exponent the power is 0, and does not move with its exponent.

    Up to the exponent 1, that ends with a jump beside the point.
    """
    still = ((raw(x1) == 0) & (raw(x2) > 0)).astype(bool)
    base = call("where", still, 1, x1)
    return call("settled", still & (raw(x2) <= 1).astype(bool), g * (value * call("log", base)))


def _pow_base(g: Array, value: Array, x1: Array, x2: Array) -> Array:
    """At a zero base, the power of exponent 0 is constant."""
    if isinstance(x2, int | float):  # a constant exponent stays one
        return g * (x2 * call("pow", x1, x2 - 1)) if x2 else g * 0
    constant = ((raw(x1) == 0) & (raw(x2) == 0)).astype(bool)
    exponent = call("where", constant, 1, x2)
    return call("settled", constant, g * (x2 * call("pow", x1, exponent - 1)))


elementwise("add", lambda g, value, x1, x2: g, lambda g, value, x1, x2: g)
elementwise("subtract", lambda g, value, x1, x2: g, lambda g, value, x1, x2: -g)
elementwise("multiply", lambda g, value, x1, x2: g * x2, lambda g, value, x1, x2: g * x1)
elementwise("divide", lambda g, value, x1, x2: g / x2, lambda g, value, x1, x2: -(g * x1) / (x2 * x2))
elementwise("negative", lambda g, value, x: -g)
elementwise("pow", _pow_base, _pow_exponent)
elementwise("square", lambda g, value, x: g * (2 * x))
elementwise("sqrt", lambda g, value, x: g / (2 * value))
elementwise("rsqrt", lambda g, value, x: g * (-0.5 * (value / x)))
elementwise("cbrt", lambda g, value, x: g / (3 * (value * value)))
elementwise("reciprocal", lambda g, value, x: -g * (value * value))
elementwise("exp", lambda g, value, x: g * value)
elementwise("expm1", lambda g, value, x: g * (value + 1))
elementwise("log", lambda g, value, x: g / x)
elementwise("log1p", lambda g, value, x: g / (1 + x))
elementwise("sin", lambda g, value, x: g * call("cos", x))
elementwise("cos", lambda g, value, x: -g * call("sin", x))
elementwise("tan", lambda g, value, x: g * (1 + value * value))
elementwise("sinh", lambda g, value, x: g * call("cosh", x))
elementwise("cosh", lambda g, value, x: g * call("sinh", x))
elementwise("tanh", lambda g, value, x: g * (1 - value * value))
elementwise(
    "atan2",
    lambda g, value, x1, x2: g * (x2 / (x1 * x1 + x2 * x2)),
    lambda g, value, x1, x2: g * (-x1 / (x1 * x1 + x2 * x2)),
)
elementwise("asin", lambda g, value, x: g / call("sqrt", 1 - x * x))
elementwise("acos", lambda g, value, x: -g / call("sqrt", 1 - x * x))
elementwise("atan", lambda g, value, x: g / (1 + x * x))
elementwise("asinh", lambda g, value, x: g / call("sqrt", x * x + 1))
elementwise("acosh", lambda g, value, x: g / call("sqrt", x * x - 1))
elementwise("atanh", lambda g, value, x: g / (1 - x * x))
elementwise("erf", lambda g, value, x: g * (call("exp", -(x * x)) * (2 / call("sqrt", 4 * call("atan", 1)))))
elementwise("erfc", lambda g, value, x: -g * (call("exp", -(x * x)) * (2 / call("sqrt", 4 * call("atan", 1)))))
elementwise("erfinv", lambda g, value, x: g * (call("exp", value * value) * (call("sqrt", 4 * call("atan", 1)) / 2)))
elementwise("i0", lambda g, value, x: g * call("i1", x))
elementwise("digamma", lambda g, value, x: g * call("polygamma", x, n=1))
elementwise("polygamma", lambda g, value, x, n: g * call("polygamma", x, n=n + 1))
elementwise("gammaln", lambda g, value, x: g * call("digamma", x))
elementwise("ldexp", lambda g, value, x, n: g * 2**n)
elementwise("exp2", lambda g, value, x: g * (value * call("log", 2)))
elementwise("log2", lambda g, value, x: g / (x * call("log", 2)))
elementwise("log10", lambda g, value, x: g / (x * call("log", 10)))
elementwise("hypot", lambda g, value, x1, x2: g * (x1 / value), lambda g, value, x1, x2: g * (x2 / value))
elementwise("elu", lambda g, value, x: g * call("exp", call("minimum", x, 0)))
elementwise("celu", lambda g, value, x, alpha: g * call("exp", call("minimum", x, 0) / alpha))
elementwise("sigmoid", lambda g, value, x: g * (value * (1 - value)))
elementwise("softplus", lambda g, value, x: g * call("sigmoid", x))

elementwise(
    "selu",
    lambda g, value, x: at_kink(
        x,
        g * 1.0507009873554805,
        g * (1.0507009873554805 * (1.6732632423543772 * call("exp", call("minimum", x, 0)))),
    ),
)
elementwise("leaky_relu", lambda g, value, x, negative_slope: at_kink(x, g, g * negative_slope))
elementwise("abs", lambda g, value, x: route(g, call("balance", x)))
elementwise(
    "maximum", lambda g, value, x1, x2: route(g, share(x1, x2)), lambda g, value, x1, x2: route(g, share(x2, x1))
)
elementwise(
    "minimum", lambda g, value, x1, x2: route(g, share(x2, x1)), lambda g, value, x1, x2: route(g, share(x1, x2))
)


def _relu(used: Arithmetic, x: Data) -> Data:
    return used.elementary("maximum", x, used.asarray(0))


def _logaddexp(used: Arithmetic, x1: Data, x2: Data) -> Data:
    """The careful formula, step by step: no library rounds it as one, and near 0 its two terms cancel."""
    distance = used.elementary("abs", used.elementary("subtract", x1, x2))
    rest = used.elementary("log1p", used.elementary("exp", used.elementary("negative", distance)))
    return used.elementary("add", used.elementary("maximum", x1, x2), rest)


def _xlogy(used: Arithmetic, x1: Data, x2: Data) -> Data:
    """The product of the two, and 0 where the first factor is, whatever the second is."""
    product = used.elementary("multiply", x1, used.elementary("log", x2))
    return np.where(x1 == 0, used.asarray(0), product)


def _xlogy_second(g: Array, value: Array, x1: Array, x2: Array) -> Array:
    """Where the first factor is 0 the value does not move with the second, where that is 0 or negative too."""
    still = ((raw(x1) == 0) & (raw(x2) <= 0)).astype(bool)
    return call("settled", still, g * (x1 / call("where", still, 1, x2)))


def _xlog1py(used: Arithmetic, x1: Data, x2: Data) -> Data:
    """The product of the two, and 0 where the first factor is, whatever the second is."""
    product = used.elementary("multiply", x1, used.elementary("log1p", x2))
    return np.where(x1 == 0, used.asarray(0), product)


def _xlog1py_second(g: Array, value: Array, x1: Array, x2: Array) -> Array:
    """Where the first factor is 0 the value does not move with the second, where that is -1 or less too."""
    still = ((raw(x1) == 0) & (raw(x2) <= -1)).astype(bool)
    return call("settled", still, g * (x1 / call("where", still, 1, 1 + x2)))


def _log_ndtr(used: Arithmetic, x: Data) -> Data:
    """Above 0 step by step, as engines compute it: far out, the rounded quotient changes the tail."""
    quotient = used.elementary("divide", x, used.elementary("sqrt", used.constant(2)))
    tail = used.elementary("multiply", used.constant(-0.5), used.elementary("erfc", quotient))
    above = (x > 0).astype(bool)
    below = used.elementary("log_ndtr", np.where(above, used.asarray(0), x))
    return np.where(above, used.elementary("log1p", tail), below)


def _log_ndtr_vjp(g: Array, value: Array, x: Array) -> Array:
    return g * (call("exp", -(x * x) / 2 - value) / call("sqrt", 8 * call("atan", 1)))


def _sinc(used: Arithmetic, x: Data) -> Data:
    """The quotient step by step, as engines compute it: no library rounds the function as one."""
    still = x == 0
    pi = used.elementary("multiply", used.constant(4), used.elementary("atan", used.constant(1)))
    angle = used.elementary("multiply", pi, np.where(still, used.asarray(1), x))
    return np.where(still, used.asarray(1), used.elementary("divide", used.elementary("sin", angle), angle))


def _sinc_vjp(g: Array, value: Array, x: Array) -> Array:
    """The slope is 0 at 0, where the quotient has no number, and falls there by a third of pi squared."""
    still = (raw(x) == 0).astype(bool)
    pi = 4 * call("atan", 1)
    beyond = g * ((call("cos", pi * x) - value) / call("where", still, 1, x))
    return call("where", still, g * (-(pi * pi / 3) * x), beyond)


def _i1_vjp(g: Array, value: Array, x: Array) -> Array:
    """The quotient tends to one half at 0, where it has no number."""
    still = (raw(x) == 0).astype(bool)
    quotient = value / call("where", still, 1, x)
    return call("where", still, 0.5 * g, g * (call("i0", x) - quotient))


def _jumps(x1: Any, x2: Any) -> Data:
    """Return where the first of two numbers is not known to be the larger, nor the smaller: a jump is there."""
    part = share(x1, x2).data
    return np.asarray(~np.asarray(part == 0, dtype=bool) & ~np.asarray(part == 1, dtype=bool))


def _between_jumps(g: Array, met: Data) -> Array:
    """Return 0, and anything at a jump."""
    return call("opened", met, 0 * g)


def _trunc_jumps(value: Array, x: Array) -> Data:
    """Truncation jumps at all integers but 0."""
    around_zero = np.asarray(raw(value) == 0, dtype=bool)
    return np.asarray(_jumps(call("abs", x), call("abs", value)) & ~around_zero)


def _clip(used: Arithmetic, x: Data, *, min: float | None, max: float | None) -> Data:
    if min is not None:
        x = used.elementary("maximum", x, used.constant(min))
    return x if max is None else used.elementary("minimum", x, used.constant(max))


def _clip_vjp(g: Array, value: Array, x: Array, *, min: float | None, max: float | None) -> Array:
    parts = [] if min is None else [share(x, min)]
    if max is not None:
        parts.append(share(max, x))
    if not parts:
        return g
    # The smaller share, not the product of the two, so that equal bounds allow [0, 1] and nothing below.
    return route(g, parts[0] if len(parts) == 1 else call("minimum", *parts))


def _where(used: Arithmetic, condition: Data, x1: Data, x2: Data) -> Data:
    return np.where(condition.astype(bool), x1, x2)


def _selected(g: Array, condition: Any, *, first: bool) -> Array:
    return call("where", condition, g, 0) if first else call("where", condition, 0, g)


data_rule("astype", lambda used, x, dtype: used.cast(x, dtype), lambda g, value, x, dtype: call("cast_back", g, x))
data_rule("relu", _relu, lambda g, value, x: route(g, share(x, 0)))
data_rule(
    "logaddexp",
    _logaddexp,
    lambda g, value, x1, x2: g * call("exp", x1 - value),
    lambda g, value, x1, x2: g * call("exp", x2 - value),
)
data_rule("xlogy", _xlogy, lambda g, value, x1, x2: g * call("log", x2), _xlogy_second, elementwise=True)
data_rule("xlog1py", _xlog1py, lambda g, value, x1, x2: g * call("log1p", x2), _xlog1py_second, elementwise=True)
data_rule("log_ndtr", _log_ndtr, _log_ndtr_vjp, elementwise=True)
for _name, _met in (
    ("sign", lambda value, x: _jumps(x, 0)),
    ("floor", lambda value, x: _jumps(x, value)),
    ("ceil", lambda value, x: _jumps(x, value)),
    ("trunc", _trunc_jumps),
    ("round", lambda value, x: _jumps(call("abs", x - value), 0.5)),
):
    elementwise(_name, partial(lambda g, value, x, met: _between_jumps(g, met(value, x)), met=_met))
data_rule("sinc", _sinc, _sinc_vjp, elementwise=True)
elementwise("i1", _i1_vjp)
data_rule("clip", _clip, _clip_vjp)
data_rule(
    "where",
    _where,
    lambda g, value, condition, x1, x2: 0 * g,
    lambda g, value, condition, x1, x2: _selected(g, condition, first=True),
    lambda g, value, condition, x1, x2: _selected(g, condition, first=False),
)


def _settled(used: Arithmetic, condition: Data, x: Data) -> Data:
    return np.where(condition.astype(bool), used.asarray(0), x)


def _settled_vjp(g: Array, value: Array, condition: Any, x: Array) -> Array:
    """What a definition settles at a point says nothing of the gradient there: it may be anything."""
    return call("opened", condition, call("where", condition, 0, g))


def _exactly_signed(share: Data) -> Data:
    return share + share - 1


# Steps that rules are made of.
function("cast_back", lambda x, like: call("astype", x, dtype=like.dtype))
data_rule("share", lambda used, x1, x2: used.share(x1, x2))
data_rule("balance", lambda used, x: _exactly_signed(used.share(x, used.asarray(0))))
data_rule(
    "opened",
    lambda used, condition, share: used.opened(share, condition.astype(bool)),
    lambda g, value, condition, share: 0 * g,
    lambda g, value, condition, share: g,
)
data_rule("settled", _settled, lambda g, value, condition, x: 0 * g, _settled_vjp)
data_rule(
    "blend",
    lambda used, part, x1, x2: used.blend(part, x1, x2),
    lambda g, value, part, x1, x2: g * (x1 - x2),
    lambda g, value, part, x1, x2: route(g, part),
    lambda g, value, part, x1, x2: route(g, 1 - part),
)
data_rule(
    "route",
    lambda used, g, part: used.route(g, part),
    lambda g, value, x, part: route(g, part),
    lambda g, value, x, part: g * x,
)
