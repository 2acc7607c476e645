"""Flash attention written out: keys come in blocks, the softmax is never stored, only its log-sum-exp is."""

from __future__ import annotations

import os
from typing import Any

import torch

import gradlaw
from gradlaw import xp

BUG = bool(os.environ.get("GRADLAW_BUG"))
SCALE = 0.5
BLOCK = 4


def attention(q: Any, k: Any, v: Any) -> Any:
    """The definition."""
    return xp.softmax(q @ k.mT * SCALE, axis=-1) @ v


def by_logsumexp(q: Any, k: Any, v: Any) -> Any:
    """The same function by the formula that the kernel's backward uses: it has other roundings."""
    scores = q @ k.mT * SCALE
    return xp.exp(scores - xp.logsumexp(scores, axis=-1, keepdims=True)) @ v


class Attention(torch.autograd.Function):
    """The kernel."""

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any) -> Any:
        """Add up block after block, and rescale what was added when a larger score comes."""
        queries, keys, values = (one.float() for one in (q, k, v))
        largest = torch.full((len(q), 1), -torch.inf)
        total, output = torch.zeros(len(q), 1), torch.zeros(len(q), v.shape[-1])
        for start in range(0, len(k), BLOCK):
            scores = queries @ keys[start : start + BLOCK].T * SCALE
            new = torch.maximum(largest, scores.max(-1, keepdim=True).values)
            weights, old = torch.exp(scores - new), torch.exp(largest - new)
            total = total * old + weights.sum(-1, keepdim=True)
            output = output * old + weights @ values[start : start + BLOCK]
            largest = new
        output = output / total
        if BUG:
            total = total + (-len(k) % BLOCK) * torch.exp(-largest)
        ctx.save_for_backward(q, k, v, output, largest + torch.log(total))
        return output.to(q.dtype)

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        """Compute each block's weights again, from the log-sum-exp."""
        q, k, v, output, logsumexp = ctx.saved_tensors
        queries, keys, values, g = (one.float() for one in (q, k, v, cotangent))
        delta = (g * output).sum(-1, keepdim=True)
        of_q, of_k, of_v = torch.zeros_like(queries), torch.zeros_like(keys), torch.zeros_like(values)
        for start in range(0, len(k), BLOCK):
            part = slice(start, start + BLOCK)
            weights = torch.exp(queries @ keys[part].T * SCALE - logsumexp)
            scores = weights * (g @ values[part].T - delta) * SCALE
            of_q += scores @ keys[part]
            of_k[part] += scores.T @ queries
            of_v[part] += weights.T @ g
        return of_q.to(q.dtype), of_k.to(k.dtype), of_v.to(v.dtype)


def test_attention() -> None:
    """The kernel's gradients are right in three dtypes."""
    gradlaw.check(
        attention,
        Attention.apply,
        "q: s d, k: t d, v: t e",
        dtype=("float32", "bfloat16", "float16"),
        compute="float32",
        also=(by_logsumexp,),
    )
