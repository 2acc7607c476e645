"""``pytest --pyargs gradlaw_properties`` as a process: the laws as items, with xdist too; mistakes are one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "gradlaw_properties"]
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workers", [[], ["-n", "2", "--dist", "loadgroup"]], ids=["alone", "xdist"])
def test_laws_are_items(tmp_path: Path, workers: list[str]) -> None:
    done = run(tmp_path, "--target", "reference", "--address", "tanh@float32", "--law-examples", "5", *workers)
    assert done.returncode == 0, done.stdout
    assert "11 passed" in done.stdout


def test_unknown_target_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--target", "nosuch")
    assert done.returncode != 0
    assert "target='nosuch'" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
