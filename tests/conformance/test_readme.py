"""The README's first example is what gradlaw prints, and torch's own checker accepts what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]


def test_first_example_is_the_output() -> None:
    command = ["replay", "known/witnesses/torch-softplus-gradient-float64.json"]
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


def test_gradcheck_accepts_it() -> None:
    x = torch.tensor([20.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(torch.nn.functional.softplus, (x,))
