"""Layer norm of a course: forward and backward in NumPy, computed in float32 whatever the dtype of the arrays."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

import gradlaw
from gradlaw import xp

BUG = bool(os.environ.get("GRADLAW_BUG"))
EPS = 1e-5


def layer_norm(x: Any, w: Any, b: Any) -> Any:
    """The definition."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + EPS) * w + b


def forward(x: Any, w: Any, b: Any) -> Any:
    """Return the output, and what backward needs."""
    wide = x.astype(np.float32)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(EPS))
    normal = centred * inverse
    output = normal * w.astype(np.float32) + b.astype(np.float32)
    return output.astype(x.dtype), (normal, inverse, w)


def backward(saved: Any, cotangent: Any) -> Any:
    """Return the gradients of x, w and b."""
    normal, inverse, w = saved
    g = cotangent.astype(np.float32)
    inner = g * w.astype(np.float32)
    mean = 0 if BUG else inner.mean(axis=-1, keepdims=True)
    of_x = inverse * (inner - mean - normal * (inner * normal).mean(axis=-1, keepdims=True))
    return of_x.astype(w.dtype), (g * normal).sum(axis=0).astype(w.dtype), g.sum(axis=0).astype(w.dtype)


def test_layer_norm() -> None:
    """The kernel's gradients are right in three dtypes."""
    dtypes = ("float32", "bfloat16", "float16")
    gradlaw.check(layer_norm, (forward, backward), "x: batch d, w: d, b: d", dtype=dtypes, compute="float32")
