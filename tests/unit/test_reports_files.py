"""The files that machines and jobs read: JSON, JUnit XML, Markdown, SARIF and the badge."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import junitparser
import pytest
from made_reports import FENCES, HOSTILE, cell, every_verdict, hostile, report, should, violation
from markdown_it import MarkdownIt

from gradlaw.commands.files import check_files
from gradlaw.formats import formats, rendered
from gradlaw.formats.report import badge, html, junit, markdown, sarif
from gradlaw.formats.report import json as plain
from gradlaw.reports.cells import printable
from gradlaw_spec import SpecError, Verdict, load_laws

TEXTS = (HOSTILE, FENCES, "&<>\"'\x07\ufffe")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", formats("report"))
def test_any_text_can_be_written(name, text):
    assert rendered("report", name, hostile(text), strict=True).decode("utf-8").endswith("\n")


@pytest.mark.parametrize("name", formats("report"))
def test_a_file_that_cannot_be_written(name, tmp_path, monkeypatch):
    check_files({name: tmp_path / "report"})
    assert not (tmp_path / "report").exists()
    for path in (tmp_path, tmp_path / "nowhere" / "report"):
        with pytest.raises(SpecError, match=rf"^report: found --{name}="):
            check_files({name: path})
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SpecError, match="a file that can be written"):
        check_files({name: tmp_path / "report"})


def test_json_has_the_documented_keys_and_no_finding():
    content = json.loads(plain.render(report([violation()])))
    assert list(content) == ["gradlaw", "spec", "target", "seed", "summary", "cells", "finished"]
    assert tuple(content["cells"][0]) == plain.KEYS
    assert "finding" not in plain.KEYS


def read_junit(cells, strict=False):
    document = junitparser.JUnitXml.fromfile(BytesIO(junit.render(report(cells), strict=strict)))
    (suite,) = document
    return suite, list(suite)


def test_junit_has_a_test_case_for_each_cell():
    suite, tests = read_junit(every_verdict())
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("tiny 2.1", 9, 1, 2, 4)
    assert {one.name: one.value for one in suite.properties()} == {"gradlaw": "0.1.0", "spec": "0.1", "seed": "0"}
    assert (tests[1].classname, tests[1].name, tests[1].time) == ("relu@float64", "gradient", 0.25)
    kinds = [type(test.result[0]).__name__ if test.result else "" for test in tests]
    assert kinds == ["", "Failure", "Skipped", "Skipped", "Skipped", "", "Skipped", "Error", "Error"]
    assert "MUST truth/gradient" in tests[1].result[0].text
    assert "y = relu(x)" in tests[1].result[0].text
    assert tests[2].result[0].message == "inconclusive: why it is inconclusive"


@pytest.mark.parametrize("verdict", [Verdict.VIOLATION, Verdict.CRASH])
def test_junit_fails_for_should_only_when_strict(verdict):
    (test,) = read_junit([should(verdict)])[1]
    assert isinstance(test.result[0], junitparser.Skipped)
    assert test.result[0].message == f"{verdict.value} of a SHOULD: a flow that is zero goes on"
    (test,) = read_junit([should(verdict)], strict=True)[1]
    assert isinstance(test.result[0], junitparser.Failure if verdict is Verdict.VIOLATION else junitparser.Error)


def test_junit_keeps_what_xml_may_not_have_as_escapes():
    root = ElementTree.fromstring(junit.render(hostile(FENCES), strict=False))
    assert r"\u001b[31m\u0000\ud800" in root.find(".//failure").text
    assert not root.findall(".//img")


def test_markdown_says_what_fails():
    written = markdown.render(report(every_verdict()), strict=False).decode()
    assert "## gradlaw: `tiny 2.1`" in written
    assert "**3 of 9 cells fail**. gradlaw `0.1.0`, law book `0.1`, seed 0." in written
    assert "| ✗ violation | 1 |" in written
    assert "### ✗ violation: `relu/gradient@float64`\n" in written
    assert "```python\nprint(3)\n```" in written
    tolerated = markdown.render(report([should()], seed=None), strict=False).decode()
    assert "**None of 1 cells fails**" in tolerated
    assert "no seed" in tolerated
    assert "`exp/zero-stops@float64` (SHOULD)" in tolerated


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_of_a_target_leaves_its_code(text):
    parser = MarkdownIt("commonmark").enable("table")
    tokens = [
        token
        for block in parser.parse(markdown.render(hostile(text), strict=True).decode())
        for token in (block, *(block.children or ()))
    ]
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_block", "html_inline", "image", "link_open"}
    first = printable(text.split()[0])
    assert any(first in token.content for token in tokens if token.type == "code_inline")
    assert any(first in token.content for token in tokens if token.type == "fence")
    assert sum(token.type == "heading_open" for token in tokens) == 3


def test_a_summary_is_not_longer_than_one_may_be():
    many = [violation(address=f"relu/gradient@{number}", message="m" * 10_000) for number in range(200)]
    written = markdown.render(report(many), strict=False)
    assert len(written) < 1024 * 1024
    assert re.search(rb"And \d+ more, which the other reports have in full\.\n$", written)


def test_sarif_has_what_the_standard_asks_for():
    log = json.loads(sarif.render(report([*every_verdict(), should()]), strict=False))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "gradlaw"
    rules = driver["rules"]
    assert [rule["id"] for rule in rules] == ["gradient", "zero-stops"]
    for rule in rules:
        assert load_laws()[rule["id"]].summary == rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"].startswith(rule["properties"]["keyword"])
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning")
    results = run["results"]
    assert [one["level"] for one in results] == ["error", "warning", "error", "error"]
    for one in results:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
        assert one["kind"] == "fail"
        assert one["message"]["text"]
        (place,) = one["locations"][0]["logicalLocations"]
        assert place["fullyQualifiedName"] == one["partialFingerprints"]["address/v1"]
    strict = json.loads(sarif.render(report([should()]), strict=True))
    assert strict["runs"][0]["results"][0]["level"] == "error"


def text_of(content):
    root = ElementTree.fromstring(content)
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    return root.find(f"{space}title").text, root.findall(f".//{space}text")[1].text, root


def test_badge_counts():
    title, said, _ = text_of(badge.render(report([cell()] * 2015), strict=False))
    assert said == "0 violations, 2015 cells"
    assert title == "gradlaw: tiny 2.1: 0 violations, 2015 cells"
    assert text_of(badge.render(report([violation()]), strict=False))[1] == "1 violation, 1 cell"
    assert text_of(badge.render(report(every_verdict()), strict=False))[1] == "1 violation, 1 crash, 1 timeout, 9 cells"


def test_badge_colours_tell_failing_from_tolerated_from_holding():
    colours = [
        [colour for colour in badge.COLOURS.values() if colour in badge.render(report([one]), strict=strict).decode()]
        for one, strict in ((cell(), False), (should(), False), (should(), True), (violation(), False))
    ]
    holds, tolerated, fails = badge.COLOURS.values()
    assert colours == [[holds], [tolerated], [fails], [fails]]


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_of_a_target_is_markup_in_a_badge(text):
    _, _, root = text_of(badge.render(hostile(text), strict=False))
    assert {element.tag.partition("}")[2] for element in root.iter()} == {"svg", "title", "rect", "path", "g", "text"}


def test_same_report_same_files():
    made = report(every_verdict())
    again = replace(made)
    for module in (html, junit, markdown, sarif, badge):
        assert module.render(made, strict=False) == module.render(again, strict=False)
