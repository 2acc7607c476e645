"""Seconds of a certified check of rms_norm in float32, by its elements: in arrays, and one by one.

Run: ``python benchmarks/vectors.py [SIZE …]``. Everything runs in one process; torch's own forward and backward stands
beside it. One by one it is not run above 10,000 elements.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from unittest import mock

import numpy as np
import torch

import gradlaw
from gradlaw import xp

SIZES = (100, 1_000, 10_000, 100_000)
LENGTH = 100
NEVER = 2**62


def definition(x, w):
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * w


def measure(size: int) -> tuple[float, float]:
    """Return the seconds of torch's forward and backward, and those of the check."""
    draw = np.random.Generator(np.random.PCG64(0))
    x, g = (draw.normal(size=(size // LENGTH, LENGTH)).astype(np.float32) for _ in range(2))
    w = draw.normal(size=LENGTH).astype(np.float32)
    begin = time.perf_counter()
    tensors = {name: torch.tensor(given, requires_grad=True) for name, given in (("x", x), ("w", w))}
    value = _forward(**tensors)
    value.backward(torch.tensor(g))
    middle = time.perf_counter()
    gradients = {name: tensor.grad for name, tensor in tensors.items()}
    gradlaw.assert_gradient(definition, value, gradients, {"x": x, "w": w}, g)
    return middle - begin, time.perf_counter() - middle


def _forward(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * w


def one_by_one(size: int) -> float:
    """Return the seconds of the check without arrays."""
    places = ("gradlaw_reference.arithmetic.rounding.MANY", "gradlaw_properties.judge.MANY")
    with ExitStack() as patches:
        for place in places:
            module, _, name = place.rpartition(".")
            patches.enter_context(mock.patch.object(sys.modules[module], name, NEVER))
        return measure(size)[1]


if __name__ == "__main__":
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    measure(LENGTH)
    print("| elements | torch, seconds | in arrays | one by one | µs an element |\n|---|---|---|---|---|", flush=True)
    for number in sizes:
        own, together = measure(number)
        alone = f"{one_by_one(number):.3g}" if number <= 10_000 else ""
        print(f"| {number:,} | {own:.3g} | {together:.3g} | {alone} | {together / number * 1e6:.3g} |", flush=True)
