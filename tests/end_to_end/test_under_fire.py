"""A run that is killed, interrupted or cut off: nothing finished is lost, nothing left behind or half written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

ADAPTER = """
import time
import numpy as np
from gradlaw import functional_target

def vjp(function, primals, cotangent):
    time.sleep({pause})
    output = function(*primals)
    return output, tuple(np.abs(cotangent) for _ in primals)

target = functional_target(
    name="slow", version="1", levels=("scalar",), dtypes=("float64",), array=np.asarray, numpy=lambda value: value,
    vjp=vjp, primitives={{"add": np.add, "negative": np.negative, "exp": np.exp}},
)
"""
CHECK = ("check", "slow.py", "add", "negative", "exp", "--examples", "4", "--json", "r.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(ADAPTER.format(pause=0.004))
    return tmp_path


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gradlaw", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_signals,
    )


def _hears_signals() -> None:
    """Undo what a shell does to what it runs in the background: that ignores these two."""
    for one in (signal.SIGHUP, signal.SIGINT):
        signal.signal(one, signal.SIG_DFL)


def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    with start(folder, *arguments, **variables) as process:
        out, err = process.communicate(timeout=300)
    assert "Traceback" not in out + err, err
    return process.returncode, out, err


def read(path: Path) -> dict[str, object]:
    """Return a report without what differs from run to run: the seconds."""
    content = json.loads(path.read_text("utf-8"))
    for cell in content["cells"]:
        del cell["seconds"]
    return content


def marked(mark: str) -> list[str]:
    """Return the processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def none_left(mark: str) -> bool:
    for _ in range(100):
        if not marked(mark):
            return True
        time.sleep(0.1)
    return False


def wait_for(path: Path, size: int = 1) -> None:
    for _ in range(3000):
        if path.exists() and path.stat().st_size >= size:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


def test_a_killed_run_goes_on_and_gives_the_report_of_one_that_was_not(folder: Path) -> None:
    status, _, _ = run(folder, *CHECK, "--jobs", "2")
    whole = read(folder / "r.json")
    assert not (folder / "r.json.journal").exists()
    chance = random.Random(8)
    kills = 0
    for number in range(4):
        (folder / "r.json").unlink(missing_ok=True)
        (folder / "r.json.journal").unlink(missing_ok=True)
        for _ in range(3):
            mark = uuid.uuid4().hex
            process = start(folder, *CHECK, "--jobs", "2", "--resume", MARK=mark)
            if number:
                time.sleep(chance.uniform(0.3, 3.0))
            else:
                wait_for(folder / "r.json.journal", 1000)
            if process.poll() is None:
                process.kill()
                kills += 1
            process.communicate()
            assert none_left(mark)
        assert run(folder, *CHECK, "--jobs", "2", "--resume")[0] == status
        assert read(folder / "r.json") == whole
        assert not (folder / "r.json.journal").exists()
    assert kills


def test_a_journal_of_another_run_is_refused(folder: Path) -> None:
    process = start(folder, *CHECK, "--jobs", "1")
    wait_for(folder / "r.json.journal", 1000)
    process.kill()
    process.communicate()
    status, _, err = run(folder, *CHECK, "--jobs", "1", "--resume", "--seed", "3")
    assert status == 2
    assert "another run" in err
    # What is cut off in its middle, or is no journal, is not counted.
    content = (folder / "r.json.journal").read_bytes()
    (folder / "r.json.journal").write_bytes(content[:-5] + b"\xff" * 40)
    assert run(folder, *CHECK, "--jobs", "1", "--resume")[0] == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_with_a_report_that_says_so(folder: Path, sent: signal.Signals) -> None:
    (folder / "slow.py").write_text(ADAPTER.format(pause=0.04))  # what is left takes seconds on any machine
    process = start(folder, *CHECK, "--jobs", "1", MARK=(mark := uuid.uuid4().hex))
    wait_for(folder / "r.json.journal", 1000)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "Traceback" not in out + err
    assert none_left(mark)
    content = json.loads((folder / "r.json").read_text())
    assert content["finished"] is False
    assert "did not finish" in run(folder, "compare", "r.json", "r.json")[1]


@pytest.mark.parametrize(
    "variables", [("0", "0"), ("1", "1"), ("2", "2")], ids=lambda pair: f"jobs {pair[0]}, hash seed {pair[1]}"
)
def test_the_report_is_the_same_for_every_job_count_and_hash_seed(folder: Path, variables: tuple[str, str]) -> None:
    jobs, seed = variables
    run(folder, *CHECK, "--jobs", "2", PYTHONHASHSEED="0")
    first = read(folder / "r.json")
    run(folder, *CHECK, "--jobs", jobs, PYTHONHASHSEED=seed)
    assert read(folder / "r.json") == first


def test_a_reader_that_leaves_changes_no_exit_status(folder: Path) -> None:
    expected, out, _ = run(folder, "check", "slow.py", "add", "--quick", "--jobs", "1")
    process = start(folder, "check", "slow.py", "add", "--quick", "--jobs", "1", "--json", "p.json")
    assert process.stdout is not None
    assert process.stdout.readline() == out.splitlines(keepends=True)[0]
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == expected
    assert read(folder / "p.json")["finished"] is True


def test_a_working_folder_that_moves_takes_no_report_with_it(tmp_path: Path) -> None:
    adapter = ADAPTER.format(pause=0) + "import os\nos.chdir('/')\n"
    (tmp_path / "slow.py").write_text(adapter)
    for jobs in ("0", "1"):
        assert run(tmp_path, *CHECK, "--jobs", jobs)[0] == 1
        assert read(tmp_path / "r.json")["finished"] is True
        (tmp_path / "r.json").unlink()


def test_a_report_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    # The adapter makes one of the places a folder while the run goes on.
    adapter = ADAPTER.format(pause=0) + f"import os\nos.makedirs({str(tmp_path / 'r.json' / 'x')!r}, exist_ok=True)\n"
    (tmp_path / "slow.py").write_text(adapter)
    status, _, err = run(tmp_path, *CHECK, "--markdown", "r.md", "--results", "r.toml", "--jobs", "1")
    assert status == 2
    assert "r.json" in err
    assert (tmp_path / "r.md").exists()
    assert (tmp_path / "r.toml").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_a_load_that_hangs_obeys_the_timeout(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; time.sleep(600)")
    status, _, err = run(tmp_path, *CHECK, "--timeout", "1", "--jobs", "1")
    assert status == 2
    assert "not loaded after 1 s" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "slow.py", "--jobs", "1000000000000"), "--jobs"),
        (("check", "slow.py", "--memory", "inf"), "--memory"),
        (("check", "slow.py", "--timeout", "inf"), "--timeout"),
        (("check", "slow.py", "--resume"), "--json"),
        (("check", "a\udcff.py"), "target"),
        (("explain", f"f = {' + '.join('xy' * 200)}", "--at", "x=1"), ""),
        (("explain", "x" * 300 + "(", "--at", "x=1"), "syntax"),
        (("replay", "/dev/zero"), "plain file"),
        (("replay", "pipe"), "plain file"),
        (("replay", "."), "plain file"),
        (("compare", "pipe"), "plain file"),
        (("check", "slow.py", "--known", "pipe"), "plain file"),
        (("explain", "pipe.json"), "plain file"),
        (("spec", "\x1b[31m" + "y" * 1000), "31m"),
    ],
)
def test_input_that_is_none_is_one_line(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.json")
    status, out, err = run(folder, *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert len(err) <= 301
    assert err.rstrip("\n").isprintable()


def test_python_s_own_warnings_are_not_printed(tmp_path: Path) -> None:
    status, _, err = run(tmp_path, "explain", "f = 1and x", "--at", "x=1")
    assert status == 2
    assert "Warning" not in err
