"""The command line as a process, on small adapters: verdicts, exit statuses, reports, and what takes a process down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from gradlaw_spec import load_primitives

ENGINE = """
import math, operator, os, sys, time
import numpy as np
from gradlaw import tape_target

class Number:
    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = data, parents, 0.0
    @staticmethod
    def of(value):
        return value if isinstance(value, Number) else Number(value)
    def __add__(self, other):
        other = Number.of(other)
        return Number(self.data + other.data, ((self, lambda g: g), (other, lambda g: g)))
    def __mul__(self, other):
        other = Number.of(other)
        return Number(self.data * other.data, ((self, lambda g: g * other.data), (other, lambda g: g * self.data)))
    __radd__, __rmul__ = __add__, __mul__
    def relu(self):
        return Number(max(self.data, 0.0), ((self, self.relu_rule),))
    def relu_rule(self, g):
        return g if self.data > 0 else 0.0
    def backward(self):
        order, seen = [], set()
        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)
        visit(self)
        flow = {self: 1.0}
        for node in reversed(order):
            received = flow.pop(node, 0.0)
            node.grad += received
            for parent, local in node.parents:
                flow[parent] = flow.get(parent, 0.0) + local(received)
"""
TARGET = """
target = tape_target(
    name="tiny", version="2.1", levels=("scalar",), dtypes=("float64",), scalar=True, variable=Number,
    value=lambda v: v.data, backward=lambda output: output.backward(), gradient=lambda v: v.grad,
    primitives={"add": operator.add, "multiply": operator.mul, "relu": lambda x: x.relu()},
)
"""
BEFORE = {
    "right": "",
    "wrong": "Number.relu_rule = lambda self, g: abs(g) if self.data > 0 else 0.0",
    "exits": "Number.relu = lambda self: os._exit(3)",
    "exits_silently": "Number.relu = lambda self: os._exit(0)",
    "leaves": "Number.relu = lambda self: sys.exit('enough')",
    "segfaults": "import faulthandler\nNumber.relu = lambda self: faulthandler._sigsegv()",
    "hangs": "Number.relu = lambda self: (open('hanging', 'w').close(), time.sleep(600))",
    "greedy": "Number.relu = lambda self: Number(sum(np.ones(2**26).sum() for _ in [HOARD.append(np.ones(2**26))]))"
    "\nHOARD = [np.ones(2**26) for _ in range(2)]",
    "sometimes": "right = Number.relu\n"
    "Number.relu = lambda self: os._exit(3) if isinstance(self.data, float) and self.data == 0 else right(self)",
    "refuses_gradients": "def rule(self, g): raise ArithmeticError('no gradient of relu')\nNumber.relu_rule = rule",
    "refuses": "def relu(self): raise NotImplementedError('no relu yet')\nNumber.relu = relu",
    "noisy": "right = Number.relu\n"
    "def relu(self):\n    print('NOISE'); sys.stderr.write('NOISE'); os.write(1, b'NOISE'); return right(self)\n"
    "Number.relu = relu",
}


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def gradlaw(tmp_path):
    for name, change in BEFORE.items():
        (tmp_path / f"{name}.py").write_text(ENGINE + change + TARGET)

    def run(*arguments, **environment):
        command = [sys.executable, "-m", "gradlaw", *map(str, arguments)]
        variables = {**os.environ, "COLUMNS": "80", **environment}
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=300)
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def report(path):
    content = json.loads(path.read_text())
    return content, {cell["address"]: cell for cell in content["cells"]}


def test_a_right_engine(gradlaw, tmp_path):
    done = gradlaw("check", "right.py", "--quick", "--json", "r.json", "--jobs", 2)
    assert done.status == 0, done.out + done.err
    assert "tiny 2.1, seed 0" in done.out
    content, cells = report(tmp_path / "r.json")
    assert list(content) == ["gradlaw", "spec", "target", "seed", "summary", "cells", "finished"]
    assert content["finished"] is True
    assert content["target"] == {"name": "tiny", "version": "2.1", "accuracies": {}, "found": []}
    assert content["summary"]["violation"] == content["summary"]["crash"] == 0
    assert sum(content["summary"].values()) == len(cells)
    keys = [
        "address",
        "verdict",
        "examples",
        "points",
        "inconclusive",
        "seconds",
        "clause",
        "message",
        "witness",
        "script",
        "severity",
        "cause",
        "refused",
    ]
    assert all(list(cell) == keys for cell in content["cells"])
    assert cells["relu/gradient@float64"]["verdict"] == "pass"
    assert cells["tanh/gradient@float64"]["verdict"] == "unsupported"


def test_a_wrong_engine_and_its_witness(gradlaw, tmp_path):
    done = gradlaw("check", "wrong.py", "relu", "--json", "w.json")
    assert done.status == 1
    _, cells = report(tmp_path / "w.json")
    cell = cells["relu/gradient@float64"]
    assert cell["verdict"] == "violation"
    assert "admissible" in cell["message"]
    assert "violation, wrong: relu/gradient@float64" in done.out
    assert "y = relu(x)" in done.out
    assert "\x1b" not in done.out

    assert len(cell["script"].splitlines()) <= 20
    script = subprocess.run([sys.executable, "-c", cell["script"]], cwd=tmp_path, capture_output=True, text=True)
    assert script.returncode == 0, script.stderr
    wrong = float(cell["message"].split("got ")[1].split(";")[0])
    assert f"gradient of x (dtype('float64'), {wrong!r})" in script.stdout

    (tmp_path / "case.json").write_text(json.dumps(cell["witness"]))
    again = gradlaw("replay", "case.json", "--target", "wrong.py")
    assert again.status == 1
    assert cell["message"].splitlines()[0][:40] in again.out
    mended = gradlaw("replay", "case.json", "--target", "right.py")
    assert (mended.status, "pass: relu/gradient@float64" in mended.out) == (0, True)


def test_linearity_shows_every_cotangent(gradlaw, tmp_path):
    gradlaw("check", "wrong.py", "relu/linearity", "--json", "w.json")
    cell = report(tmp_path / "w.json")[1]["relu/linearity@float64"]
    assert cell["verdict"] == "violation"
    script = subprocess.run([sys.executable, "-c", cell["script"]], cwd=tmp_path, capture_output=True, text=True)
    assert script.stdout.count("gradient of x") >= 3, script.stderr


@pytest.mark.parametrize(
    ("engine", "verdict", "words"),
    [
        ("exits", "crash", "the process exited with status 3"),
        ("exits_silently", "crash", "the process exited with status 0"),
        ("leaves", "crash", "SystemExit: enough"),
        ("segfaults", "crash", "the process died of SIGSEGV"),
        ("greedy", "crash", "ran out of memory"),
        ("hangs", "timeout", "no end after 2 s"),
    ],
)
def test_what_takes_a_process_down_is_a_cell(gradlaw, tmp_path, engine, verdict, words):
    limits = ("--timeout", 2) if engine == "hangs" else ("--memory", 1.5) if engine == "greedy" else ()
    done = gradlaw("check", f"{engine}.py", "relu", "add", "--quick", "--json", "c.json", "--jobs", 2, *limits)
    assert done.status == 1, done.err
    content, cells = report(tmp_path / "c.json")
    lost = [cell for cell in content["cells"] if cell["verdict"] == verdict]
    assert lost
    assert any(words in cell["message"] for cell in lost), lost[0]["message"]
    assert all(cell["witness"] is not None and cell["script"] for cell in lost)
    assert cells["add/gradient@float64"]["verdict"] == "pass"
    assert f"{verdict}: relu/" in done.out


def test_one_crashing_case_hides_nothing_else(gradlaw, tmp_path):
    done = gradlaw("check", "sometimes.py", "relu", "--examples", 20, "--json", "s.json")
    assert done.status == 1
    _, cells = report(tmp_path / "s.json")
    verdicts = {address: cell["verdict"] for address, cell in cells.items()}
    crashed = [address for address, verdict in verdicts.items() if verdict == "crash"]
    assert "relu/kinks@float64" in crashed  # the law that puts operands on 0 itself
    assert verdicts["relu/linearity@float64"] == "pass"
    (tmp_path / "case.json").write_text(json.dumps(cells["relu/kinks@float64"]["witness"]))
    again = gradlaw("replay", "case.json", "--target", "sometimes.py")
    assert (again.status, "exited with status 3" in again.out) == (1, True)


def test_an_error_under_differentiation_alone_is_a_violation(gradlaw, tmp_path):
    done = gradlaw("check", "refuses_gradients.py", "relu/gradient", "--quick", "--json", "d.json")
    assert done.status == 1
    cell = report(tmp_path / "d.json")[1]["relu/gradient@float64"]
    assert cell["verdict"] == "violation"
    assert "no gradient of relu" in cell["message"]


def test_an_error_on_the_plain_call_is_unsupported(gradlaw, tmp_path):
    done = gradlaw("check", "refuses.py", "relu", "--quick", "--json", "u.json")
    assert done.status == 2, "nothing was judged"
    assert "no point that could be judged" in done.err
    assert len(done.err.splitlines()) == 1
    cell = report(tmp_path / "u.json")[1]["relu/gradient@float64"]
    assert cell["verdict"] == "unsupported"
    assert "no relu yet" in cell["message"]
    assert "no relu yet" in done.out


@pytest.mark.parametrize("jobs", [0, 1])
def test_what_an_engine_prints_does_not_garble_the_report(gradlaw, jobs):
    done = gradlaw("check", "noisy.py", "relu/gradient", "--quick", "--jobs", jobs)
    assert done.status == 0
    # In this process only what goes through print is kept apart.
    assert jobs == 0 or "NOISE" not in done.out + done.err
    assert done.out.splitlines()[-1] == "1 cells: 1 pass"


def test_same_seed_same_report_however_many_jobs(gradlaw, tmp_path):
    found = []
    for number, jobs in enumerate((0, 2, 2)):
        gradlaw(
            "check",
            "wrong.py",
            "relu",
            "multiply",
            "program",
            "--quick",
            "--seed",
            3,
            "--jobs",
            jobs,
            "--json",
            f"{number}.json",
        )
        content, _ = report(tmp_path / f"{number}.json")
        for cell in content["cells"]:
            del cell["seconds"]
        found.append(content)
    assert found[0] == found[1] == found[2]
    assert found[0]["summary"]["violation"] > 0


def test_dry_run_lists_addresses(gradlaw):
    done = gradlaw("check", "right.py", "relu/linearity", "add", "--dry-run")
    assert done.status == 0
    lines = done.out.split()
    assert "relu/linearity@float64" in lines
    assert "add/add-distributes@float64" in lines
    assert not any(line.startswith("tanh/") for line in lines)


def test_strict_fails_on_should(gradlaw, tmp_path):
    address = "reciprocal/zero-stops@float64"
    (tmp_path / "edge.py").write_text(
        ENGINE
        + "Number.reciprocal = lambda self: Number(1 / self.data if self.data else math.inf,"
        + " ((self, lambda g: -g * (math.inf if self.data == 0 else 1 / self.data**2)),))"
        + TARGET.replace('"relu": lambda x: x.relu()', '"reciprocal": lambda x: x.reciprocal()')
    )
    mild, strict = gradlaw("check", "edge.py", address), gradlaw("check", "edge.py", address, "--strict")
    assert (mild.status, strict.status) == (0, 1), mild.out
    assert "1 of a SHOULD: fails with --strict" in mild.out


def heed_interrupts():
    """A process that is started in the background ignores interrupts, and so do its children unless they are told."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize(
    ("sent", "before"),
    [(signal.SIGINT, heed_interrupts), (signal.SIGTERM, heed_interrupts), (signal.SIGTERM, ignore_interrupts)],
)
def test_an_interrupt_ends_the_run_and_keeps_what_is_finished(gradlaw, tmp_path, sent, before):
    command = [sys.executable, "-m", "gradlaw", "check", "hangs.py", "add", "relu", "--jobs", "1", "--json", "i.json"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=before
    ) as process:
        for _ in range(600):
            if (tmp_path / "hanging").exists():
                break
            time.sleep(0.1)
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "interrupted" in err
    assert "Traceback" not in err + out
    assert "add/gradient@float64" in report(tmp_path / "i.json")[1]


KNOWN = """
[[deviation]]
id = "absolute-cotangent"
reason = "the engine takes the size of the cotangent"
url = "https://example.org/issues/7"
[[deviation.shows]]
address = "relu/gradient@float64"
where = "x > 0"
witness = "witness.json"

[[deviation]]
id = "mended"
reason = "was wrong once"
[[deviation.shows]]
address = "add/gradient@float64"
witness = "mended.json"

[[deviation]]
id = "gone"
reason = "a law that went away"
[[deviation.shows]]
address = "relu/no-such-law@float64"
"""


def test_known_deviations(gradlaw, tmp_path):
    wrong = json.loads(json.dumps(WITNESS))
    wrong["cotangents"][0]["values"] = ["-0x1p0"]
    (tmp_path / "witness.json").write_text(json.dumps(wrong))
    add = json.loads(json.dumps(WITNESS))
    add["program"]["steps"][0] |= {"primitive": "add", "operands": ["x", "x"]}
    (tmp_path / "mended.json").write_text(json.dumps(add))
    (tmp_path / "known.toml").write_text(KNOWN)
    arguments = ("check", "wrong.py", "relu/gradient", "add/gradient", "--known", "known.toml", "--json", "k.json")
    done = gradlaw(*arguments)
    assert done.status == 0, done.out
    _, cells = report(tmp_path / "k.json")
    verdicts = {address: cell["verdict"] for address, cell in cells.items()}
    assert verdicts == {
        "relu/gradient@float64": "known",
        "add/gradient@float64": "fixed",
        "relu/no-such-law@float64": "stale",
    }
    assert "the size of the cotangent (https://example.org/issues/7)" in cells["relu/gradient@float64"]["message"]

    (tmp_path / "known.toml").write_text(KNOWN.replace("x > 0", "x > 1000").replace("witness =", "# "))
    done = gradlaw(*arguments)
    assert done.status == 1
    assert report(tmp_path / "k.json")[1]["relu/gradient@float64"]["verdict"] == "violation"


WITNESS = {
    "program": {"inputs": ["x"], "steps": [{"name": "y", "primitive": "relu", "operands": ["x"]}], "outputs": ["y"]},
    "values": {"x": {"dtype": "float64", "shape": [], "values": ["0x1p0"]}},
    "cotangents": [{"dtype": "float64", "shape": [], "values": ["0x1p0"]}],
    "dtype": "float64",
    "law": "gradient",
    "target": "right.py",
}


def changed(path, value):
    content = json.loads(json.dumps(WITNESS))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not JSON", ["malformed JSON"]),
        ("{}", ["case.json", "program"]),
        (changed(("values", "x", "values"), ["one"]), ["hexadecimal"]),
        (changed(("values", "x", "shape"), "()"), ["$.values", "shape"]),
        (changed(("values", "x", "dtype"), "float32"), ["$.values.x", "float32"]),
        (changed(("values",), {}), ["$.values", "'x'"]),
        (changed(("program", "steps", 0, "primitive"), "rellu"), ["$.program.steps[0].primitive", "relu"]),
        (changed(("program", "steps", 0, "operands"), ["x", "x"]), ["$.program.steps[0].operands", "2 operands"]),
        (changed(("program", "steps", 0, "operands"), ["z"]), ["$.program", "'z'"]),
        (changed(("program", "steps", 0, "attributes"), {"axis": 0}), ["attributes", "axis=0"]),
        (changed(("cotangents", 0), {"dtype": "float64", "shape": [1], "values": ["0x1p0"]}), ["$.cotangents[0]"]),
        (changed(("cotangents",), []), ["$.cotangents"]),
        (changed(("dtype",), "float63"), ["$.dtype", "float63"]),
        (changed(("law",), "linearty"), ["$.law", "Did you mean linearity"]),
        (changed(("target",), ""), ["$.target", "--target"]),
    ],
)
def test_a_malformed_witness_is_one_line(gradlaw, tmp_path, text, words):
    (tmp_path / "case.json").write_text(text)
    done = gradlaw("replay", "case.json")
    assert done.status == 2, done.out
    assert len(done.err.splitlines()) == 1
    assert all(word in done.err for word in words), done.err


def test_a_good_witness(gradlaw, tmp_path):
    (tmp_path / "case.json").write_text(json.dumps(WITNESS))
    assert gradlaw("replay", "case.json", "--target", "right.py").status == 0


@pytest.mark.parametrize("command", ["replay", "explain"])
def test_a_witness_runs_nobodys_code(gradlaw, tmp_path, command):
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()")
    (tmp_path / "case.json").write_text(changed(("target",), "evil.py"))
    done = gradlaw(command, "case.json")
    assert done.status == 2
    assert "--target evil.py" in done.err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "jaxx"), ["jaxx", "Did you mean jax"]),
        (("check", "nothing.py"), ["nothing.py", "a file"]),
        (("check", "right.py:other"), ["other", "attribute"]),
        (("check", "right.py", "rellu"), ["rellu", "Did you mean relu"]),
        (("check", "right.py", "relu/linear"), ["linear", "Did you mean linearity"]),
        (("check", "right.py", "relu@float63"), ["float63", "Did you mean float64"]),
        (("check", "right.py", "matmul"), ["matmul", "tiny claims"]),
        (("check", "right.py", "--level", "scaler"), ["--level='scaler'", "scalar"]),
        (("check", "right.py", "--dtype", "double"), ["--dtype='double'"]),
        (("check", "right.py", "--json", "no/such/folder.json"), ["--json", "folder"]),
        (("check", "right.py", "--known", "none.toml"), ["none.toml"]),
        (("check", "right.py", "--examples", "0"), ["examples"]),
        (("check", "right.py", "--jobs", "many"), ["jobs"]),
        (("check",), ["target"]),
        (("chekc", "right.py"), ["chekc"]),
        (("replay", "none.json"), ["none.json"]),
        (("spec", "tanhh"), ["tanhh", "Did you mean tanh"]),
        (("spec", "tanh/linear"), ["Did you mean linearity"]),
    ],
)
def test_wrong_usage_is_clear(gradlaw, arguments, words):
    done = gradlaw(*arguments)
    assert done.status == 2, done.out + done.err
    assert all(word in done.err for word in words), done.err


@pytest.mark.parametrize("change", ["os._exit(3)", "sys.exit('no')", "raise ValueError('bad day')", "target = 3"])
def test_a_file_that_is_no_adapter(gradlaw, tmp_path, change):
    (tmp_path / "bad.py").write_text(f"import os, sys\n{change}\n")
    done = gradlaw("check", "bad.py")
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert "bad.py" in done.err


def test_lists(gradlaw):
    names = {row["name"] for row in json.loads(gradlaw("targets", "--json").out)}
    assert {"reference", "jax", "torch", "autograd", "micrograd"} <= names
    primitives = json.loads(gradlaw("primitives", "--json").out)
    assert [row["name"] for row in primitives] == list(load_primitives())
    assert list(primitives[0]) == ["name", "level", "pattern", "summary"]
    laws = {row["name"]: row for row in json.loads(gradlaw("laws", "--json").out)}
    assert laws["zero-stops"]["keyword"] == "SHOULD"
    for command in ("targets", "primitives", "laws"):
        done = gradlaw(command, NO_COLOR="1")
        assert done.status == 0
        assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tanh", ["# tanh", "g * (1 - value * value)"]),
        ("linearity", ["# linearity", "pullback/linearity"]),
        ("patterns/add-distributes", ["MUST"]),
        ("patterns", ["# "]),
        ("tanh/linearity@float32", ["# linearity", "# tanh"]),
        ("program/chain", ["# chain"]),
    ],
)
def test_spec_prints_pages(gradlaw, address, words):
    done = gradlaw("spec", address)
    assert done.status == 0, done.err
    assert all(word in done.out for word in words)


def test_importing_gradlaw_imports_no_engine():
    program = "import sys, gradlaw; print({'jax', 'torch', 'autograd', 'micrograd', 'hypothesis'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
