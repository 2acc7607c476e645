"""Liger's Triton kernels, run on a CPU by Triton's interpreter (TRITON_INTERPRET=1), in float32."""

from __future__ import annotations

import math
from typing import Any

import liger_kernel.ops as ops
import numpy as np
import torch
from definitions import cross_entropy, layer_norm, rms_norm, sparsemax
from subjects import Subject, subject

from gradlaw import xp


def mend_the_interpreter() -> None:
    """Let Triton's interpreter pass floats as tensors, as the compiler does, and compute libdevice's functions."""
    import sys

    import triton.language as tl
    from triton.runtime import interpreter

    plain = interpreter._implicit_cvt

    def convert(argument: Any) -> Any:
        if isinstance(argument, float):
            handle = interpreter.TensorHandle(np.array([argument], dtype=np.float32), tl.float32)
            return tl.tensor(handle, tl.float32)
        return plain(argument)

    interpreter._implicit_cvt = convert

    def rsqrt(x: Any) -> Any:
        return 1.0 / tl.sqrt(x)

    def tanh(x: Any) -> Any:
        return 2 / (1 + tl.exp(-2 * x)) - 1

    for name, module in list(sys.modules.items()):
        if name.startswith("liger_kernel.ops"):
            for found, mended in (("rsqrt", rsqrt), ("tanh", tanh)):
                if hasattr(module, found):
                    setattr(module, found, mended)


mend_the_interpreter()
ROOT = math.sqrt(2 / math.pi)
LABELS = "x: batch v, labels: int batch < v"
TWO = "a: batch d, b: batch d"


def triton(name: str, definition: Any, kernel: Any, signature: str, **declared: Any) -> Subject:
    return subject(name, definition, kernel, signature, engine="torch", **{"examples": 12, **declared})


def copied(kernel: Any) -> Any:
    """Return a kernel that is given copies: some of them overwrite what they are given."""
    return lambda *given: kernel(*(one * 1 for one in given))


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(ROOT * (x + 0.044715 * x * x * x)))


def jsd(x: Any, y: Any) -> Any:
    """Both are logarithms; beta is a half, and the mean is over rows."""
    p, q = xp.exp(x), xp.exp(y)
    logarithm = xp.log(0.5 * p + 0.5 * q)
    return xp.sum(0.5 * q * (y - logarithm) + 0.5 * p * (x - logarithm)) / x.shape[0]


def poly_norm(x: Any, w: Any, b: Any) -> Any:
    def normal(u: Any) -> Any:
        return u / xp.sqrt(xp.mean(u * u, axis=-1, keepdims=True) + 1e-6)

    return w[0] * normal(x * x * x) + w[1] * normal(x * x) + w[2] * normal(x) + b


def group_norm(x: Any, w: Any, b: Any) -> Any:
    split = xp.reshape(x, (x.shape[0], 2, -1))
    centred = split - xp.mean(split, axis=-1, keepdims=True)
    normal = centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)
    return xp.reshape(normal, x.shape) * xp.reshape(w, (4, 1)) + xp.reshape(b, (4, 1))


def loss(smoothing: float = 0.0, z: float = 0.0, cap: float | None = None, reduction: str = "mean") -> Any:
    def kernel(x: Any, labels: Any) -> Any:
        return ops.LigerCrossEntropyFunction.apply(x * 1, labels, None, -100, z, smoothing, reduction, cap, False)[0]

    return kernel


def mean_of(definition: Any) -> Any:
    return lambda x, labels: xp.mean(definition(x, labels))


SUBJECTS = [
    triton("silu_mul", lambda a, b: xp.silu(a) * b, ops.LigerSiLUMulFunction.apply, TWO),
    triton("silu_mul of copies", lambda a, b: xp.silu(a) * b, copied(ops.LigerSiLUMulFunction.apply), TWO),
    triton("gelu_mul of copies", lambda a, b: gelu(a) * b, copied(ops.LigerGELUMulFunction.apply), TWO),
    triton("gelu_mul", lambda a, b: gelu(a) * b, ops.LigerGELUMulFunction.apply, TWO),
    triton("relu_squared", lambda x: xp.relu(x) * xp.relu(x), ops.LigerReLUSquaredFunction.apply, "x: batch d"),
    triton(
        "rms_norm",
        rms_norm,
        lambda x, w: ops.LigerRMSNormFunction.apply(x, w, 1e-6, 0.0, "llama", False),
        "x: batch d, w: d",
    ),
    triton(
        "rms_norm of gemma",
        lambda x, w: rms_norm(x, w + 1),
        lambda x, w: ops.LigerRMSNormFunction.apply(x, w, 1e-6, 1.0, "gemma", False),
        "x: batch d, w: d",
    ),
    triton(
        "fused_add_rms_norm",
        lambda x, r, w: (rms_norm(x + r, w), x + r),
        lambda x, r, w: ops.LigerFusedAddRMSNormFunction.apply(x, r, w, 1e-6, 0.0, "llama", False),
        "x: batch d, r: batch d, w: d",
    ),
    triton(
        "layer_norm",
        layer_norm,
        lambda x, w, b: ops.LigerLayerNormFunction.apply(x, w, b, 1e-5),
        "x: batch d, w: d, b: d",
    ),
    triton(
        "group_norm",
        group_norm,
        lambda x, w, b: ops.LigerGroupNormFunction.apply(x, w, b, 4, 2, 1e-5),
        "x: batch 4 d, w: 4, b: 4",
    ),
    triton("softmax", lambda x: xp.softmax(x, axis=-1), ops.LigerSoftmaxFunction.apply, "x: batch d"),
    triton("sparsemax", sparsemax, lambda x: ops.LigerSparsemaxFunction.apply(x, -1), "x: batch d"),
    triton(
        "dyt",
        lambda x, a, w, b: w * xp.tanh(a * x) + b,
        ops.LigerDyTFunction.apply,
        "x: batch d, a: 1, w: d, b: d",
    ),
    triton(
        "poly_norm",
        poly_norm,
        lambda x, w, b: ops.LigerPolyNormFunction.apply(x, w, b.reshape(()), 1e-6, False),
        "x: batch d, w: 3, b: 1",
    ),
    triton(
        "kl_div",
        lambda x, y: xp.sum(y * (xp.log(y) - x)) / x.shape[0],
        lambda x, y: ops.LigerKLDivLossFunction.apply(x, y, "batchmean", False, 1e-10),
        "x: batch d, y: batch d",
        wrt="x",
        domain={"y": "[0.01, 1]"},
    ),
    triton(
        "kl_div unreduced",
        lambda x, y: y * (xp.log(y) - x),
        lambda x, y: ops.LigerKLDivLossFunction.apply(x, y, "none", False, 1e-10),
        "x: batch d, y: batch d",
        wrt="x",
        domain={"y": "[0.01, 1]"},
    ),
    triton(
        "jsd",
        jsd,
        lambda x, y: ops.LigerJSDFunction.apply(x * 1, y, None, 0.5),
        "x: batch d, y: batch d",
        wrt="x",
        domain={"x": "[-8, 0]", "y": "[-8, 0]"},
    ),
    triton(
        "tvd",
        lambda x, y: 0.5 * xp.sum(xp.abs(x - y)) / x.shape[0],
        lambda x, y: ops.LigerTVDLossFunction.apply(x, y, None, "batchmean"),
        "x: batch d, y: batch d",
        wrt="x",
        domain={"x": "[0, 1]", "y": "[0, 1]"},
    ),
    triton(
        "tvd unreduced",
        lambda x, y: 0.5 * xp.abs(x - y),
        lambda x, y: ops.LigerTVDLossFunction.apply(x, y, None, "none"),
        "x: batch d, y: batch d",
        wrt="x",
        domain={"x": "[0, 1]", "y": "[0, 1]"},
    ),
    triton("cross_entropy", mean_of(cross_entropy()), loss(), LABELS),
    triton("cross_entropy smoothed", mean_of(cross_entropy(0.1)), loss(0.1), LABELS),
    triton("cross_entropy with z-loss", mean_of(cross_entropy(0.0, 0.01)), loss(0.0, 0.01), LABELS),
    triton("cross_entropy capped", mean_of(cross_entropy(0.1, 0.01, 3.0)), loss(0.1, 0.01, 3.0), LABELS),
    triton("cross_entropy unreduced", cross_entropy(0.1), loss(0.1, reduction="none"), LABELS),
]
torch.set_num_threads(1)
