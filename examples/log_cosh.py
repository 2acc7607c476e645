"""The logarithm of cosh without overflow, as a custom_vjp of JAX."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy as jnp

import gradlaw
from gradlaw import xp

BUG = bool(os.environ.get("GRADLAW_BUG"))
LOG_2 = 0.6931471805599453


def log_cosh(x: Any) -> Any:
    """The definition."""
    size = xp.abs(x)
    return size + xp.log1p(xp.exp(-2 * size)) - LOG_2


@jax.custom_vjp
def kernel(x: Any) -> Any:
    """The kernel."""
    wide = jnp.abs(x.astype(jnp.float32))
    return (wide + jnp.log1p(jnp.exp(-2 * wide)) - jnp.float32(LOG_2)).astype(x.dtype)


def forward(x: Any) -> Any:
    """Keep x."""
    return kernel(x), x


def backward(x: Any, cotangent: Any) -> Any:
    """The gradient of log cosh is tanh."""
    tanh = jnp.tanh(x.astype(jnp.float32))
    return ((tanh if BUG else cotangent.astype(jnp.float32) * tanh).astype(x.dtype),)


kernel.defvjp(forward, backward)


def by_cosh(x: Any) -> Any:
    """The same function by another formula: its gradient is the tanh that the kernel computes."""
    return xp.log(xp.cosh(x))


def test_log_cosh() -> None:
    """The kernel's gradients are right in three dtypes, also under jit."""
    dtypes = ("float32", "bfloat16", "float16")
    for function in (kernel, jax.jit(kernel)):
        gradlaw.check(log_cosh, function, "x: n", dtype=dtypes, compute="float32", also=(by_cosh,))
