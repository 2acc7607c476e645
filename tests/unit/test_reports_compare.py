"""Comparing reports: what is counted, how it is shown, and what is said of files that are none."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from made_reports import FENCES, HOSTILE, cell, every_verdict, hostile, report, should, violation
from markdown_it import MarkdownIt
from rich.console import Console

from gradlaw.formats.matrix import html, markdown, text
from gradlaw.formats.reading import read_report
from gradlaw.formats.report import json as plain
from gradlaw.reports.matrix import make_matrix
from gradlaw_spec import SpecError, Verdict

GOOD = report([cell(), cell(law="value"), cell(subject="stack")], name="good", version="1.0")
BAD = report([violation(), cell(law="value"), should()], name="bad", version="2.0")


def matrix(*reports):
    return make_matrix(tuple((Path(f"{number}.json"), one) for number, one in enumerate(reports)))


def shown(made, width=80):
    console = Console(width=width, record=True, highlight=False, file=StringIO())
    text.print_matrix(console, made)
    return console.export_text()


def test_the_worst_verdict_and_the_counts():
    made = matrix(GOOD, BAD)
    assert [engine.name for engine in made.engines] == ["good", "bad"]
    good, bad = made.rows["relu"]
    assert good.counts == ((Verdict.PASS, 2),)
    assert bad.counts == ((Verdict.VIOLATION, 1), (Verdict.PASS, 1))
    assert (bad.worst, bad.total) == (Verdict.VIOLATION, 2)
    assert made.rows["stack"] == (made.rows["stack"][0], None)
    assert list(made.by_law) == ["gradient", "value", "zero-stops"]
    assert list(made.by_law["value"]) == ["relu"]
    assert made.keywords["zero-stops"] == "SHOULD"


def test_programs_come_last_and_every_verdict_has_a_place():
    made = matrix(report(every_verdict()))
    assert list(made.rows)[-1] == "program"
    assert {entry.worst for (entry,) in made.rows.values()} == set(Verdict)


def test_columns_of_one_name_say_their_files():
    assert [engine.file for engine in matrix(GOOD, GOOD, BAD).engines] == ["0.json", "1.json", ""]


def test_text_fits_eighty_columns_for_four_engines():
    long = [
        replace(one, address=one.address.replace("relu", "matrix_transpose"))
        for one in [cell(Verdict.INCONCLUSIVE)] * 120
    ]
    text = shown(matrix(*(report(long, name=name) for name in ("micrograd", "autograd", "torch", "jax"))))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "matrix_transpose ? inconcl. 120 ? inconcl. 120 ? inconcl. 120 ? inconcl. 120" in text
    assert "micrograd" in lines[0]


def test_markdown_is_a_table():
    written = markdown.render(matrix(GOOD, BAD)).decode()
    assert "| | `good` `1.0` | `bad` `2.0` |\n|---|---|---|" in written
    assert "| `relu` | ✓ pass 2 of 2 | ✗ violation 1 of 2 |" in written
    assert "| `stack` | ✓ pass 1 of 1 |  |" in written


def test_page_has_a_table_of_all_laws_and_one_of_each():
    written = html.render(matrix(GOOD, BAD)).decode()
    assert written.count("<tbody data-group>") == 1
    assert written.count("<tbody data-group hidden>") == 3
    assert '<option value="zero-stops">zero-stops (SHOULD)</option>' in written
    assert re.search(r'data-law="all" data-search="relu" data-differs="yes"', written)
    assert "1 violation, 1 pass" in written
    assert "default-src 'none'" in written


@pytest.mark.parametrize("text", [HOSTILE, FENCES])
def test_nothing_of_a_report_is_markup(text):
    made = matrix(hostile(text), hostile(text))
    page = html.render(made).decode()
    assert "<img" not in page
    assert page.count("</script>") == 1
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown.render(made).decode())
    inner = {child.type for token in tokens for child in token.children or ()} | {token.type for token in tokens}
    assert not inner & {"html_inline", "html_block", "image", "link_open"}
    assert sum(token.type == "table_open" for token in tokens) == 1
    assert "\x1b" not in shown(made, 400)


def test_another_law_book_is_said():
    made = matrix(GOOD, replace(BAD, spec="0.9"))
    assert made.notes == ("1.json is of law book 0.9, and this is law book 0.1: its cells may mean something else.",)
    assert "law book 0.9" in shown(made).replace("\n", " ")
    assert "law book 0.9" in html.render(made).decode()
    assert "law book 0.9" in markdown.render(made).decode()


def test_reading_gives_back_what_was_written(tmp_path):
    path = tmp_path / "r.json"
    made = report([violation(), should(), cell()], seed=None)
    path.write_bytes(plain.render(made))
    assert read_report(path) == replace(made, cells=tuple(replace(one, finding=None) for one in made.cells))


def broken(change):
    content = json.loads(plain.render(BAD))
    change(content)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("content", "place", "found"),
    [
        (b"{", "", "malformed JSON"),
        (b"\xff\xfe", "", "malformed JSON"),
        (b"[]", ": $", "`array`"),
        (broken(lambda it: it.pop("cells")), ": $", "no cells"),
        (broken(lambda it: it["cells"][1].pop("verdict")), ": $.cells[1]", "no verdict"),
        (broken(lambda it: it["cells"][2].update(verdict="nice")), ": $.cells[2].verdict", "nice"),
        (broken(lambda it: it["target"].update(version=3)), ": $.target.version", "`int`"),
        (broken(lambda it: it["cells"][0]["witness"].update(dtype=1)), ": $.cells[0].witness.dtype", "`int`"),
    ],
)
def test_a_file_that_is_no_report_is_one_line(tmp_path, content, place, found):
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(SpecError) as raised:
        read_report(path)
    message = str(raised.value)
    assert message.startswith(f"{path}{place}: found ")
    assert found in message
    assert "\n" not in message


def test_no_file(tmp_path):
    with pytest.raises(SpecError, match="no readable file"):
        read_report(tmp_path / "none.json")
