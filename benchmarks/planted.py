"""Kernels as people write them in torch, computed in float32 or wider, and the bugs that are planted in them.

Each kernel is a function of a bug's name (empty: none) that returns the function to test; a reference is what a test
compares it with, eager and differentiated by torch, and a definition what gradlaw is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gradlaw import xp

EPS, SCALE, CUBIC, CAP, Z = 1e-5, 0.5, 0.044715, 3.0, 0.01
ROOT = math.sqrt(2 / math.pi)


@dataclass(frozen=True)
class Planted:
    """A kernel with its bugs, and what is compared with it."""

    make: Callable[[str], Callable[..., Any]]
    bugs: tuple[str, ...]
    definition: Callable[..., Any]
    signature: str
    reference: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    labels: int = 0
    """How many classes an integer argument at the end has; 0: there is none."""
    also: tuple[Callable[..., Any], ...] = ()
    accuracies: dict[str, int] = field(default_factory=dict)


def wide(x: Any) -> Any:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def function(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a Function's apply: ``forward(*inputs) -> output, saved``, ``backward(saved, g) -> gradients``."""

    class Kernel(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            output, ctx.saved = forward(*inputs)
            return output

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return backward(ctx.saved, g)

    return Kernel.apply


def rows(array: Any) -> Any:
    return array.reshape(-1, array.shape[-1])


def rms_norm(bug: str) -> Callable[..., Any]:
    def forward(x: Any, w: Any) -> Any:
        inverse = torch.rsqrt((wide(x) ** 2).mean(-1, keepdim=True) + EPS)
        return (wide(x) * inverse * wide(w)).to(x.dtype), (x, w, inverse)

    def backward(saved: Any, g: Any) -> Any:
        x, w, inverse = saved
        if bug == "eps forgotten":
            inverse = torch.rsqrt((wide(x) ** 2).mean(-1, keepdim=True) + 1e-30)
        if bug == "root stored in bfloat16":
            inverse = inverse.bfloat16().to(inverse.dtype)
        normal, inner = wide(x) * inverse, wide(g) * wide(w)
        mean = (inner * normal).mean(-1, keepdim=True)
        if bug == "mean forgotten":
            mean = 0
        terms = rows(normal if bug == "cotangent forgotten in w" else wide(g) * normal)
        of_w = terms.sum(0)
        if bug == "mean in place of sum for w":
            of_w = terms.mean(0)
        if bug == "last row only for w":
            of_w = terms[-1]
        if bug == "w added up in bfloat16":
            of_w = torch.zeros_like(w, dtype=torch.bfloat16)
            for row in terms:
                of_w = of_w + row.bfloat16()
        return (inverse * (inner - normal * mean)).to(x.dtype), of_w.to(w.dtype)

    return function(forward, backward)


def layer_norm(bug: str) -> Callable[..., Any]:
    def forward(x: Any, w: Any, b: Any) -> Any:
        mean = wide(x).mean(-1, keepdim=True)
        centred = wide(x) - mean
        variance = (centred**2).mean(-1, keepdim=True)
        if bug == "variance in one pass":
            variance = (wide(x) ** 2).mean(-1, keepdim=True) - mean**2
        inverse = torch.rsqrt(variance + EPS)
        return (centred * inverse * wide(w) + wide(b)).to(x.dtype), (x.dtype, w, centred * inverse, inverse)

    def backward(saved: Any, g: Any) -> Any:
        dtype, w, normal, inverse = saved
        inner = wide(g) * wide(w)
        mean = 0 if bug == "mean of the cotangent forgotten" else inner.mean(-1, keepdim=True)
        of_x = inverse * (inner - mean - normal * (inner * normal).mean(-1, keepdim=True))
        if bug == "w forgotten":
            of_x = inverse * (wide(g) - wide(g).mean(-1, keepdim=True) - normal * (g * normal).mean(-1, keepdim=True))
        of_w, of_b = rows(wide(g) * normal).sum(0), rows(wide(g)).sum(0)
        if bug == "saved tensor overwritten":
            normal.mul_(wide(g))
        return of_x.to(dtype), of_w.to(dtype), of_b.to(dtype)

    return function(forward, backward)


def gelu(bug: str) -> Callable[..., Any]:
    def forward(x: Any) -> Any:
        tanh = torch.tanh(ROOT * (wide(x) + CUBIC * wide(x) ** 3))
        return (0.5 * wide(x) * (1 + tanh)).to(x.dtype), (x, tanh)

    def backward(saved: Any, g: Any) -> Any:
        x, tanh = saved
        inner = ROOT * (1 if bug == "cubic term forgotten" else 1 + 3 * CUBIC * wide(x) ** 2)
        slope = 0.5 * (1 + tanh) + 0.5 * wide(x) * (1 - tanh**2) * inner
        cotangent = {"cotangent squared": wide(g) ** 2, "absolute cotangent": wide(g).abs()}.get(bug, wide(g))
        if bug == "cotangent overwritten":
            g.mul_(2)
        return (cotangent * slope).to(x.dtype)

    return function(forward, backward)


def swiglu(bug: str) -> Callable[..., Any]:
    def forward(a: Any, b: Any) -> Any:
        return (torch.nn.functional.silu(wide(a)) * wide(b)).to(a.dtype), (a, b)

    def backward(saved: Any, g: Any) -> Any:
        a, b = (wide(one) for one in saved)
        share = torch.sigmoid(a)
        slope = share * (1 + (1 if bug == "factor forgotten" else a) * (1 - share))
        of_b = wide(g) * (share if bug == "sigmoid in place of silu" else a * share)
        return (wide(g) * b * slope).to(g.dtype), of_b.to(g.dtype)

    return function(forward, backward)


def cross_entropy(bug: str) -> Callable[..., Any]:
    def forward(x: Any, labels: Any) -> Any:
        bent = CAP * torch.tanh(wide(x) / CAP)
        total = torch.logsumexp(bent, -1)
        target = torch.full_like(bent, 0.1 / x.shape[-1])
        target[torch.arange(len(x)), labels] += 0.9
        return total - (bent * target).sum(-1) + Z * total**2, (x, bent, total, target, labels)

    def backward(saved: Any, g: Any) -> Any:
        x, bent, total, target, labels = saved
        if bug == "smoothing forgotten":
            target = torch.nn.functional.one_hot(labels, x.shape[-1]).to(bent.dtype)
        share = torch.exp(bent - total[:, None])
        weight = 1 if bug == "z-loss forgotten" else 1 + 2 * Z * total[:, None]
        slope = 1 if bug == "softcap forgotten" else 1 - (bent / CAP) ** 2
        if bug == "last class masked":
            share = share * (torch.arange(x.shape[-1]) < x.shape[-1] - x.shape[-1] % 4 if x.shape[-1] > 4 else 1)
        cotangent = 1 if bug == "cotangent forgotten" else g[:, None]
        return (cotangent * (share * weight - target) * slope).to(x.dtype), None

    return function(forward, backward)


def attention(bug: str) -> Callable[..., Any]:
    def forward(q: Any, k: Any, v: Any) -> Any:
        scores = wide(q) @ wide(k).T * SCALE
        scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -torch.inf)
        total = torch.logsumexp(scores, -1, keepdim=True)
        output = torch.exp(scores - total) @ wide(v)
        if bug == "padding counted":
            total = torch.log(torch.exp(total) + (-len(k) % 4))
        return output.to(q.dtype), (q, k, v, output, total)

    def backward(saved: Any, g: Any) -> Any:
        q, k, v, output, total = (wide(one) for one in saved)
        kept = torch.ones(len(q), len(k), dtype=torch.bool).tril(-1 if bug == "causal mask off by one" else 0)
        weights = torch.exp((q @ k.T * SCALE - total).masked_fill(~kept, -torch.inf))
        delta = (wide(g) * output).sum(-1, keepdim=True)
        if bug == "delta of the first column":
            delta = (wide(g) * output)[:, :1]
        scores = weights * (wide(g) @ v.T - delta)
        of_q = scores @ k * (1 if bug == "scale forgotten in q" else SCALE)
        of_k = scores.T @ q * SCALE
        return tuple(one.to(g.dtype) for one in (of_q, of_k, weights.T @ wide(g)))

    return function(forward, backward)


def linear(bug: str) -> Callable[..., Any]:
    def forward(x: Any, w: Any, b: Any) -> Any:
        return (wide(x) @ wide(w).T + wide(b)).to(x.dtype), (x, w)

    def backward(saved: Any, g: Any) -> Any:
        x, w = saved
        of_w = wide(g).T @ wide(x)
        if bug == "accumulated in bfloat16":
            of_w = torch.zeros_like(w, dtype=torch.bfloat16)
            for row, cotangent in zip(x, g, strict=True):
                of_w = of_w + torch.outer(cotangent, row).bfloat16()
        if bug == "transposed where square" and w.shape[0] == w.shape[1]:
            of_w = of_w.T
        of_b = wide(g).mean(0) if bug == "bias divided by the batch" else wide(g).sum(0)
        return (wide(g) @ wide(w)).to(x.dtype), of_w.to(x.dtype), of_b.to(x.dtype)

    return function(forward, backward)


# --- definitions -----------------------------------------------------------------------------------


def define_rms_norm(x: Any, w: Any) -> Any:
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + EPS) * w


def define_layer_norm(x: Any, w: Any, b: Any) -> Any:
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + EPS) * w + b


def define_gelu(x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(ROOT * (x + CUBIC * x * x * x)))


def define_swiglu(a: Any, b: Any) -> Any:
    return a / (1 + xp.exp(-a)) * b  # torch's silu is 0 below -88, where exp(-a) overflows


def define_swiglu_by_its_share(a: Any, b: Any) -> Any:
    return xp.silu(a) * b


def define_cross_entropy(x: Any, labels: Any) -> Any:
    classes = x.shape[-1]
    target = (np.arange(classes) == labels[:, None]) * 0.9 + 0.1 / classes
    bent = CAP * xp.tanh(x / CAP)
    total = xp.logsumexp(bent, axis=-1)
    return total - xp.sum(bent * target, axis=-1) + Z * total * total


def define_attention(q: Any, k: Any, v: Any) -> Any:
    causal = np.tri(q.shape[0], k.shape[0]) > 0
    scores = xp.where(causal, q @ k.mT * SCALE, -xp.inf)
    return xp.exp(scores - xp.logsumexp(scores, axis=-1, keepdims=True)) @ v


def define_attention_by_softmax(q: Any, k: Any, v: Any) -> Any:
    causal = np.tri(q.shape[0], k.shape[0]) > 0
    return xp.softmax(xp.where(causal, q @ k.mT * SCALE, -xp.inf), axis=-1) @ v


def define_linear(x: Any, w: Any, b: Any) -> Any:
    return x @ w.mT + b


# --- what tests compare with -----------------------------------------------------------------------


def eager_cross_entropy(x: Any, labels: Any) -> Any:
    bent = CAP * torch.tanh(wide(x) / CAP)
    loss = torch.nn.functional.cross_entropy(bent, labels, reduction="none", label_smoothing=0.1)
    return loss + Z * torch.logsumexp(bent, -1) ** 2


def eager_attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ k.T * SCALE
    scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -torch.inf)
    return torch.softmax(scores, -1) @ v


KERNELS: dict[str, Planted] = {
    "rms_norm": Planted(
        rms_norm,
        (
            "eps forgotten",
            "mean forgotten",
            "cotangent forgotten in w",
            "mean in place of sum for w",
            "last row only for w",
            "root stored in bfloat16",
            "w added up in bfloat16",
        ),
        define_rms_norm,
        "x: batch d, w: d",
        lambda x, w: torch.nn.functional.rms_norm(x, x.shape[-1:], w, EPS),
        ((16, 32), (32,)),
    ),
    "layer_norm": Planted(
        layer_norm,
        ("mean of the cotangent forgotten", "w forgotten", "variance in one pass", "saved tensor overwritten"),
        define_layer_norm,
        "x: batch d, w: d, b: d",
        lambda x, w, b: torch.nn.functional.layer_norm(x, x.shape[-1:], w, b, EPS),
        ((16, 32), (32,), (32,)),
    ),
    "gelu": Planted(
        gelu,
        ("cubic term forgotten", "cotangent squared", "absolute cotangent", "cotangent overwritten"),
        define_gelu,
        "x: batch d",
        lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        ((16, 32),),
    ),
    "swiglu": Planted(
        swiglu,
        ("factor forgotten", "sigmoid in place of silu"),
        define_swiglu,
        "a: batch d, b: batch d",
        lambda a, b: torch.nn.functional.silu(a) * b,
        ((16, 32), (16, 32)),
        also=(define_swiglu_by_its_share,),
    ),
    "cross_entropy": Planted(
        cross_entropy,
        ("smoothing forgotten", "z-loss forgotten", "softcap forgotten", "last class masked", "cotangent forgotten"),
        define_cross_entropy,
        "x: batch v, labels: int batch < v",
        eager_cross_entropy,
        ((16, 30),),
        labels=30,
    ),
    "attention": Planted(
        attention,
        ("padding counted", "causal mask off by one", "delta of the first column", "scale forgotten in q"),
        define_attention,
        "q: s d, k: s d, v: s e",
        eager_attention,
        ((18, 8), (18, 8), (18, 8)),
        also=(define_attention_by_softmax,),
    ),
    "linear": Planted(
        linear,
        ("accumulated in bfloat16", "transposed where square", "bias divided by the batch"),
        define_linear,
        "x: batch d, w: e d, b: e",
        torch.nn.functional.linear,
        ((16, 12), (10, 12), (10,)),
    ),
}
