"""GELU in its tanh form, as an autograd Function of torch that computes in float32."""

from __future__ import annotations

import math
import os
from typing import Any

import torch

import gradlaw
from gradlaw import xp

BUG = bool(os.environ.get("GRADLAW_BUG"))
SCALE, CUBIC = math.sqrt(2 / math.pi), 0.044715


def gelu(x: Any) -> Any:
    """The definition."""
    return 0.5 * x * (1 + xp.tanh(SCALE * (x + CUBIC * x * x * x)))


class Gelu(torch.autograd.Function):
    """The kernel."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        """Keep x alone; the tanh is computed again in backward."""
        ctx.save_for_backward(x)
        wide = x.float()
        return (0.5 * wide * (1 + torch.tanh(SCALE * (wide + CUBIC * wide**3)))).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        """Differentiate the product."""
        (x,) = ctx.saved_tensors
        wide = x.float()
        tanh = torch.tanh(SCALE * (wide + CUBIC * wide**3))
        inner = SCALE * (1 if BUG else 1 + 3 * CUBIC * wide**2)
        return (cotangent.float() * (0.5 * (1 + tanh) + 0.5 * wide * (1 - tanh**2) * inner)).to(x.dtype)


def test_gelu() -> None:
    """The kernel's gradients are right in three dtypes."""
    gradlaw.check(gelu, Gelu.apply, "x: batch d", dtype=("float32", "bfloat16", "float16"), compute="float32")
