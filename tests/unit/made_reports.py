"""Reports made by hand: a cell of every verdict, of MUST and SHOULD laws, and with text that tries to break out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlaw.reports.report import Engine, make_report
from gradlaw_spec import PROGRAM, Case, Cell, Finding, Program, Step, Verdict, Witness, load_primitives

HOSTILE = "</script><img src=x onerror=alert(1)>"
FENCES = "``` `` ` | </details> ![a](http://example.org) [b](javascript:c)\n\n# d\x1b[31m\x00\ud800\u202e"
FINDING = Finding(what="gradient of x", index=(), got=3.0, low=1.0, high=2.0, width=1.0, distance=1.0, ulps=5e15)


def witness(name="x", **changes):
    program = Program((name,), (Step(("y",), "relu", (name,)),), ("y",))
    values, cotangents = {name: np.array(1.5)}, (np.array(2.0),)
    made = Case(subject="relu", program=program, values=values, cotangents=cotangents, dtype="float64")
    return replace(Witness(made, "gradient"), **changes)


def cell(verdict=Verdict.PASS, law="gradient", subject="relu", **changes):
    clause = {"gradient": "truth/gradient", "zero-stops": "pullback/zero-stops"}.get(law, "truth/value")
    made = Cell(
        address=f"{subject}/{law}@float64",
        verdict=verdict,
        examples=10,
        points=40,
        inconclusive=2,
        seconds=0.25,
        clause=clause,
        message="" if verdict is Verdict.PASS else f"why it is {verdict.value}",
    )
    return replace(made, **changes)


def violation(**changes):
    given = {"message": "gradient of x: got 3.0", "witness": witness(), "script": "print(3)\n", "finding": FINDING}
    return cell(Verdict.VIOLATION, **{**given, **changes})


def every_verdict():
    """Return a cell of each verdict, under names of primitives; the violation has all that a cell may have."""
    names = (*tuple(load_primitives())[1 : len(Verdict)], PROGRAM)
    cells = [cell(verdict, subject=name) for verdict, name in zip(Verdict, names, strict=True)]
    return [violation() if one.verdict is Verdict.VIOLATION else one for one in cells]


def should(verdict=Verdict.VIOLATION):
    return cell(verdict, law="zero-stops", subject="exp", message="a flow that is zero goes on")


def report(cells, name="tiny", version="2.1", seed=0):
    return make_report("0.1.0", Engine(name, version), seed, cells)


def hostile(text):
    """Return a report in which everything that comes from a target is one text."""
    bad = violation(
        message=text,
        script=text,
        witness=witness(target=text.encode("utf-8", "replace").decode()),
        finding=replace(FINDING, what=text),
    )
    others = [cell(verdict, subject="exp", message=text) for verdict in (Verdict.UNSUPPORTED, Verdict.CRASH)]
    known = cell(Verdict.KNOWN, subject="log", message=text, witness=witness(), script=text)
    stale = cell(Verdict.STALE, address=text.encode("utf-8", "replace").decode(), message=text)
    return report([bad, *others, known, stale], name=text, version=text)
