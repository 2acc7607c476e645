"""`gradlaw.record`: what a kernel is given where it is used is kept, and judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradlaw
from gradlaw import SpecError, xp
from gradlaw.own.samples import read_samples

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Scaled(torch.autograd.Function):
    """Wrong above 100 alone, where no drawn case goes."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save_for_backward(x, w)
        return x * x * w

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        of_x = 2 * g * x * w
        return torch.where(x > 1000, of_x * 1.5, of_x), (g * x * x).sum(0)


def scaled(x: Any, w: Any) -> Any:
    return x * x * w


def trained(kernel: Any, largest: float, steps: int = 3) -> None:
    for _ in range(steps):
        x = torch.linspace(1.0, largest, 6).reshape(2, 3).requires_grad_()
        (kernel(x, torch.ones(3, requires_grad=True)).sin().sum()).backward()


def test_what_training_sees_is_judged() -> None:
    gradlaw.check(scaled, Scaled.apply, "x: b d, w: d", examples=20)
    trained(gradlaw.record(Scaled.apply, "small.npz"), 20.0)
    assert gradlaw.check(scaled, Scaled.apply, "x: b d, w: d", recorded="small.npz").points
    trained(gradlaw.record(Scaled.apply, "seen.npz"), 2000.0)
    with pytest.raises(gradlaw.Violation, match="gradient of x"):
        gradlaw.check(scaled, Scaled.apply, "x: b d, w: d", recorded="seen.npz")


def test_a_sample_is_bounded_copied_and_short() -> None:
    kernel = gradlaw.record(lambda x: x * 2, "seen.npz", calls=2, most_bytes=64)
    for number in range(10):
        x = torch.full((3,), 1 + number / 3, requires_grad=True)
        kernel(x).sum().backward()
        with torch.no_grad():
            x.zero_()
    kernel(torch.ones(100, requires_grad=True)).sum().backward()
    found = read_samples("seen.npz")
    assert [sample.arguments[0].shape for sample in found] == [(3,), (3,)]
    assert all((sample.arguments[0] * 2**12 % 1 == 0).all() for sample in found)
    assert all((sample.cotangents[0] == 1).all() for sample in found)


def test_jax_under_jit() -> None:
    kernel = gradlaw.record(lambda x, labels: x[labels] * 2, "seen.npz")
    labels = jax.numpy.array([1, 0])
    jax.jit(jax.grad(lambda x: kernel(x, labels).sum()))(jax.numpy.ones(3)).block_until_ready()
    jax.effects_barrier()
    (sample,) = read_samples("seen.npz")
    assert sample.arguments[1].tolist() == [1, 0]
    gradlaw.check(lambda x, labels: 2 * x[labels], kernel, "x: v, labels: int n < v", recorded="seen.npz", engine="jax")


def test_a_pair_in_numpy_and_bfloat16() -> None:
    forward, backward = gradlaw.record((lambda x: (x * 2, None), lambda saved, g: g * 2), "seen.npz")
    x = np.ones(3, np.dtype("bfloat16"))
    output, saved = forward(x)
    backward(saved, output)
    (sample,) = read_samples("seen.npz")
    assert sample.arguments[0].dtype == sample.cotangents[0].dtype == x.dtype
    kernel = (forward, backward)
    gradlaw.check(lambda x: xp.multiply(x, 2), kernel, "x: n", dtype="bfloat16", recorded="seen.npz")
    with pytest.raises(SpecError, match="Say dtype= as it was recorded"):
        gradlaw.check(lambda x: xp.multiply(x, 2), kernel, "x: n", recorded="seen.npz")


def test_the_command_judges_a_file() -> None:
    trained(gradlaw.record(Scaled.apply, "seen.npz"), 2000.0)
    Path("kernels.py").write_text(
        "import sys; sys.path.insert(0, " + repr(str(Path(__file__).parent)) + ")\n"
        "import gradlaw\nfrom test_recording import Scaled, scaled\n"
        'def test_scaled(): gradlaw.check(scaled, Scaled.apply, "x: b d, w: d", examples=5)\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "gradlaw", "check-function", "kernels.py:test_scaled"]
    assert subprocess.run(command, check=False).returncode == 0
    assert subprocess.run([*command, "--recorded", "seen.npz"], check=False).returncode == 1
    done = subprocess.run([*command, "--recorded", "none.npz"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "none.npz" in done.stderr


def test_what_is_no_recording_is_told_in_a_line() -> None:
    Path("other.npz").write_bytes(b"nothing")
    with pytest.raises(SpecError, match=r"a file that gradlaw\.record wrote"):
        gradlaw.check(scaled, Scaled.apply, "x: b d, w: d", recorded="other.npz")
    with pytest.raises(SpecError, match="a kernel of type int"):
        gradlaw.record(3, "seen.npz")
