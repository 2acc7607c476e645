"""JAX: ``jax.vjp`` of ``jax.numpy`` functions, run eagerly, with 64 bits enabled.

XLA's code for the CPU takes subnormal operands as zero and flushes subnormal results, so the target declares it.
Measured with jax 0.10.2 on x86-64: ``x + 0``, ``x * 1``, ``x * 4``, sums, products and ``maximum`` of a subnormal x
are 0 in float64, float32 and bfloat16, and the smallest normal number times 0.25 is; ``-x``, ``abs`` and ``where`` keep
x. In float16, which is computed in float32, subnormal numbers stay.
"""

from collections.abc import Callable
from typing import Any, Final

import jax as engine
import jax.numpy as jnp
import numpy as np

from gradlaw.engines.spelling import (
    Block,
    Run,
    Spelling,
    batched_block,
    forward_block,
    functional_block,
    functional_parts,
    reduced_axes,
    second_order_block,
)
from gradlaw.reports.code import operand_text
from gradlaw.targets.functional import functional_target, functions_of
from gradlaw_spec import Step, load_primitives

jax: Any = engine  # its modules are found as it is imported: type checkers see few of them
jax.config.update("jax_enable_x64", True)


def _floats(function: Any) -> Any:
    """Return a function that takes integers as floats: SciPy's functions in JAX differentiate no integer beside x."""
    return lambda *operands: function(*(float(item) if isinstance(item, int) else item for item in operands))


def _scan(function: Any) -> Any:
    """Return a scan of ``jax.lax`` that takes axes counted from the end too."""
    return lambda x, *, axis: function(x, axis % x.ndim)


def _windows(length: int, size: int, step: int | None) -> Any:
    """Return the places of the elements of each window along an axis."""
    return np.arange(0, length - size + 1, step or size)[:, np.newaxis] + np.arange(size)


def _unfold(x: Any, *, axis: Any, size: int, step: int | None) -> Any:
    """Take windows by their places, along one axis after the other: JAX has no function of them."""
    chosen = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for one in [number % x.ndim for number in chosen]:
        x = jnp.moveaxis(jnp.take(x, _windows(x.shape[one], size, step), axis=one), one + 1, -1)
    return x


def _pool(x: Any, axes: int, kernel_size: int, stride: int | None, start: float, join: Any) -> Any:
    """Reduce the windows along the last axes."""
    first = (1,) * (x.ndim - axes)
    steps = (stride or kernel_size,) * axes
    return jax.lax.reduce_window(x, start, join, (*first, *(kernel_size,) * axes), (*first, *steps), "VALID")


def _unfold_text(step: Step, ndim: int) -> str:
    """Write `_unfold` as an expression: the lengths of the axes stay while windows are taken along others."""
    size: Any = step.attributes["size"]
    x = text = operand_text(step.operands[0])
    for one in (number % ndim for number in reduced_axes(step, ndim)):
        starts = f"jnp.arange(0, {x}.shape[{one}] - {size} + 1, {step.attributes['step'] or size})"
        text = f"jnp.moveaxis(jnp.take({text}, {starts}[:, None] + jnp.arange({size}), axis={one}), {one + 1}, -1)"
    return text


def _pool_text(kind: str, axes: int) -> Callable[[Step, int], str]:
    start, join = ("-jnp.inf", "max") if kind == "max" else ("0.0", "add")

    def text(step: Step, ndim: int) -> str:
        x, size = operand_text(step.operands[0]), int(str(step.attributes["kernel_size"]))
        first = (1,) * (ndim - axes)
        window = (*first, *(size,) * axes)
        strides = (*first, *(step.attributes["stride"] or size,) * axes)
        whole = f'jax.lax.reduce_window({x}, {start}, jax.lax.{join}, {window}, {strides}, "VALID")'
        return whole if kind == "max" else f"{whole} / {size**axes}"

    return text


def _conv_text(axes: int) -> Callable[[Step, int], str]:
    def text(step: Step, ndim: int) -> str:
        stride, padding, dilation = (step.attributes[name] for name in ("stride", "padding", "dilation"))
        given = f"{(stride,) * axes}, {[(padding, padding)] * axes}, rhs_dilation={(dilation,) * axes}"
        return f"jax.lax.conv_general_dilated({', '.join(map(operand_text, step.operands))}, {given})"

    return text


def _max_pool(axes: int) -> Any:
    return lambda x, *, kernel_size, stride=None: _pool(x, axes, kernel_size, stride, -jnp.inf, jax.lax.max)


def _avg_pool(axes: int) -> Any:
    return lambda x, *, kernel_size, stride=None: (
        _pool(x, axes, kernel_size, stride, 0.0, jax.lax.add) / kernel_size**axes
    )


def _conv(axes: int) -> Any:
    return lambda x, weight, *, stride=1, padding=0, dilation=1: jax.lax.conv_general_dilated(
        x, weight, (stride,) * axes, [(padding, padding)] * axes, rhs_dilation=(dilation,) * axes
    )


def _places(x: Any, indices: Any, axis: int) -> Any:
    return x.at[(slice(None),) * (axis % x.ndim) + (indices,)]


def _places_text(method: str) -> Any:
    def text(step: Step, ndim: int) -> str:
        x, indices, updates = map(operand_text, step.operands)
        axis: Any = step.attributes["axis"]
        return f"{x}.at[{':, ' * (axis % ndim)}{indices}].{method}({updates})"

    return text


def _scan_text(name: str) -> Any:
    return lambda step, ndim: f"jax.lax.{name}({operand_text(step.operands[0])}, {step.attributes['axis'] % ndim})"


SPECIAL: Final = {
    name: getattr(jax.scipy.special, name)
    for name, page in load_primitives().items()
    if hasattr(jax.scipy.special, name) and not hasattr(jnp, name) and len(page.operands) > 1
}
"""SciPy's functions of several operands."""
PRIMITIVES: Final[dict[str, Any]] = {
    **{
        name: getattr(module, name)
        for module in (jax.scipy.special, jnp.linalg, jax.nn)
        for name in load_primitives()
        if hasattr(module, name) and not hasattr(jnp, name)
    },
    **{name: _floats(function) for name, function in SPECIAL.items()},
    **{f"hard{name}": getattr(jax.nn, f"hard_{name}") for name in ("tanh", "sigmoid", "swish")},
    "softsign": jax.nn.soft_sign,
    "einsum": lambda arrays, *, subscripts: jnp.einsum(subscripts, *arrays),
    "rsqrt": jax.lax.rsqrt,
    "expm": jax.scipy.linalg.expm,
    "ldexp": lambda x, *, n: jnp.ldexp(x, n),
    "polygamma": lambda x, *, n: jax.scipy.special.polygamma(n, x),
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    **{
        name: getattr(jnp.linalg, name)  # those of jax.numpy by the same names take other axes
        for name, page in load_primitives().items()
        if page.level == "linalg" and hasattr(jnp.linalg, name)
    },
    "logabsdet": lambda x: jnp.linalg.slogdet(x)[1],
    "svd": lambda x: tuple(jnp.linalg.svd(x, full_matrices=False)),
    "outer": jnp.vectorize(jnp.outer, signature="(m),(n)->(m,n)"),
    "kron": jnp.vectorize(jnp.kron, signature="(m,n),(p,q)->(r,s)"),
    "astype": lambda x, *, dtype: x.astype(dtype),
    "tile": lambda x, *, repetitions: jnp.tile(x, repetitions),
    "unfold": _unfold,
    **{f"conv{axes}d": _conv(axes) for axes in (1, 2)},
    **{f"max_pool{axes}d": _max_pool(axes) for axes in (1, 2)},
    **{f"avg_pool{axes}d": _avg_pool(axes) for axes in (1, 2)},
    "index_add": lambda x, indices, updates, *, axis: _places(x, indices, axis).add(updates),
    "index_copy": lambda x, indices, updates, *, axis: _places(x, indices, axis).set(updates),
    "index_max": lambda x, indices, updates, *, axis: _places(x, indices, axis).max(updates),
    "quantile": lambda x, *, q, axis, keepdims: jnp.quantile(x, float(q), axis=axis, keepdims=keepdims),
    "top_k": lambda x, *, k: jax.lax.top_k(x, k)[0],
    "cumulative_max": _scan(jax.lax.cummax),
    "cumulative_min": _scan(jax.lax.cummin),
    "cumulative_logsumexp": _scan(jax.lax.cumlogsumexp),
}
"""What has another name than the array API's, or stands elsewhere than in ``jax.numpy``."""


def _batched_vjp(function: Any, primals: tuple[Any, ...], cotangents: Any) -> Any:
    """Map the pullback of one case over a batch."""
    return jax.vmap(lambda given, cotangent: jax.vjp(function, *given)[1](cotangent))(primals, cotangents)


def _block(spelling: Spelling, run: Run) -> Block:
    result, primals = functional_parts(spelling, run)
    if run.tangents:
        return forward_block(spelling, run, result, f"jax.jvp(f, {primals}, t)")
    if run.directions:
        inputs, given = ", ".join(run.program.inputs), "g[0]" if len(run.program.outputs) == 1 else "g"
        pulled = f"jax.vjp(f, {inputs})[1]({given})"
        return second_order_block(spelling, run, result, pulled, f"_, pullback = jax.vjp(pulled, *{primals}, *g)")
    if run.way == "batched":
        return batched_block(spelling, run, result, primals, "jax.vmap(lambda p, g: jax.vjp(f, *p)[1](g))")
    function = "jax.jit(f)" if run.way == "compiled" else "f"
    return functional_block(spelling, run, result, f"value, pullback = jax.vjp({function}, *{primals})")


SPELLING: Final = Spelling(
    imports=("import jax, jax.numpy as jnp", 'jax.config.update("jax_enable_x64", True)'),
    array='jnp.asarray({data}, dtype="{dtype}")',
    empty='jnp.zeros({shape}, dtype="{dtype}")',
    functions=functions_of(PRIMITIVES, jnp),
    modules={
        "jnp": jnp,
        "jnp.linalg": jnp.linalg,
        "jax.nn": jax.nn,
        "jax.lax": jax.lax,
        "jax.scipy.special": jax.scipy.special,
        "jax.scipy.linalg": jax.scipy.linalg,
    },
    block=_block,
    templates={
        **{name: f"jax.scipy.special.{name}({{0}}, {{1}})" for name in SPECIAL},
        **{f"hard{name}": f"jax.nn.hard_{name}({{0}})" for name in ("tanh", "sigmoid", "swish")},
        "unfold": _unfold_text,
        **{f"{kind}_pool{axes}d": _pool_text(kind, axes) for kind in ("max", "avg") for axes in (1, 2)},
        **{f"conv{axes}d": _conv_text(axes) for axes in (1, 2)},
        "einsum": "jnp.einsum({subscripts}, {all})",
        "softsign": "jax.nn.soft_sign({0})",
        "ldexp": "jnp.ldexp({0}, {n})",
        "polygamma": "jax.scipy.special.polygamma({n}, {0})",
        "gelu": "jax.nn.gelu({0}, approximate=False)",
        "svd": "jnp.linalg.svd({0}, full_matrices=False)",
        "logabsdet": "jnp.linalg.slogdet({0})[1]",
        "outer": 'jnp.vectorize(jnp.outer, signature="(m),(n)->(m,n)")({0}, {1})',
        "kron": 'jnp.vectorize(jnp.kron, signature="(m,n),(p,q)->(r,s)")({0}, {1})',
        "astype": "{0}.astype({dtype})",
        "tile": "jnp.tile({0}, {repetitions})",
        "index_add": _places_text("add"),
        "index_copy": _places_text("set"),
        "index_max": _places_text("max"),
        "quantile": "jnp.quantile({0}, float({q}), axis={axis}, keepdims={keepdims})",
        "top_k": "jax.lax.top_k({0}, {k})[0]",
        **{f"cumulative_{name}": _scan_text(f"cum{name}") for name in ("max", "min", "logsumexp")},
    },
)
target = functional_target(
    name="jax",
    version=jax.__version__,
    levels=("scalar", "array", "linalg", "nn", "low-precision"),
    dtypes=("float64", "float32", "float16", "bfloat16"),
    array=jnp.asarray,
    numpy=np.asarray,
    pullback=lambda function, primals: jax.vjp(function, *primals),
    differentiates_pullbacks=True,
    jvp=jax.jvp,
    compile=jax.jit,
    batched_vjp=_batched_vjp,
    namespace=jnp,
    primitives=PRIMITIVES,
    flushes_subnormals=True,
    # XLA's own approximations: 5.55, 6.92 and 3.32 unit roundoffs (benchmarks/accuracy.py); the last two 6.14 and
    # 3.30 where abs(x) < 4 (--within=4), beyond which the known deviation grows.
    accuracies={
        **{"expm1": 6, "tanh": 7, "softplus": 4, "sinh": 8, "cosh": 4},
        **{"erf": 4, "asinh": 4, "acosh": 5, "elu": 6},  # 3.99, 3.11, 4.08 and 4.89
        **{"celu": 6, "selu": 7, "rsqrt": 3},  # 5.79, 6.13 and 2.40
        "det": 4000,  # the exponential of a sum of logarithms, as NumPy's
        **{"erfinv": 52, "i0": 7, "i1": 18},  # 51.12, 6.23 and 17.61
        # above 0, away from the zeros of the first and the last: 36.50, 59.36 of the orders to 12, 58.05
        **{"digamma": 38, "polygamma": 61, "gammaln": 60},
    },
)
