"""The verdicts alone: written, read back, the same again; and what changed from one file to the next."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from made_reports import cell, every_verdict, report, should, violation
from rich.console import Console

from gradlaw.formats.report import results
from gradlaw.reports.regression import make_regression, regression_text
from gradlaw_spec import Address, Severity, SpecError, Verdict


def written(tmp_path, made):
    path = tmp_path / "r.toml"
    path.write_bytes(results.render(made))
    return path


def test_one_line_a_subject_and_law():
    half = cell(Verdict.KNOWN, address="relu/gradient@float32", seconds=3.0, message="why")
    text = results.render(report([should(), half, cell()])).decode()
    assert text == (
        'gradlaw = "0.1.0"\nspec = "0.1"\ntarget = "tiny"\nversion = "2.1"\nseed = 0\n\n[verdicts]\n'
        '"exp/zero-stops" = { float64 = "violation" }\n'
        '"relu/gradient" = { float64 = "pass", float32 = "known" }\n'
    )


def test_another_run_of_the_same_version_changes_nothing():
    cells = every_verdict()
    slower = [replace(one, seconds=one.seconds + 1, examples=7, message="other words") for one in reversed(cells)]
    assert results.render(report(cells)) == results.render(report(slower))


def test_reading_gives_the_verdicts_back(tmp_path):
    made = report([*every_verdict(), violation(address="relu/no-such-law@*")], seed=None)
    read = results.read(written(tmp_path, made))
    assert {one.address: one.verdict for one in read.cells} == {one.address: one.verdict for one in made.cells}
    assert (read.target, read.seed, read.summary) == (made.target, None, made.summary)
    assert {one.clause for one in read.cells if one.address == "exp/zero-stops@float64"} <= {"pullback/zero-stops"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[verdicts]", "[verdicts"), "malformed TOML"),
        (('target = "tiny"\n', ""), "target"),
        (('"pass"', '"good"'), "good"),
        (("seed = 0", "seed = 0.5"), "int"),
        (("seed = 0", "sed = 0"), "sed"),
    ],
)
def test_a_file_that_is_none(tmp_path, change, words):
    path = tmp_path / "r.toml"
    path.write_text(results.render(report([cell()])).decode().replace(*change))
    with pytest.raises(SpecError, match=words) as caught:
        results.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def changed(address, verdict):
    return cell(verdict, address=address)


OLD = [
    changed("relu/gradient@float64", Verdict.PASS),
    changed("relu/gradient@float32", Verdict.PASS),
    changed("exp/value@float64", Verdict.VIOLATION),
    changed("exp/shape@float64", Verdict.PASS),
    changed("log/value@float64", Verdict.PASS),
]
NEW = [
    changed("relu/gradient@float64", Verdict.VIOLATION),
    changed("relu/gradient@float32", Verdict.VIOLATION),
    changed("exp/value@float64", Verdict.KNOWN),
    changed("exp/shape@float64", Verdict.PASS),
    changed("tan/value@float64", Verdict.PASS),
]


def test_what_changed():
    found = make_regression(report(OLD), report(NEW, version="2.2"))
    assert [str(address) for address in found.worse] == ["relu/gradient@float32", "relu/gradient@float64"]
    assert found.better == (Address("exp", "value", "float64"),)
    assert found.added == (Address("tan", "value", "float64"),)
    assert found.gone == (Address("log", "value", "float64"),)
    assert (found.same, found.fails) == (1, True)


@pytest.mark.parametrize(
    ("old", "new", "fails"),
    [
        (Verdict.PASS, Verdict.UNSUPPORTED, True),
        (Verdict.PASS, Verdict.INCONCLUSIVE, True),
        (Verdict.KNOWN, Verdict.FIXED, False),
        (Verdict.VIOLATION, Verdict.VIOLATION, False),
        (None, Verdict.CRASH, True),
        (None, Verdict.KNOWN, False),
        (Verdict.VIOLATION, None, False),
    ],
)
def test_what_stops_a_build(old, new, fails):
    address = "relu/gradient@float64"
    sides = [report([] if verdict is None else [changed(address, verdict)]) for verdict in (old, new)]
    assert make_regression(*sides).fails is fails


@pytest.mark.parametrize(("old", "new", "fails"), [("digits", "wrong", True), ("wrong", "digits", False)])
def test_a_violation_that_got_more_severe_got_worse(old, new, fails):
    found = [
        report([replace(changed("relu/gradient@float64", Verdict.VIOLATION), severity=Severity(severity))])
        for severity in (old, new)
    ]
    compared = make_regression(*found)
    assert (len(compared.worse), len(compared.better)) == ((1, 0) if fails else (0, 1))
    assert compared.fails is fails


def test_the_text_has_a_line_a_subject_law_and_change():
    file = StringIO()
    found = make_regression(report(OLD), report(NEW, version="2.2"))
    regression_text(Console(file=file, width=80, highlight=False), found)
    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "tiny 2.1 → 2.2 (gradlaw 0.1.0 → 0.1.0, law book 0.1 → 0.1)",
        "",
        "Worse (2)",
        "  relu/gradient: pass → violation @ float32, float64",
        "",
        "Better (1)",
        "  exp/value: violation → known @ float64",
        "",
        "New (1)",
        "  tan/value: pass @ float64",
        "",
        "Gone (1)",
        "  log/value: pass @ float64",
        "",
        "5 cells: 2 worse, 1 better, 1 new, 1 gone, 1 the same",
    ]
