"""`gradlaw check-function`: the checks of one function in a file, as a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILE = """
import gradlaw
from gradlaw import xp

def forward(x): return x * x, x
def backward(x, g): return 2 * x * g
def wrong(x, g): return x * g

def test_square(): gradlaw.check(lambda x: x * x, (forward, backward), "x: d", examples=10)
def test_wrong(): gradlaw.check(lambda x: x * x, (forward, wrong), "x: d", examples=10)
def test_nothing(): pass
def needs(x): pass

@gradlaw.checks((forward, backward), "x: d", dtype=("float32", "float64"), examples=10)
def test_decorated(x):
    return xp.square(x)
"""


def gradlaw(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "kernels.py").write_text(FILE)
    command = [sys.executable, "-m", "gradlaw", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def ran(folder: Path, place: str, *options: str) -> subprocess.CompletedProcess[str]:
    return gradlaw(folder, "check-function", place, *options)


def test_what_could_have_been_found_is_printed(tmp_path: Path) -> None:
    done = ran(tmp_path, "kernels.py:test_square")
    assert done.returncode == 0, done.stderr
    assert "elements judged" in done.stdout
    assert "gradient of x@float32: a relative error of " in done.stdout


def test_a_decorated_definition_is_checked_in_each_dtype(tmp_path: Path) -> None:
    done = ran(tmp_path, "kernels.py:test_decorated")
    assert done.returncode == 0, done.stderr
    assert "gradient of x@float64: " in done.stdout


def test_a_violation_ends_with_one(tmp_path: Path) -> None:
    done = ran(tmp_path, "kernels.py:test_wrong")
    assert done.returncode == 1
    assert "/gradient@float32: violation" in done.stdout
    assert '["forward"]' in done.stdout
    assert done.stderr == ""


def test_a_witness_of_a_check_is_replayed_and_explained(tmp_path: Path) -> None:
    ran(tmp_path, "kernels.py:test_wrong")
    (witness,) = (tmp_path / ".gradlaw" / "own").glob("*gradient*.json")
    again = gradlaw(tmp_path, "replay", str(witness), "--target", "kernels.py:test_wrong")
    assert again.returncode == 1, again.stderr
    assert "/gradient@float32: violation" in again.stdout
    assert witness.exists()
    right = gradlaw(tmp_path, "replay", str(witness), "--target", "kernels.py:test_square")
    assert (right.returncode, right.stdout) == (0, "<lambda>/gradient@float32: pass\n"), right.stderr
    for place, words in (("kernels.py:test_nothing", "check of the witness's inputs"), ("kernels.py:no", "'no'")):
        lost = gradlaw(tmp_path, "replay", str(witness), "--target", place)
        assert (lost.returncode, len(lost.stderr.splitlines())) == (2, 1)
        assert words in lost.stderr
    unnamed = gradlaw(tmp_path, "replay", str(witness))
    assert unnamed.returncode == 2
    assert "Give --target path.py:test" in unnamed.stderr
    explained = gradlaw(tmp_path, "explain", str(witness))
    assert explained.returncode == 0, explained.stderr
    assert "settings" not in explained.stdout


@pytest.mark.parametrize(("test", "verdict"), [("test_square", "pass"), ("test_wrong", "violation")])
def test_what_was_found_is_a_page_too(tmp_path: Path, test: str, verdict: str) -> None:
    pytest.importorskip("jinja2")
    ran(tmp_path, f"kernels.py:{test}", "--html", "found.html")
    page = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert test in page
    assert verdict in page
    assert "gradient" in page


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("kernels.py", "path.py:function"),
        ("kernel.py:test_square", "a file kernel.py"),
        ("kernels.py:test_sqare", "Did you mean test_square"),
        ("kernels.py:test_nothing", "which checks nothing"),
        ("kernels.py:needs", "which takes x"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, place: str, said: str) -> None:
    done = ran(tmp_path, place)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
