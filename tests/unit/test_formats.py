"""The registry: a format is one file in the folder of what it shows, and everything offers it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from made_reports import cell, every_verdict, report

import gradlaw
from gradlaw import formats as registry
from gradlaw.circuits.explanation import Explanation
from gradlaw.cli import app
from gradlaw.formats import formats, rendered, renderer
from gradlaw.formats.explanation.json import read_explanation
from gradlaw.reports.matrix import make_matrix
from gradlaw_spec import SPEC_VERSION, SpecError

NAMES = {
    "report": {"badge", "html", "json", "junit", "markdown", "results", "sarif", "text"},
    "matrix": {"html", "markdown", "text"},
    "explanation": {"html", "json", "mermaid", "png", "python", "svg", "text"},
}
EVERY = [(what, name) for what, names in NAMES.items() for name in sorted(names)]
STAGED = gradlaw.explain("f = (x + sigmoid(y)) * x", x=3.0, y=-4.0)


def test_the_formats_are_what_the_folders_have():
    folders = {path.name for path in Path(registry.__file__).parent.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(NAMES)
    assert {what: set(formats(what)) for what in NAMES} == NAMES
    for what in NAMES:
        for path in (Path(registry.__file__).parent / what).glob("*.py"):
            cure = f'give {path.name} the line FORMAT: Final = "what its file is", in double quotes on one line'
            assert path.stem == "__init__" or path.stem in formats(what), cure


@pytest.mark.parametrize(("what", "name"), EVERY)
def test_a_format_has_two_names(what, name):
    module = import_module(f"gradlaw.formats.{what}.{name}")
    assert formats(what)[name] == module.FORMAT
    assert renderer(what, name) is module.render


@pytest.mark.parametrize(("what", "name"), EVERY)
def test_every_format_renders(what, name):
    made = report(every_verdict())
    things = {"report": made, "matrix": make_matrix(((Path("a.json"), made),)), "explanation": STAGED}
    options = {"strict": False} if what == "report" else {}
    content = rendered(what, name, things[what], **options)
    assert isinstance(content, bytes)
    assert content == rendered(what, name, things[what], **options)


@pytest.mark.parametrize(
    ("what", "name", "near"),
    [("explanation", "pgn", "png"), ("report", "jsn", "json"), ("matrix", "markdwon", "markdown")],
)
def test_an_unknown_format_names_the_near_ones(what, name, near):
    with pytest.raises(SpecError, match=f"{name}.*Did you mean {near}"):
        renderer(what, name)


def test_a_new_format_is_one_file(monkeypatch, tmp_path):
    source = 'FORMAT: Final = "Only the title."\n\ndef render(explanation):\n    return explanation.title\n'
    (tmp_path / "explanation").mkdir()
    (tmp_path / "explanation" / "title.py").write_text(source)
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "__init__.py"))
    formats.cache_clear()
    try:
        assert formats("explanation") == {"title": "Only the title."}
    finally:
        monkeypatch.undo()
        formats.cache_clear()


@pytest.mark.parametrize(("command", "what"), [("check", "report"), ("compare", "matrix")])
def test_a_command_has_an_option_for_each_format(command, what):
    callback = next(one.callback for one in app.registered_commands if one.callback.__name__ == command)
    assert set(formats(what)) <= set(callback.__annotations__)


def test_text_of_a_report_says_what_ran():
    written = rendered("report", "text", report([cell()], name="tiny", version="2.1", seed=7), strict=False).decode()
    assert written.startswith(f"gradlaw 0.1.0, law book {SPEC_VERSION}: tiny 2.1, seed 7\n")
    assert written.endswith("1 cells: 1 pass\n")


def test_an_explanation_is_data_and_shows_itself():
    assert isinstance(STAGED, Explanation)
    with pytest.raises(FrozenInstanceError):
        STAGED.title = "another"
    assert {name for name in NAMES["explanation"] if hasattr(STAGED, name)} == NAMES["explanation"]
    assert set(NAMES["explanation"]) <= set(dir(STAGED))
    assert STAGED.png() == rendered("explanation", "png", STAGED)
    with pytest.raises(AttributeError, match="gif"):
        STAGED.gif()


def arrays(explanation):
    for flow in explanation.flows:
        readings = [*flow.values.values(), *flow.received.values(), *(one.amount for one in flow.parts)]
        yield from (array for one in readings for array in (one.value, one.low, one.high) if array is not None)
        yield from (one.local for one in flow.parts if one.local is not None)


@pytest.mark.parametrize(
    "explanation",
    [
        STAGED,
        gradlaw.explain("f = maximum(x, y)", {"x": "-1:1:3", "y": "0"}),
        gradlaw.explain("f = exp(x[1:])", x=[1.0, 1000.0, -1.0], certified=True),
        gradlaw.explain("f = take(x, i)", x=[1.0, 2.0], i=[0, 0]),
    ],
    ids=["one point", "a range", "sets with infinities", "data"],
)
def test_json_goes_both_ways(explanation):
    content = rendered("explanation", "json", explanation)
    again = read_explanation(content)
    assert rendered("explanation", "json", again) == content
    assert again.flows[0].program == explanation.flows[0].program
    assert rendered("explanation", "text", again) == rendered("explanation", "text", explanation)
    for one, other in zip(arrays(explanation), arrays(again), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"title": 1, "flows": []}'])
def test_what_is_no_explanation_is_refused(content):
    with pytest.raises(SpecError, match="an explanation in JSON"):
        read_explanation(content)
