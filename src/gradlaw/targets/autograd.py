"""HIPS autograd: ``autograd.make_vjp`` of ``autograd.numpy`` functions (and ``autograd.scipy`` where SciPy is there).

autograd gives each name of NumPy a gradient by that name; it knows NumPy's own names (``power``, ``concatenate``),
not their aliases of the Python array API. It keeps float16, float32 and float64, where SciPy's functions do; bfloat16
arrays come through, but 0-d ones are refused ("Can't differentiate w.r.t. type bfloat16"), so it is not claimed.
NumPy keeps subnormal numbers.
"""

from __future__ import annotations

import operator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import autograd.builtins
import autograd.numpy as np
import numpy
from autograd.differential_operators import make_vjp

from gradlaw.targets.functional import functional_target


def _pullback(function: Any, primals: tuple[Any, ...]) -> tuple[Any, Any]:
    def wrapped(*inputs: Any) -> Any:
        output = function(*inputs)
        return autograd.builtins.tuple(output) if isinstance(output, tuple) else output

    pull, output = make_vjp(wrapped, argnum=tuple(range(len(primals))))(*primals)
    return output, pull


def _take(x: Any, indices: Any, *, axis: int) -> Any:
    """Pick by integers in one axis; np.take has no gradient in autograd, indexing has."""
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]


PRIMITIVES: dict[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negative": np.negative,
    "pow": np.power,
    "abs": np.abs,
    "square": np.square,
    "sqrt": np.sqrt,
    "reciprocal": np.reciprocal,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0, x),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": np.where,
    "clip": lambda x, *, min=None, max=None: np.clip(x, min, max),
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "matmul": np.matmul,
    "matrix_transpose": lambda x: np.swapaxes(x, -1, -2),
    "permute_dims": lambda x, *, axes: np.transpose(x, axes),
    "reshape": lambda x, *, shape: np.reshape(x, shape),
    "broadcast_to": lambda x, *, shape: np.broadcast_to(x, shape),
    "expand_dims": np.expand_dims,
    "concat": lambda arrays, *, axis: np.concatenate(arrays, axis=axis),
    "stack": np.stack,
    "getitem": operator.getitem,
    "take": _take,
}
if find_spec("scipy") is not None:
    from autograd.scipy.special import expit, logsumexp

    PRIMITIVES |= {"sigmoid": expit, "logsumexp": logsumexp}

target = functional_target(
    name="autograd",
    version=version("autograd"),
    levels=("scalar", "array", "linalg", "nn", "low-precision"),
    dtypes=("float64", "float32", "float16"),
    array=lambda array: array,
    numpy=numpy.asarray,
    pullback=_pullback,
    primitives=PRIMITIVES,
)
