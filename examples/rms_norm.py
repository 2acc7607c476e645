"""RMS norm as a Triton kernel, run by Triton's interpreter: it needs no GPU, and is right in float32 alone."""

from __future__ import annotations

import os
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"  # before triton is imported

import torch
import triton
import triton.language as tl

import gradlaw
from gradlaw import xp

BUG = bool(os.environ.get("GRADLAW_BUG"))
EPS = 1e-6


def rms_norm(x: Any, w: Any) -> Any:
    """The definition."""
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + EPS) * w


@triton.jit
def forward(x: Any, w: Any, y: Any, inverses: Any, width: Any, block: tl.constexpr, eps: tl.constexpr) -> None:
    """Normalise a row."""
    row, columns = tl.program_id(0), tl.arange(0, block)
    inside = columns < width
    values = tl.load(x + row * width + columns, mask=inside, other=0.0)
    inverse = 1 / tl.sqrt(tl.sum(values * values) / width + eps)
    tl.store(inverses + row, inverse)
    weights = tl.load(w + columns, mask=inside, other=0.0)
    tl.store(y + row * width + columns, values * inverse * weights, mask=inside)


@triton.jit
def backward(
    x: Any, w: Any, inverses: Any, g: Any, of_x: Any, of_w: Any, width: Any, block: tl.constexpr, bug: tl.constexpr
) -> None:
    """Give the gradient of a row, and its share of the gradient of w."""
    row, columns = tl.program_id(0), tl.arange(0, block)
    inside = columns < width
    values = tl.load(x + row * width + columns, mask=inside, other=0.0)
    cotangent = tl.load(g + row * width + columns, mask=inside, other=0.0)
    weights = tl.load(w + columns, mask=inside, other=0.0)
    inverse = tl.load(inverses + row)
    normal, inner = values * inverse, cotangent * weights
    mean = tl.sum(inner * normal) / (block if bug else width)
    tl.store(of_x + row * width + columns, inverse * (inner - normal * mean), mask=inside)
    tl.store(of_w + row * width + columns, cotangent * normal, mask=inside)


class RmsNorm(torch.autograd.Function):
    """The kernel."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        """Run a program for each row."""
        if x.dtype != torch.float32:
            raise NotImplementedError("Triton's interpreter computes bfloat16 on bit patterns")
        x, w = x.contiguous(), w.contiguous()
        y, inverses = torch.empty_like(x), torch.empty(len(x))
        block = triton.next_power_of_2(x.shape[1])
        forward[(len(x),)](x, w, y, inverses, x.shape[1], block, EPS)
        ctx.save_for_backward(x, w, inverses)
        return y

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        """Run a program for each row; the shares of w are summed at the end."""
        x, w, inverses = ctx.saved_tensors
        of_x, of_w, g = torch.empty_like(x), torch.empty_like(x), cotangent.contiguous()
        block = triton.next_power_of_2(x.shape[1])
        backward[(len(x),)](x, w, inverses, g, of_x, of_w, x.shape[1], block, BUG)
        return of_x, of_w.sum(0)


def test_rms_norm() -> None:
    """The kernel's gradients are right in float32, at rows that do not fill their block too."""
    gradlaw.check(rms_norm, RmsNorm.apply, "x: batch d, w: d", engine="torch")
