"""The README's first example is what gradlaw prints, and torch's own checker accepts what it shows at random points."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]


def test_first_example_is_the_output() -> None:
    command = ["replay", "known/witnesses/torch-pow-second-order-float64.json"]
    run = subprocess.run(
        [sys.executable, "-m", "gradlaw", *command],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "88"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert run.stdout.strip() in readme


def test_the_hessian_is_not_symmetric() -> None:
    hessian = torch.autograd.functional.hessian(lambda v: v[0] ** v[1], torch.tensor([2.0, 0.0], dtype=torch.float64))
    assert hessian[:, 0].tolist() == [0, 0.5]
    assert hessian[0].tolist() == [0, 0], "torch has mended it: the README needs another example"


def test_gradgradcheck_accepts_it_at_random_points() -> None:
    torch.manual_seed(0)
    base = (torch.rand(5, dtype=torch.float64) + 0.5).requires_grad_()
    exponent = torch.randn(5, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradgradcheck(torch.pow, (base, exponent))
