"""``pytest --pyargs gradlaw_properties`` as a process: the laws as items, with xdist too; mistakes are one line."""

from __future__ import annotations

import re
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
    passed = re.search(r"(\d+) passed, (?:\d+ skipped, )?2 xfailed in", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) >= 13


def test_unknown_target_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--target", "nosuch")
    assert done.returncode != 0
    assert "target='nosuch'" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


ADAPTER = """
import os, time
import numpy as np
from gradlaw import functional_target

def vjp(function, primals, cotangent):
    {hostile}
    return function(*primals), tuple(cotangent for _ in primals)

target = functional_target(
    name="hostile", version="1", levels=("scalar",), dtypes=("float64",), array=np.asarray, numpy=np.asarray,
    vjp=vjp, primitives={{"add": np.add}},
)
"""


@pytest.mark.parametrize(
    ("hostile", "word"),
    [("os._exit(0)", "exited with status 0"), ("time.sleep(600)", "no end after 1 s"), ("raise KeyboardInterrupt", "")],
)
def test_a_target_that_ends_its_process_fails_its_items(tmp_path: Path, hostile: str, word: str) -> None:
    (tmp_path / "hostile.py").write_text(ADAPTER.format(hostile=hostile))
    options = ("--address", "add/gradient", "--address", "add/value", "--law-examples", "3", "--law-timeout", "1")
    done = run(tmp_path, "--target", "hostile.py", *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "add/gradient@float64" in done.stdout
    assert word in done.stdout
    assert " passed" not in done.stdout or "1 failed" in done.stdout
