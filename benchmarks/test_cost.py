"""(a) What a certified check costs, beside the engines' own gradients and checkers, on one program of 8 gates.

Run: ``pytest benchmarks/test_cost.py --benchmark-columns=median,iqr,rounds --benchmark-sort=name``
"""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp
import autograd.test_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax.test_util import check_grads as jax_check_grads

from gradlaw_properties import judge
from gradlaw_reference import admissible
from gradlaw_spec import load_primitives, parse_formula

jax.config.update("jax_enable_x64", True)
FORMULA = "maximum(tanh(x * y + z), exp(-x) / (square(y) + 1.5))"
NAMES = ("x", "y", "z")
PROGRAM = parse_formula(FORMULA, NAMES, load_primitives().keys())
DRAW = np.random.Generator(np.random.PCG64(0))
SIZES = (1, 4, 16)


def points(size: int) -> dict[str, Any]:
    return {name: DRAW.normal(size=size) for name in NAMES}


def torch_function(x: Any, y: Any, z: Any) -> Any:
    return torch.maximum(torch.tanh(x * y + z), torch.exp(-x) / (torch.square(y) + 1.5))


def jax_function(x: Any, y: Any, z: Any) -> Any:
    return jnp.maximum(jnp.tanh(x * y + z), jnp.exp(-x) / (jnp.square(y) + 1.5))


def autograd_function(x: Any, y: Any, z: Any) -> Any:
    return anp.maximum(anp.tanh(x * y + z), anp.exp(-x) / (anp.square(y) + 1.5))


@pytest.fixture(params=SIZES, ids=[f"{size} elements" for size in SIZES])
def sized(request: pytest.FixtureRequest, benchmark: Any) -> dict[str, Any]:
    benchmark.group = f"8 gates, {request.param} elements"
    return points(request.param)


def torch_tensors(values: dict[str, Any]) -> list[Any]:
    return [torch.tensor(value, requires_grad=True) for value in values.values()]


def test_0_torch_forward_and_backward(benchmark: Any, sized: dict[str, Any]) -> None:
    g = torch.ones(len(sized["x"]), dtype=torch.float64)

    def run() -> Any:
        inputs = torch_tensors(sized)
        return torch.autograd.grad(torch_function(*inputs), inputs, g)

    benchmark(run)


def test_1_gradlaw_certified_check(benchmark: Any, sized: dict[str, Any]) -> None:
    """The admissible sets of all gradients, and torch's gradients judged against them."""
    inputs = torch_tensors(sized)
    g = np.ones(len(sized["x"]))
    found = [x.numpy() for x in torch.autograd.grad(torch_function(*inputs), inputs, torch.from_numpy(g))]

    def run() -> Any:
        sets = admissible(PROGRAM, sized, (g,), dtype="float64").gradients
        return [judge("gradient", got, allowed, "float64") for got, allowed in zip(found, sets, strict=True)]

    assert not any(outcome.violated for outcome in benchmark(run))


def test_2_gradcheck_fast(benchmark: Any, sized: dict[str, Any]) -> None:
    inputs = torch_tensors(sized)
    assert benchmark(lambda: torch.autograd.gradcheck(torch_function, inputs, fast_mode=True))


def test_3_gradcheck_slow(benchmark: Any, sized: dict[str, Any]) -> None:
    inputs = torch_tensors(sized)
    assert benchmark(lambda: torch.autograd.gradcheck(torch_function, inputs))


def test_4_jax_forward_and_backward(benchmark: Any, sized: dict[str, Any]) -> None:
    inputs = [jnp.asarray(value) for value in sized.values()]
    g = jnp.ones(len(sized["x"]))

    def run() -> Any:
        _, pullback = jax.vjp(jax_function, *inputs)
        return jax.block_until_ready(pullback(g))

    benchmark(run)


def test_5_jax_check_grads(benchmark: Any, sized: dict[str, Any]) -> None:
    inputs = tuple(jnp.asarray(value) for value in sized.values())
    benchmark(lambda: jax_check_grads(jax_function, inputs, order=1, modes=["rev"]))


def test_6_autograd_check_grads(benchmark: Any, sized: dict[str, Any]) -> None:
    inputs = tuple(sized.values())
    benchmark(lambda: autograd.test_util.check_grads(autograd_function, modes=["rev"], order=1)(*inputs))
