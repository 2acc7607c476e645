"""geomloss, torchdiffeq and torchao: more functions of torch with backward passes of their own."""

from __future__ import annotations

from typing import Any

import geomloss
import torch
import torchdiffeq
from geomloss._legacy.kernel_samples import double_grad
from subjects import Subject, subject
from torchao.quantization.quant_primitives import _Round

from gradlaw import xp


def torch_function(name: str, definition: Any, kernel: Any, signature: str = "x: batch d", **declared: Any) -> Subject:
    return subject(name, definition, kernel, signature, engine="torch", **declared)


def euler(x: Any) -> Any:
    for _ in range(4):
        x = x + 0.25 * xp.sin(x)
    return x


def middle(x: Any) -> Any:
    for _ in range(2):
        half = x + 0.25 * xp.sin(x)
        x = x + 0.5 * xp.sin(half)
    return x


def by_torchdiffeq(method: str, steps: int) -> Any:
    times = torch.linspace(0.0, 1.0, steps + 1)
    return lambda x: torchdiffeq.odeint(lambda time, state: torch.sin(state), x, times, method=method)[-1]


def squared(x: Any, y: Any) -> Any:
    return xp.sum((xp.expand_dims(x, axis=1) - xp.expand_dims(y, axis=0)) ** 2, axis=-1)


def gaussian(x: Any, y: Any) -> Any:
    def mean(a: Any, b: Any) -> Any:
        return xp.mean(xp.exp(-0.5 * squared(a, b)))

    return 0.5 * mean(x, x) + 0.5 * mean(y, y) - mean(x, y)


SUBJECTS = [
    torch_function("torchdiffeq.euler", euler, by_torchdiffeq("euler", 4)),
    torch_function("torchdiffeq.midpoint", middle, by_torchdiffeq("midpoint", 2)),
    torch_function("geomloss.double_grad", lambda x: 2 * x - xp.stop_gradient(x), double_grad),
    torch_function(
        "geomloss.gaussian",
        gaussian,
        geomloss.SamplesLoss("gaussian", blur=1.0, backend="tensorized"),
        "x: a d, y: b d",
        domain={"x": "[0, 2]", "y": "[0, 2]"},
    ),
    torch_function(
        "torchao.round",
        lambda x: x - xp.stop_gradient(x) + x.data.round(),
        lambda x: _Round.apply(x),
    ),
]
