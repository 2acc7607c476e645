"""PyTorch: ``torch.autograd.grad`` of tensors on the CPU; Python's operators where torch has them.

``torch.prod`` takes one axis, so several are taken one after the other; ``torch.maximum`` and ``minimum`` take tensors
only, so a Python number is made one. Slices with a negative step are refused by torch, and so unsupported. Subnormal
numbers are kept in all four dtypes (measured with torch 2.13.0; ``torch.set_flush_denormal`` is off).
"""

from __future__ import annotations

import operator
from typing import Any

import ml_dtypes
import numpy as np
import torch as engine

from gradlaw.targets.functional import functional_target
from gradlaw_spec import Array

torch: Any = engine  # its functions are made as it is imported: type checkers see few of them
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def _tensor(array: Array) -> Any:
    """Return a tensor on the array's own memory; torch takes no read-only arrays and no negative strides."""
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    if array.dtype == BFLOAT16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _numpy(tensor: Any) -> Array:
    plain = tensor.detach()
    if plain.dtype == torch.bfloat16:
        return np.asarray(plain.contiguous().view(torch.int16).numpy().view(BFLOAT16))
    return np.asarray(plain.numpy())


def _pullback(function: Any, primals: tuple[Any, ...]) -> tuple[Any, Any]:
    variables = tuple(primal.requires_grad_() for primal in primals)
    output = function(*variables)
    outputs = output if isinstance(output, tuple) else (output,)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        cotangents = cotangent if isinstance(output, tuple) else (cotangent,)
        recorded = [(one, given) for one, given in zip(outputs, cotangents, strict=True) if one.requires_grad]
        if not recorded:
            return (None,) * len(primals)
        ends, starts = zip(*recorded, strict=True)
        gradients: tuple[Any, ...] = torch.autograd.grad(ends, variables, starts, retain_graph=True, allow_unused=True)
        return gradients

    return output, pull


def _like(number: Any, tensor: Any) -> Any:
    """Return a Python number as a 0-d tensor, for functions that take tensors only."""
    return number if isinstance(number, torch.Tensor) else torch.tensor(number, dtype=tensor.dtype)


def _both(function: Any) -> Any:
    def call(x1: Any, x2: Any) -> Any:
        return function(_like(x1, x2), _like(x2, x1))

    return call


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def _prod(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Multiply axis by axis: torch.prod takes one."""
    axes = sorted((number % x.ndim for number in _axes(x, axis)), reverse=True)
    for number in axes:
        x = torch.prod(x, dim=number, keepdim=keepdims)
    return x if axes else torch.prod(x)


def _take(x: Any, indices: Any, *, axis: int) -> Any:
    return torch.index_select(x, axis, indices)


target = functional_target(
    name="torch",
    version=torch.__version__.partition("+")[0],
    levels=("scalar", "array", "linalg", "nn", "low-precision"),
    dtypes=("float64", "float32", "float16", "bfloat16"),
    array=_tensor,
    numpy=_numpy,
    pullback=_pullback,
    primitives={
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": operator.truediv,
        "negative": torch.negative,
        "pow": operator.pow,
        "abs": torch.abs,
        "square": torch.square,
        "sqrt": torch.sqrt,
        "reciprocal": torch.reciprocal,
        "exp": torch.exp,
        "expm1": torch.expm1,
        "log": torch.log,
        "log1p": torch.log1p,
        "sin": torch.sin,
        "cos": torch.cos,
        "tan": torch.tan,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "relu": torch.relu,
        "softplus": torch.nn.functional.softplus,
        "maximum": _both(torch.maximum),
        "minimum": _both(torch.minimum),
        "where": torch.where,
        "clip": lambda x, *, min=None, max=None: torch.clip(x, min=min, max=max),
        "sum": lambda x, *, axis=None, keepdims=False: torch.sum(x, dim=axis, keepdim=keepdims),
        "mean": lambda x, *, axis=None, keepdims=False: torch.mean(x, dim=axis, keepdim=keepdims),
        "prod": _prod,
        "max": lambda x, *, axis=None, keepdims=False: torch.amax(x, dim=_axes(x, axis), keepdim=keepdims),
        "min": lambda x, *, axis=None, keepdims=False: torch.amin(x, dim=_axes(x, axis), keepdim=keepdims),
        "logsumexp": lambda x, *, axis=None, keepdims=False: torch.logsumexp(x, dim=_axes(x, axis), keepdim=keepdims),
        "softmax": lambda x, *, axis: torch.softmax(x, dim=axis),
        "matmul": torch.matmul,
        "matrix_transpose": lambda x: x.mT,
        "permute_dims": lambda x, *, axes: torch.permute(x, axes),
        "reshape": lambda x, *, shape: torch.reshape(x, shape),
        "broadcast_to": lambda x, *, shape: torch.broadcast_to(x, shape),
        "expand_dims": lambda x, *, axis: torch.unsqueeze(x, axis),
        "concat": lambda arrays, *, axis: torch.concat(arrays, dim=axis),
        "stack": lambda arrays, *, axis: torch.stack(arrays, dim=axis),
        "getitem": operator.getitem,
        "take": _take,
    },
)
