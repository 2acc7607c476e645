"""Softmax cross entropy with label smoothing, as an autograd Function of torch: a float32 loss of any logits."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import gradlaw
from gradlaw import xp

BUG = bool(os.environ.get("GRADLAW_BUG"))


def cross_entropy(logits: Any, labels: Any, smoothing: float) -> Any:
    """The definition: labels are integers, so their one-hot rows are plain NumPy."""
    classes = logits.shape[-1]
    target = (np.arange(classes) == labels[:, None]) * (1 - smoothing) + smoothing / classes
    return -xp.sum(target * xp.log_softmax(logits, axis=-1), axis=-1)


class CrossEntropy(torch.autograd.Function):
    """The kernel."""

    @staticmethod
    def forward(ctx: Any, logits: Any, labels: Any, smoothing: float) -> Any:
        """Return a loss a row, and keep the gradient that a cotangent of one would have."""
        logarithms = torch.log_softmax(logits.float(), -1)
        target = torch.full_like(logarithms, smoothing / logits.shape[-1])
        target[torch.arange(len(labels)), labels] += 1 - smoothing
        one_hot = torch.nn.functional.one_hot(labels, logits.shape[-1])
        ctx.save_for_backward(logarithms.exp() - (one_hot if BUG else target))
        ctx.dtype = logits.dtype
        return -(target * logarithms).sum(-1)

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        """Scale what forward kept."""
        (gradient,) = ctx.saved_tensors
        return (cotangent[:, None] * gradient).to(ctx.dtype), None, None


def kernel(logits: Any, labels: Any, smoothing: float) -> Any:
    """The kernel, with its option by name."""
    return CrossEntropy.apply(logits, labels, smoothing)


def test_cross_entropy() -> None:
    """The kernel's gradients are right in three dtypes, with and without smoothing."""
    gradlaw.check(
        cross_entropy,
        kernel,
        "logits: batch v, labels: int batch < v",
        dtype=("float32", "bfloat16", "float16"),
        compute="float32",
        options={"smoothing": st.sampled_from([0.0, 0.1])},
    )
