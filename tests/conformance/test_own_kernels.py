"""Kernels of torch and jax under `gradlaw.check`: clean ones pass in three dtypes, planted bugs are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import gradlaw
from gradlaw import xp

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
DTYPES = ("float32", "bfloat16", "float16")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cross_entropy(x: Any, labels: Any, smoothing: float = 0.0) -> Any:
    classes = x.shape[-1]
    target = np.where(np.arange(classes) == labels[:, None], 1 - smoothing, 0.0) + smoothing / classes
    return -xp.sum(xp.log_softmax(x, axis=-1) * target, axis=-1)


class CrossEntropy(torch.autograd.Function):
    without_smoothing = False

    @staticmethod
    def forward(ctx: Any, x: Any, labels: Any, smoothing: float) -> Any:
        logarithms = torch.log_softmax(x.float(), -1)
        target = torch.full_like(logarithms, smoothing / x.shape[-1])
        target.scatter_(1, labels[:, None], 1 - smoothing + smoothing / x.shape[-1])
        ctx.save_for_backward(logarithms, target, labels)
        ctx.dtype = x.dtype
        return -(logarithms * target).sum(-1)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        logarithms, target, labels = ctx.saved_tensors
        if CrossEntropy.without_smoothing:
            target = torch.nn.functional.one_hot(labels, target.shape[-1]).float()
        return (g[:, None] * (logarithms.exp() - target)).to(ctx.dtype), None, None


def cross_entropy_kernel(x: Any, labels: Any, smoothing: float = 0.0) -> Any:
    return CrossEntropy.apply(x, labels, smoothing)


class Doubled(torch.autograd.Function):
    """Gives its own cotangent back, doubled in place: wrong where the cotangent is used elsewhere too."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g.mul_(2)


@jax.custom_vjp
def logsumexp(x: Any) -> Any:
    return jax.nn.logsumexp(x.astype("float32"), axis=-1).astype(x.dtype)


def logsumexp_forward(x: Any) -> Any:
    wide = x.astype("float32")
    y = jax.nn.logsumexp(wide, axis=-1)
    return y.astype(x.dtype), (wide, y, x[..., :0])


def logsumexp_backward(saved: Any, g: Any) -> Any:
    x, y, like = saved
    return ((g.astype("float32")[..., None] * jax.numpy.exp(x - y[..., None])).astype(like.dtype),)


logsumexp.defvjp(logsumexp_forward, logsumexp_backward)
OPTIONS = {"smoothing": st.sampled_from([0.0, 0.1])}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("definition", "kernel", "signature", "options"),
    [
        (cross_entropy, cross_entropy_kernel, "x: batch v, labels: int batch < v", OPTIONS),
        (lambda x: xp.logsumexp(x, axis=-1), logsumexp, "x: batch d", {}),
        (lambda x: xp.logsumexp(x, axis=-1), jax.jit(logsumexp), "x: batch d", {}),
        (lambda x: 2 * x, lambda x: x * 2, "x: batch d", {}),
    ],
    ids=["cross entropy", "custom_vjp", "jit", "autograd"],
)
def test_clean_kernels_are_not_blamed(definition: Any, kernel: Any, signature: str, options: Any, dtype: str) -> None:
    result = gradlaw.check(definition, kernel, signature, dtype=dtype, compute="float32", options=options)
    assert result.undecided < result.points / 20


@pytest.mark.parametrize("dtype", DTYPES)
def test_label_smoothing_that_backward_forgets(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrossEntropy, "without_smoothing", True)
    signature = "x: batch v, labels: int batch < v"
    with pytest.raises(gradlaw.Violation, match=r"smoothing = 0\.1") as caught:
        gradlaw.check(cross_entropy, cross_entropy_kernel, signature, dtype=dtype, compute="float32", options=OPTIONS)
    assert "kernel = runpy.run_path(" in str(caught.value)


def test_a_cotangent_that_is_overwritten() -> None:
    with pytest.raises(gradlaw.Violation, match="/purity@float32"):
        gradlaw.check(lambda x: 2 * x, Doubled.apply, "x: d")


def test_64_bits_of_jax_stay_as_the_user_has_them() -> None:
    before = jax.config.jax_enable_x64
    gradlaw.check(lambda x: xp.logsumexp(x, axis=-1), jax.nn.logsumexp, "x: d", dtype="float64", engine="jax")
    assert jax.config.jax_enable_x64 == before
