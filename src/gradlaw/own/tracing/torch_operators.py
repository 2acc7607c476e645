"""What torch's operations are in the law book's primitives, where the names differ or several steps are needed.

An operation that has the name of an elementwise primitive is that primitive; one that is not here is run as torch
writes it with others (its decomposition).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gradlaw.own import xp
from gradlaw_spec import load_primitives

Rule = Callable[[Any], Any]
LOWERED: Final[dict[str, Rule]] = {}
"""The rule of each operation: it takes the operation, and returns what its results stand for."""
MOVING: Final = """
view _unsafe_view reshape _reshape_alias expand permute t transpose squeeze unsqueeze select slice narrow index
index_select gather cat stack flip roll unfold diagonal repeat clone alias lift_fresh contiguous tril triu
constant_pad_nd split split_with_sizes unbind chunk select_scatter slice_scatter diagonal_scatter copy index_put scatter
embedding movedim repeat_interleave as_strided lift_fresh_copy diag_embed rot90 where masked_fill fill pixel_shuffle
im2col take masked_select index_fill view_copy zero
"""
PARTS_MOVE: Final = (
    "broadcast_in_dim transpose squeeze view_of collapse_view split_dim slice cat rev reshape as_strided clone"
)
MOVED: Final = frozenset(f"aten.{name}" for name in MOVING.split()) | {f"prims.{name}" for name in PARTS_MOVE.split()}
"""Operations that move elements, and compute nothing: where each comes from is seen by running them."""
MAKING: Final = """
ones_like zeros_like full_like empty_like rand_like randn_like new_ones new_zeros new_full new_empty new_empty_strided
"""
MADE: Final = frozenset(f"aten.{name}" for name in MAKING.split())
"""Operations that take the shape of a tensor, and no element."""
WHOLE: Final = """
_softmax _log_softmax _safe_softmax logsumexp gelu silu sigmoid tanh softplus elu native_layer_norm native_group_norm
rsqrt mean var std linalg_vector_norm log_sigmoid_forward addmm baddbmm lerp addcmul addcdiv pow
"""
ONE_GO: Final = frozenset(f"aten.{name}" for name in WHOLE.split())
"""Operations that torch computes in float32 inside, where their tensors are bfloat16 or float16, and rounds once."""


def lowers(*names: str) -> Callable[[Rule], Rule]:
    """Say of which operations a function is the rule."""

    def decorate(rule: Rule) -> Rule:
        LOWERED.update(dict.fromkeys(names, rule))
        return rule

    return decorate


def _scaled(value: Any, factor: Any) -> Any:
    return value if factor == 1 else value * factor


@lowers("aten.add")
def _add(operation: Any) -> Any:
    first, second = operation.arguments[:2]
    return first + _scaled(second, operation.argument(2, "alpha", 1))


@lowers("aten.sub")
def _subtract(operation: Any) -> Any:
    first, second = operation.arguments[:2]
    return first - _scaled(second, operation.argument(2, "alpha", 1))


@lowers("aten.rsub")
def _subtract_from(operation: Any) -> Any:
    return operation.arguments[1] - operation.arguments[0]


@lowers("aten.mul")
def _multiply(operation: Any) -> Any:
    return operation.arguments[0] * operation.arguments[1]


@lowers("aten.div")
def _divide(operation: Any) -> Any:
    return operation.arguments[0] / operation.arguments[1]


@lowers("aten.neg")
def _negate(operation: Any) -> Any:
    return -operation.arguments[0]


@lowers("aten.rsqrt")
def _inverse_root(operation: Any) -> Any:
    return 1 / xp.sqrt(operation.arguments[0])


@lowers("aten.pow")
def _power(operation: Any) -> Any:
    base, exponent = operation.arguments[:2]
    return base * base if isinstance(exponent, int | float) and exponent == 2 else base**exponent


@lowers("aten.mm", "aten.bmm", "aten.matmul", "aten.mv", "aten.dot")
def _product(operation: Any) -> Any:
    return operation.arguments[0] @ operation.arguments[1]


@lowers("aten.addmm", "aten.baddbmm")
def _added_product(operation: Any) -> Any:
    """Return a product whose sums begin with what is added: one term more each."""
    start, first, second = operation.arguments[:3]
    beta, alpha = operation.named.get("beta", 1), operation.named.get("alpha", 1)
    if beta == alpha == 1 and len(start.shape) == 1 and len(first.shape) == 2:
        ones = np.ones((first.shape[0], 1))
        row = xp.reshape(start, (1, start.shape[0])) if hasattr(start, "record") else start[None]
        return xp.concat([first, ones], axis=1) @ xp.concat([second, row], axis=0)
    return _scaled(start, beta) + _scaled(first @ second, alpha)


@lowers("aten.addcmul")
def _added_multiple(operation: Any) -> Any:
    start, first, second = operation.arguments[:3]
    return start + _scaled(first * second, operation.argument(3, "value", 1))


@lowers("aten.addcdiv")
def _added_quotient(operation: Any) -> Any:
    start, first, second = operation.arguments[:3]
    return start + _scaled(first / second, operation.argument(3, "value", 1))


@lowers("aten.lerp")
def _between(operation: Any) -> Any:
    first, second, weight = operation.arguments[:3]
    return first + weight * (second - first)


def _axes(value: Any) -> Any:
    if value is None or (isinstance(value, list | tuple) and not value):
        return None
    return tuple(value) if isinstance(value, list | tuple) else value


def _reduced(function: Callable[..., Any]) -> Rule:
    def rule(operation: Any) -> Any:
        axes, kept = _axes(operation.argument(1, "dim")), operation.argument(2, "keepdim", False)
        return function(operation.arguments[0], axis=axes, keepdims=bool(kept))

    return rule


LOWERED["aten.sum"] = _reduced(xp.sum)
LOWERED["aten.mean"] = _reduced(xp.mean)
LOWERED["aten.prod"] = _reduced(xp.prod)
LOWERED["aten.logsumexp"] = _reduced(xp.logsumexp)
LOWERED["aten.amax"] = _reduced(xp.max)
LOWERED["aten.amin"] = _reduced(xp.min)


@lowers("aten.max", "aten.min")
def _extreme(operation: Any) -> Any:
    """Return the largest, or that and its place (which stays torch's); of two tensors, the larger elements."""
    which = operation.name.removeprefix("aten.")
    if len(operation.arguments) > 1 and not isinstance(operation.arguments[1], int):
        return getattr(xp, f"{which}imum")(*operation.arguments[:2])
    found = _reduced(getattr(xp, which))(operation)
    return (found, None) if isinstance(operation.out, tuple) else found


@lowers("aten.var", "aten.std")
def _variance(operation: Any) -> Any:
    function = xp.std if operation.name.endswith("std") else xp.var
    axes, given = _axes(operation.argument(1, "dim")), operation.named.get("correction")
    kept = bool(operation.named.get("keepdim", False))
    return function(operation.arguments[0], axis=axes, correction=1 if given is None else given, keepdims=kept)


@lowers("aten.linalg_vector_norm")
def _norm(operation: Any) -> Any:
    x, order = operation.arguments[0], operation.argument(1, "ord", 2)
    axes, kept = _axes(operation.argument(2, "dim")), bool(operation.argument(3, "keepdim", False))
    (known,) = (item.choices for item in load_primitives()["vector_norm"].attributes if item.name == "ord")
    if order in known:
        return xp.vector_norm(x, axis=axes, keepdims=kept, ord=order)
    return xp.sum(xp.abs(x) ** order, axis=axes, keepdims=kept) ** (1 / order)


@lowers("aten._softmax", "aten._log_softmax")
def _shares(operation: Any) -> Any:
    function = xp.log_softmax if "log" in operation.name else xp.softmax
    return function(operation.arguments[0], axis=operation.arguments[1])


@lowers("aten._safe_softmax")
def _safe_shares(operation: Any) -> Any:
    x, axis = operation.arguments[:2]
    masked = np.all(np.asarray(x.data) == -np.inf, axis=axis, keepdims=True)
    shares = xp.softmax(xp.where(masked, 0.0, x), axis=axis)
    return xp.where(masked, 0.0, shares) if masked.any() else shares


@lowers("aten.native_layer_norm")
def _layer_norm(operation: Any) -> Any:
    x, shape, weight, bias, eps = operation.arguments[:5]
    axes = tuple(range(-len(shape), 0))
    mean = xp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    inverse = 1 / xp.sqrt(xp.mean(centred * centred, axis=axes, keepdims=True) + eps)
    out = centred * inverse
    out = out if weight is None else out * weight
    return (out if bias is None else out + bias), mean, inverse


@lowers("aten.gelu")
def _gelu(operation: Any) -> Any:
    x = operation.arguments[0]
    if operation.named.get("approximate", "none") == "none":
        return x * 0.5 * (1 + xp.erf(x * math.sqrt(0.5)))
    return 0.5 * x * (1 + xp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


@lowers("aten.clamp", "aten.clamp_min", "aten.clamp_max")
def _clamped(operation: Any) -> Any:
    x, above = operation.arguments[0], operation.name.endswith("max")
    lower = None if above else operation.argument(1, "min")
    upper = operation.argument(1 if above else 2, "max")
    x = x if lower is None else xp.maximum(x, lower)
    return x if upper is None else xp.minimum(x, upper)


@lowers("aten.leaky_relu")
def _leaky(operation: Any) -> Any:
    x, slope = operation.arguments[0], operation.argument(1, "negative_slope", 0.01)
    return xp.maximum(x, 0) + slope * xp.minimum(x, 0)


@lowers("aten.elu")
def _elu(operation: Any) -> Any:
    x, alpha, scale, inner = (*operation.arguments, *(1, 1, 1, 1)[len(operation.arguments) :])[:4]
    if (alpha, scale, inner) == (1, 1, 1):
        return xp.elu(x)
    return scale * (xp.maximum(x, 0) + alpha * xp.expm1(inner * xp.minimum(x, 0)))


@lowers("aten.hardtanh")
def _hard(operation: Any) -> Any:
    return xp.clip(
        operation.arguments[0], operation.argument(1, "min_val", -1.0), operation.argument(2, "max_val", 1.0)
    )


@lowers("aten.softplus")
def _softplus(operation: Any) -> Any:
    x, beta = operation.arguments[0], operation.argument(1, "beta", 1)
    return xp.softplus(x) if beta == 1 else xp.softplus(x * beta) / beta


@lowers("aten.log_sigmoid_forward")
def _log_sigmoid(operation: Any) -> Any:
    return xp.log_sigmoid(operation.arguments[0]), None


@lowers("aten.nll_loss_forward")
def _picked(operation: Any) -> Any:
    x, target, weight, reduction, ignored = operation.arguments[:5]
    rows = x if len(x.shape) == 2 else xp.reshape(x, (1, x.shape[0]))
    labels = np.atleast_1d(target)
    kept = labels != ignored
    safe = np.where(kept, labels, 0)
    scale = kept * (np.ones(x.shape[-1]) if weight is None else np.asarray(weight))[safe]
    losses = -rows[np.arange(len(labels)), safe] * scale
    if reduction == 0:
        return (losses if len(x.shape) == 2 else losses[0]), None
    total = xp.sum(losses)
    return (total / float(scale.sum()) if reduction == 1 else total), None


def _left(loss: Any, reduction: int) -> Any:
    return loss if reduction == 0 else xp.mean(loss) if reduction == 1 else xp.sum(loss)


@lowers("aten.huber_loss", "aten.smooth_l1_loss")
def _rounded_off(operation: Any) -> Any:
    """Return half of the square up to a size, and what continues it in a line from there."""
    first, second = operation.arguments[:2]
    size, near = xp.abs(first - second), operation.argument(3, "beta", operation.named.get("delta", 1.0))
    bent = xp.minimum(size, near)
    loss = 0.5 * bent * (2 * size - bent)
    loss = loss / near if operation.name.endswith("smooth_l1_loss") and near != 1 else loss
    return _left(loss, operation.argument(2, "reduction", 1))


def windows(x: Any, kernel: Any, out: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Any, Any]:
    """Return what windows over the last axes see, zeros outside (kernel, output), and whether each is inside."""
    before, lengths = x.shape[: -len(kernel)], x.shape[-len(kernel) :]
    places, inside = _patches(lengths, kernel, out, stride, padding, dilation)
    flat = xp.reshape(x, (*before, math.prod(lengths)))
    taken = xp.reshape(xp.take(flat, places.ravel(), axis=-1), (*before, *places.shape))
    return taken if inside.all() else xp.where(inside, taken, 0.0), inside


def _patches(lengths: Any, kernel: Any, out: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Any, Any]:
    """Return the flat place of each element of each patch (kernel, output), and whether it is inside of the image."""
    places, inside = np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=bool)
    for length, width, ends, step, pad, hop in zip(lengths, kernel, out, stride, padding, dilation, strict=True):
        along = np.arange(width)[:, None] * hop + np.arange(ends)[None] * step - pad
        fits = (along >= 0) & (along < length)
        shape = (len(places) * width, places.shape[1] * ends)
        places = (places[:, None, :, None] * length + np.where(fits, along, 0)[None, :, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & fits[None, :, None, :]).reshape(shape)
    return places, inside


@lowers("aten.native_group_norm")
def _group_norm(operation: Any) -> Any:
    x, weight, bias, _, channels, _, groups, eps = operation.arguments
    split = xp.reshape(x, (x.shape[0], groups, -1))
    mean = xp.mean(split, axis=-1, keepdims=True)
    centred = split - mean
    inverse = 1 / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + eps)
    out = xp.reshape(centred * inverse, x.shape)
    ends = (1,) * (len(x.shape) - 2)
    out = out if weight is None else out * xp.reshape(weight, (channels, *ends))
    return (out if bias is None else out + xp.reshape(bias, (channels, *ends))), mean, inverse


@lowers("aten.convolution")
def _convolution(operation: Any) -> Any:
    """Return a convolution as a product with the patches, which are taken by their places."""
    x, weight, bias, stride, padding, dilation, transposed, _, groups = operation.arguments
    if transposed:
        raise NotImplementedError("a transposed convolution")
    seen, inside = windows(x, weight.shape[2:], operation.out.shape[2:], stride, padding, dilation)
    size, kernel = x.shape[1] // groups, inside.shape[0]
    parts = []
    for group in range(groups):
        rows = seen[:, group * size : (group + 1) * size]
        rows = xp.reshape(rows, (x.shape[0], size * kernel, inside.shape[1]))
        own = weight.shape[0] // groups
        parts.append(xp.reshape(weight[group * own : (group + 1) * own], (own, size * kernel)) @ rows)
    out = parts[0] if groups == 1 else xp.concat(parts, axis=1)
    out = xp.reshape(out, tuple(operation.out.shape))
    ends = (1,) * (len(x.shape) - 2)
    return out if bias is None else out + xp.reshape(bias, (weight.shape[0], *ends))
