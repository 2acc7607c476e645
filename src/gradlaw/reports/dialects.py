"""Dialects: how each built-in engine writes a primitive, an array and a pullback, in its own code.

A template has ``{0}``, ``{1}`` for operands, ``{all}`` for all of them, ``{axis}``, ``{keepdims}``, ``{shape}`` … for
attributes, ``{axes}`` for the axes of a reduction,
``{axes_order}`` for those of a permutation, and ``{t0}``, ``{t1}`` for operands that must be arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gradlaw.reports.code import array_text, attribute_text, index_text, operand_text
from gradlaw_spec import Array, Step

Template = str | Callable[[Step, int], str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """An engine's code: import lines, arrays (``{data}``, ``{dtype}``, ``{shape}``) and primitives.

    ``extras`` are import lines for a script that has their name in it.
    """

    imports: tuple[str, ...]
    array: str
    empty: str
    primitives: Mapping[str, Template]
    extras: Mapping[str, str] = field(default_factory=dict)

    def literal(self, array: Array) -> str:
        """Return an array in the engine's code."""
        chosen = self.empty if array.size == 0 else self.array
        return chosen.format(data=array_text(array), dtype=array.dtype.name, shape=array.shape)

    def call(self, step: Step, dtype: str, ndim: int) -> str:
        """Return a step's expression; ``ndim`` is that of its first operand."""
        template = self.primitives[step.primitive]
        if callable(template):
            return template(step, ndim)
        operands = [operand_text(operand) for operand in step.operands]
        texts: dict[str, str] = {name: attribute_text(value) for name, value in step.attributes.items()}
        texts["all"] = ", ".join(operands)
        texts["axes_order"] = texts.get("axes", "")
        texts["axes"] = repr(reduced_axes(step, ndim))
        for position, (text, operand) in enumerate(zip(operands, step.operands, strict=True)):
            whole = isinstance(operand, str)
            texts[f"t{position}"] = text if whole else self.array.format(data=text, dtype=dtype, shape=())
        if step.primitive == "getitem":
            index: Any = step.attributes["index"]
            texts["index"] = index_text(index)
        return template.format(*operands, **texts)


def reduced_axes(step: Step, ndim: int) -> tuple[int, ...]:
    """Return the axes that a step reduces, all of them where it names none."""
    axis: Any = step.attributes.get("axis")
    return tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def _torch_prod(step: Step, ndim: int) -> str:
    text = operand_text(step.operands[0])
    axes = sorted((axis % ndim for axis in reduced_axes(step, ndim)), reverse=True) if ndim else []
    if not axes:
        return f"torch.prod({text})"
    for axis in axes:
        text = f"torch.prod({text}, dim={axis}, keepdim={step.attributes.get('keepdims', False)})"
    return text


def _autograd_take(step: Step, ndim: int) -> str:
    axis: Any = step.attributes["axis"]
    return f"{step.operands[0]}[{':, ' * (axis % ndim)}{step.operands[1]}]"


OPERATORS: Final[dict[str, Template]] = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "pow": "{0} ** {1}",
    "negative": "-{0}",
}
UNARY: Final = ("abs", "square", "sqrt", "reciprocal", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh")
REDUCTIONS: Final = ("sum", "mean", "prod", "max", "min")
TORCH: Final = Dialect(
    imports=("import torch",),
    array="torch.tensor({data}, dtype=torch.{dtype})",
    empty="torch.zeros({shape}, dtype=torch.{dtype})",
    primitives={
        **OPERATORS,
        **{name: f"torch.{name}({{0}})" for name in (*UNARY, "negative", "sigmoid", "relu")},
        **{name: f"torch.{name}({{0}}, dim={{axis}}, keepdim={{keepdims}})" for name in ("sum", "mean")},
        "softplus": "torch.nn.functional.softplus({0})",
        "maximum": "torch.maximum({t0}, {t1})",
        "minimum": "torch.minimum({t0}, {t1})",
        "where": "torch.where({0}, {1}, {2})",
        "clip": "torch.clip({0}, min={min}, max={max})",
        "prod": _torch_prod,
        "max": "torch.amax({0}, dim={axes}, keepdim={keepdims})",
        "min": "torch.amin({0}, dim={axes}, keepdim={keepdims})",
        "logsumexp": "torch.logsumexp({0}, dim={axes}, keepdim={keepdims})",
        "softmax": "torch.softmax({0}, dim={axis})",
        "matmul": "torch.matmul({0}, {1})",
        "matrix_transpose": "{0}.mT",
        "permute_dims": "torch.permute({0}, {axes_order})",
        "reshape": "torch.reshape({0}, {shape})",
        "broadcast_to": "torch.broadcast_to({0}, {shape})",
        "expand_dims": "torch.unsqueeze({0}, {axis})",
        "concat": "torch.concat([{all}], dim={axis})",
        "stack": "torch.stack([{all}], dim={axis})",
        "getitem": "{0}[{index}]",
        "take": "torch.index_select({0}, {axis}, {1})",
    },
)
JAX: Final = Dialect(
    imports=("import jax, jax.numpy as jnp", 'jax.config.update("jax_enable_x64", True)'),
    array='jnp.asarray({data}, dtype="{dtype}")',
    empty='jnp.zeros({shape}, dtype="{dtype}")',
    primitives={
        **{name: f"jnp.{name}({{0}})" for name in (*UNARY, "negative", "matrix_transpose")},
        **{name: f"jnp.{name}({{0}}, {{1}})" for name in ("add", "subtract", "multiply", "divide", "pow")},
        **{name: f"jnp.{name}({{0}}, {{1}})" for name in ("maximum", "minimum", "matmul")},
        **{name: f"jnp.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}})" for name in REDUCTIONS},
        **{name: f"jnp.{name}([{{all}}], axis={{axis}})" for name in ("concat", "stack")},
        **{name: f"jax.nn.{name}({{0}})" for name in ("sigmoid", "relu", "softplus")},
        "where": "jnp.where({0}, {1}, {2})",
        "clip": "jnp.clip({0}, min={min}, max={max})",
        "softmax": "jax.nn.softmax({0}, axis={axis})",
        "logsumexp": "jax.scipy.special.logsumexp({0}, axis={axis}, keepdims={keepdims})",
        "permute_dims": "jnp.permute_dims({0}, {axes_order})",
        "reshape": "jnp.reshape({0}, {shape})",
        "broadcast_to": "jnp.broadcast_to({0}, {shape})",
        "expand_dims": "jnp.expand_dims({0}, {axis})",
        "getitem": "{0}[{index}]",
        "take": "jnp.take({0}, {1}, axis={axis})",
    },
)
AUTOGRAD: Final = Dialect(
    imports=("import autograd.numpy as np", "from autograd import make_vjp"),
    extras={"special.": "from autograd.scipy import special", "builtins.": "from autograd import builtins"},
    array='np.array({data}, dtype="{dtype}")',
    empty='np.zeros({shape}, dtype="{dtype}")',
    primitives={
        **{name: f"np.{name}({{0}})" for name in (*UNARY, "negative")},
        **{name: f"np.{name}({{0}}, {{1}})" for name in ("add", "subtract", "multiply", "divide")},
        **{name: f"np.{name}({{0}}, {{1}})" for name in ("maximum", "minimum", "matmul")},
        **{name: f"np.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}})" for name in REDUCTIONS},
        "pow": "np.power({0}, {1})",
        "sigmoid": "special.expit({0})",
        "softplus": "np.logaddexp(0, {0})",
        "where": "np.where({0}, {1}, {2})",
        "clip": "np.clip({0}, {min}, {max})",
        "logsumexp": "special.logsumexp({0}, axis={axis}, keepdims={keepdims})",
        "matrix_transpose": "np.swapaxes({0}, -1, -2)",
        "permute_dims": "np.transpose({0}, {axes_order})",
        "reshape": "np.reshape({0}, {shape})",
        "broadcast_to": "np.broadcast_to({0}, {shape})",
        "expand_dims": "np.expand_dims({0}, {axis})",
        "concat": "np.concatenate([{all}], axis={axis})",
        "stack": "np.stack([{all}], axis={axis})",
        "getitem": "{0}[{index}]",
        "take": _autograd_take,
    },
)
MICROGRAD: Final = Dialect(
    imports=("from micrograd.engine import Value",),
    array="Value({data})",
    empty="Value({data})",
    primitives={**OPERATORS, "relu": "{0}.relu()"},
)
