"""Adapters that do what they can against the run: each ends in a verdict, in time, with nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from adapters import ADAPTERS, Hostile

ADDRESS = "relu/gradient@float64"


def left_behind(mark: str) -> list[str]:
    """Return the command lines of processes that have a mark in their environment (where the system tells)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and folder.name != str(os.getpid()):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def check(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "gradlaw", "check", "hostile.py", *arguments]
    environment = {**os.environ, "COLUMNS": "100", **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "hostile",
    [pytest.param(one, id=one.name, marks=[pytest.mark.full] if one.rare else []) for one in ADAPTERS],
)
def test_a_hostile_adapter_gets_a_verdict(tmp_path: Path, hostile: Hostile) -> None:
    (tmp_path / "hostile.py").write_text(hostile.source, "utf-8")
    mark = uuid.uuid4().hex
    limits = ("--examples", "3", "--jobs", "1", "--timeout", "4", "--memory", "2")
    done = check(tmp_path, ADDRESS, *limits, "--json", "report.json", "--sarif", "report.sarif", GRADLAW_MARK=mark)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err, err
    assert len(out) < 10**6
    assert not [letter for letter in out + err if not letter.isprintable() and letter != "\n"]
    nothing_judged = "no point that could be judged" in err
    if done.returncode == 2 and not nothing_judged:
        assert "usage" in hostile.outcomes, err
        assert len(err.splitlines()) == 1
        assert len(err) <= 301
    else:
        content = json.loads((tmp_path / "report.json").read_text("utf-8"))
        (cell,) = content["cells"]
        assert content["finished"] is True
        assert cell["verdict"] in hostile.outcomes, (cell["message"], err)
        assert nothing_judged == (cell["verdict"] == "unsupported"), err
        bad = cell["verdict"] in ("violation", "crash", "timeout")
        assert done.returncode == (2 if nothing_judged else bad), err
        assert (tmp_path / "report.json").stat().st_size < 10**6
        (run,) = json.loads((tmp_path / "report.sarif").read_text("utf-8"))["runs"]
        assert not any("](" in result["message"]["text"] for result in run["results"])
    assert not (tmp_path / "ran").exists()
    for _ in range(50):  # the last supervisor may still be at work
        if not left_behind(mark):
            break
        time.sleep(0.1)
    assert not left_behind(mark)


def test_there_are_enough_of_them() -> None:
    assert len(ADAPTERS) >= 100
    assert len({hostile.name for hostile in ADAPTERS}) == len(ADAPTERS)
