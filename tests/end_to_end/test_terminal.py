"""What a run looks like: at 80 columns on a terminal, in a pipe, with NO_COLOR, and in a log of continuous integration.

The snapshots are renewed by ``pytest tests/end_to_end/test_terminal.py --snapshot-update``; look at the difference.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pyte
import pytest

from gradlaw_spec import load_primitives

COLUMNS, ROWS = 80, 400
BUGGY = """
import numpy as np
from gradlaw import functional_target

def vjp(function, primals, cotangent):
    output = function(*primals)
    if len(primals) == 2:
        return output, (cotangent * primals[1], cotangent * primals[1])
    return output, (cotangent * (1 - output),)

target = functional_target(
    name="buggy", version="1.2", levels=("scalar",), dtypes=("float64",), array=np.asarray, numpy=np.asarray,
    vjp=vjp, primitives={"tanh": np.tanh, "multiply": np.multiply},
)
"""
CHECK = ("check", "buggy.py", "tanh/gradient", "tanh/value", "multiply/gradient", "relu/gradient", "--jobs", "1")
COMMANDS = {
    "check": CHECK,
    "explain": ("explain", "f = (x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)", "--at", "x=3", "--at", "y=-4"),
    "explain-arrays": ("explain", "f = sum(W @ x)", "--at", "W=randn(2,3)", "--at", "x=[1,2,3]", "--certified"),
    "primitives": ("primitives",),
    "laws": ("laws",),
    "targets": ("targets",),
    "spec": ("spec", "tanh"),
    "law": ("spec", "linearity"),
    "unknown-target": ("check", "jaxx"),
    "unknown-primitive": ("check", "reference", "tanhh"),
    "caret": ("explain", "f = x + tanhh(x)", "--at", "x=1"),
    "help": ("--help",),
}
LOGS = {"pipe": {}, "ci": {"CI": "true", "GITHUB_ACTIONS": "true"}, "no-color": {"NO_COLOR": "1"}}


def environment(**changes):
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("CI", "GITHUB", "NO_COLOR", "FORCE"))
    }
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **changes}


def in_pipe(folder, arguments, **changes):
    command = [sys.executable, "-m", "gradlaw", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(**changes), capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout + done.stderr


def on_terminal(folder, arguments, **changes):
    """Run on a pseudo-terminal of 80 columns; return what it wrote."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "gradlaw", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(**changes), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    process.wait(timeout=300)
    os.close(ours)
    return written.decode()


def screen(written):
    """Return the lines that are left on the screen."""
    emulated = pyte.Screen(COLUMNS, ROWS)
    pyte.Stream(emulated).feed(written)
    return [line.rstrip() for line in emulated.display]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "buggy.py").write_text(BUGGY)
    return tmp_path


# The form of help is that of typer's version, targets tells what is installed, and primitives grows with the law book.
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("help", "targets", "primitives")])
def test_output_in_a_pipe(folder, snapshot, name):
    assert in_pipe(folder, COMMANDS[name]) == snapshot


def test_each_primitive_has_a_row_in_a_pipe(folder):
    written = in_pipe(folder, COMMANDS["primitives"])
    rows = re.findall(r"^ ?(\w+) +(\w+) +([\w-]+) {2,}\S", written, re.MULTILINE)
    assert [row for row in rows if row[0] != "name"] == [
        (name, page.level, page.pattern) for name, page in load_primitives().items()
    ]
    words = " ".join(written.split())
    assert all(page.summary.split()[0] in words for page in load_primitives().values())


@pytest.mark.parametrize("log", LOGS)
def test_logs_have_no_colours_and_no_progress_bar(folder, log):
    written = in_pipe(folder, CHECK, **LOGS[log])
    assert "\x1b" not in written
    assert "\r" not in written
    assert written == in_pipe(folder, CHECK)


def test_a_terminal_shows_colours_and_the_progress_bar_goes_away(folder, snapshot):
    written = on_terminal(folder, CHECK)
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", written)
    left = "\n".join(screen(written)).rstrip()
    assert "━" not in left
    assert left == snapshot


def test_no_color_is_respected_on_a_terminal(folder):
    written = on_terminal(folder, CHECK, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|9[0-7]|4[0-9])m", written)
    assert screen(written) == screen(on_terminal(folder, CHECK))


@pytest.mark.parametrize("name", ["explain", "primitives", "laws", "targets", "help"])
def test_no_line_is_wider_than_a_terminal(folder, name):
    """Never broken: code that is to be copied, arrays, mistakes (one line each), and in a pipe a page's own text."""
    assert max(map(len, in_pipe(folder, COMMANDS[name]).splitlines())) <= COLUMNS
