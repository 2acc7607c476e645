"""The examples: each kernel is right, and its planted bug is told as a violation of the law `gradient`."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))


def ran(file: Path, folder: Path, bug: str) -> subprocess.CompletedProcess[str]:
    used = [name for name in ("torch", "jax", "triton") if f"import {name}" in file.read_text()]
    missing = [name for name in used if find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(file)]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "GRADLAW_BUG": bug}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_is_right(file: Path, tmp_path: Path) -> None:
    done = ran(file, tmp_path, "")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_bug_is_found(file: Path, tmp_path: Path) -> None:
    done = ran(file, tmp_path, "1")
    assert done.returncode == 1, done.stdout
    assert "/gradient@float32: violation" in done.stdout
    assert "MUST truth/gradient: " in done.stdout


def test_each_example_is_in_the_list() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{file.name}`" in text for file in FILES)
