"""`gradlaw.trace`: references in torch and JAX as definitions, judged by the library's own gradient of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradlaw
from gradlaw import SpecError, xp
from gradlaw.own.traced import Tracing, traced

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
functional = torch.nn.functional
jnp = jax.numpy
MATRIX = "x: b d"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def program_of(reference: Any, *arrays: Any, compute: str | None = None) -> Tracing:
    names = [f"x{place}" for place in range(len(arrays))]
    real = tuple(name for name, array in zip(names, arrays, strict=True) if array.dtype.kind not in "iu")
    return traced(gradlaw.trace(reference), dict(zip(names, arrays, strict=True)), real, compute=compute)


def torch_rms_norm(x: Any, w: Any) -> Any:
    wide = x.float()
    return w * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def torch_softmax(x: Any) -> Any:
    exponentials = torch.exp(x - x.max(-1, keepdim=True).values.detach())
    return exponentials / exponentials.sum(-1, keepdim=True)


def torch_overwrites(x: Any) -> Any:
    y = x.clone()
    y[..., 0] += x[..., -1] * 2
    y.mul_(3)
    return torch.where(x > 0, y, x * 0.5)


def torch_rotates(x: Any) -> Any:
    first, second = x.chunk(2, -1)
    return torch.cat([-second, first], -1)


def torch_attention(q: Any, k: Any, v: Any) -> Any:
    return functional.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]


def torch_masks(x: Any) -> Any:
    causal = torch.ones_like(x, dtype=torch.bool).tril()
    return torch.softmax(x.masked_fill(~causal, -torch.inf), -1)


def torch_cross_entropy(x: Any, labels: Any) -> Any:
    return functional.cross_entropy(x, labels, label_smoothing=0.1)


def torch_overwrites_a_constant(x: Any) -> Any:
    rest = torch.ones_like(x)
    rest -= x * x
    scale = torch.full_like(x, 2.0)
    found = rest + scale
    scale += 1
    return found


def scattered(x: Any) -> Any:
    return torch.ones_like(x).scatter_add(1, torch.tensor([[0, 0], [1, 0], [1, 1]]), x)


def torch_batch_norm(x: Any) -> Any:
    return functional.batch_norm(x, None, None, training=True)


def torch_gaussian(x: Any) -> Any:
    factor = torch.linalg.cholesky(x @ x.mT + torch.eye(len(x), dtype=x.dtype))
    half = torch.linalg.solve_triangular(factor, x, upper=False)
    return (half * half).sum() + 2 * factor.diagonal().log().sum()


def jax_softmax(x: Any) -> Any:
    return jax.nn.softmax(jax.nn.relu(x))


def jax_attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ k.T * 0.5
    causal = jnp.tril(jnp.ones(scores.shape, dtype=bool))
    return jax.nn.softmax(jnp.where(causal, scores, -jnp.inf)) @ v


def jax_recurrence(x: Any) -> Any:
    start = jnp.zeros(x.shape[1:], x.dtype)
    return jax.lax.scan(lambda carry, row: (carry + row, carry * row), start, x)[1]


@pytest.mark.parametrize(
    ("reference", "signature"),
    [
        (torch_rms_norm, "x: b d, w: d"),
        (torch_softmax, MATRIX),
        (torch_overwrites, MATRIX),
        (torch_rotates, "x: b 6"),
        (torch_attention, "q: s d, k: s d, v: s e"),
        (torch_masks, "x: s s"),
        (torch_cross_entropy, "x: b v, labels: int b < v"),
        (lambda x: functional.gelu(x, approximate="tanh") * functional.silu(x), MATRIX),
        (lambda x, w, b: functional.linear(x, w, b), "x: n d, w: e d, b: e"),
        (lambda x, w: functional.conv1d(x[None], w)[0], "x: 2 8, w: 3 2 3"),
        (lambda x, y: functional.smooth_l1_loss(x, y, reduction="none"), "x: d, y: d"),
        (torch_overwrites_a_constant, MATRIX),
        (lambda x: torch.sort(x, 0, descending=True).values + torch.topk(x, 2, 0, largest=False).values[:1], "x: 3 d"),
        (lambda x: torch.median(x, 0).values + torch.kthvalue(x, 3, 0).values + torch.quantile(x, 0.3, 0), "x: 3 d"),
        (lambda x: torch.cumprod(x, 0) + torch.cummax(x, 1).values + torch.logcumsumexp(x, 1), MATRIX),
        (lambda x: functional.avg_pool1d(x, 3, 2, 1, count_include_pad=False), "x: b 8"),
        (lambda x: functional.softshrink(x) + torch.remainder(x, 2) - torch.fmod(x, 3), MATRIX),
        (lambda x: functional.instance_norm(x[None])[0], "x: 3 5"),
        (lambda x: torch.clamp(x, min=x.flip(0)) + torch.pow(x * x + 1, x), "x: d"),
        (lambda x: torch.zeros_like(x).index_add(0, torch.tensor([2, 0, 2]), x) + scattered(x), "x: 3 2"),
        (lambda x, y: torch.cdist(x, y), "x: b d, y: k d"),
        (jax_softmax, MATRIX),
        (jax_attention, "q: s d, k: s d, v: s e"),
        (jax_recurrence, MATRIX),
        (lambda x: jax.nn.softplus(x) + jnp.logaddexp(x, 1.0), MATRIX),
        (lambda x: jnp.cumprod(x, 0) + jax.lax.cummax(x, 1) + jax.lax.cumlogsumexp(x, 1, reverse=True), MATRIX),
        (lambda x: jnp.median(x, 0) + jax.lax.top_k(x.T, 2)[0][:, 1] + jnp.sort(x, 0)[0], "x: 3 d"),
        (lambda x: jnp.zeros((3, 2)).at[jnp.array([2, 0, 2])].add(x)[::2] + jnp.fmod(x[:2], 2.0), "x: 3 2"),
        (jax.checkpoint(lambda x: jnp.tanh(x) * x), MATRIX),
        (lambda x, labels: jnp.take_along_axis(x, labels[:, None], axis=-1), "x: b v, labels: int b < v"),
        (lambda x, y: jnp.einsum("bij,bkj->bik", x, y), "x: b i j, y: b k j"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("<>") if callable(value) else "",
)
def test_a_reference_admits_its_own_gradient(reference: Any, signature: str) -> None:
    result = gradlaw.check(gradlaw.trace(reference), reference, signature, dtype="float32", examples=8)
    assert result.undecided < result.points / 20


@pytest.mark.parametrize("reference", [torch_rms_norm, torch_overwrites])
def test_in_bfloat16_too(reference: Any) -> None:
    signature = "x: b d, w: d" if reference is torch_rms_norm else MATRIX
    result = gradlaw.check(gradlaw.trace(reference), reference, signature, dtype="bfloat16", examples=8)
    assert result.undecided < result.points / 20


@pytest.mark.parametrize(
    "reference",
    [
        torch_gaussian,
        lambda x: torch.linalg.svdvals(x)[:1] + torch.linalg.eigvalsh(x + x.mT)[:1],
        lambda x: torch.linalg.solve(x @ x.mT + 2 * torch.eye(2, dtype=x.dtype), x),
        lambda x: torch.linalg.slogdet(x @ x.mT + 2 * torch.eye(2, dtype=x.dtype)).logabsdet,
        lambda x: jax.scipy.linalg.solve_triangular(jnp.tril(x) + 4 * jnp.eye(2), x, lower=True, trans=1),
        lambda x: jnp.linalg.eigvalsh(x + x.T)[:1] + jnp.linalg.svd(x, compute_uv=False)[:1],
    ],
    ids=["gaussian", "values", "solve", "slogdet", "jax solve", "jax values"],
)
def test_a_reference_of_matrices_admits_its_own_gradient(reference: Any) -> None:
    result = gradlaw.check(gradlaw.trace(reference), reference, "x: 2 2", dtype="float64", examples=8)
    assert result.undecided < result.points / 4


def test_a_batch_norm_is_what_its_parts_are() -> None:
    def by_hand(x: Any) -> Any:
        return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)

    result = gradlaw.check(gradlaw.trace(torch_batch_norm), by_hand, "x: 4 d", examples=8)
    assert result.undecided < result.points / 20


def test_a_wrong_backward_is_found_by_a_traced_reference() -> None:
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return torch_softmax(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    with pytest.raises(gradlaw.Violation, match="torch_softmax/gradient@float32"):
        gradlaw.check(gradlaw.trace(torch_softmax), Scaled.apply, MATRIX)


def test_casts_stand_where_the_reference_casts() -> None:
    x = np.ones((2, 3), np.dtype("bfloat16"))
    steps = program_of(torch_rms_norm, x, x[0], compute="float32").program.steps
    assert [step.attributes["dtype"] for step in steps if step.primitive == "astype"] == ["float32", "bfloat16"]


def test_what_is_detached_has_no_gradient() -> None:
    found = program_of(lambda x: x * x.detach(), np.ones(2, np.float32))
    held = next(step for step in found.program.steps if step.primitive == "multiply").operands[1]
    assert held in found.program.data


def test_a_function_that_torch_computes_in_one_go_is_rounded_once() -> None:
    found = program_of(lambda x: torch.softmax(x, -1), np.ones((2, 3), np.dtype("bfloat16")))
    assert [step.primitive for step in found.program.steps] == ["astype", "softmax", "astype"]
    assert set(found.stored.values()) == {"bfloat16"}


def decides(x: Any) -> Any:
    return x * 2 if x.sum() > 0 else x


def decides_by_where(x: Any) -> Any:
    return jnp.where(x * x > 1, x, 0)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (decides, "a decision by aten.gt of computed values"),
        (decides_by_where, "a decision by gt of computed values"),
        (lambda x: torch.linalg.qr(x).R, "the operation aten.linalg_qr"),
        (lambda x: torch.linalg.svd(x).Vh + 1, "singular vectors"),
        (lambda x: jnp.linalg.inv(x), "the operation lu"),
        (lambda x: jnp.linalg.eigh(x)[1] + 1, "eigenvectors, whose signs"),
        (lambda x: jnp.sort(x, axis=0)[jnp.argsort(x, axis=0)], "an order of several arrays"),
    ],
    ids=[
        "torch decides",
        "jax decides",
        "torch operation",
        "torch's choice",
        "jax operation",
        "jax's choice",
        "jax order",
    ],
)
def test_what_cannot_be_traced_is_named_with_its_line(reference: Any, said: str) -> None:
    with pytest.raises(SpecError, match=r"test_tracing\.py:\d+: found ") as caught:
        program_of(reference, np.eye(2, dtype=np.float32))
    assert said in str(caught.value)


def test_a_reference_of_no_library_is_refused() -> None:
    with pytest.raises(SpecError, match="a reference of type int"):
        gradlaw.trace(3)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="engine='tinygrad'"):
        gradlaw.trace(decides, engine="tinygrad")


def test_no_cotangent_flows_through_stop_gradient() -> None:
    def definition(x: Any) -> Any:
        return xp.exp(x - xp.stop_gradient(xp.max(x)))

    def forward(x: Any) -> Any:
        y = np.exp(x - x.max())
        return y, y

    gradlaw.check(definition, (forward, lambda y, g: g * y), "x: d", examples=10)
