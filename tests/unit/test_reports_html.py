"""The HTML page: what is in it, that it stands alone, and that nothing of a target becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from made_reports import FENCES, HOSTILE, cell, every_verdict, hostile, report, should, violation, witness
from markupsafe import Markup

from gradlaw.formats.report import html
from gradlaw.reports.page import TEMPLATES, anchor, link
from gradlaw_spec import Verdict, encode_witness


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text outside of style and script."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.text, self.inside = [], "", ""
        self.feed(content.decode("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page(cells, strict=False, **changes):
    return Page(html.render(report(cells, **changes), strict=strict))


def test_header_says_what_ran():
    found = page(every_verdict(), name="tiny", version="2.1", seed=7)
    assert "tiny 2.1" in found.text
    assert "gradlaw 0.1.0 against law book 0.1, seed 7." in found.text
    assert "9 cells: 1 pass, 1 violation" in found.text
    assert "no seed." in page([cell()], seed=None).text


def test_a_row_for_each_cell_with_glyph_text_and_what_it_is_filtered_by():
    cells = every_verdict()
    found = page(cells)
    rows = [attributes for attributes in found.all("tr") if "data-row" in attributes]
    assert [row["data-verdict"] for row in rows] == [verdict.value for verdict in Verdict]
    assert rows[0] | {"data-level": "scalar", "data-law": "gradient", "data-dtype": "float64"} == rows[0]
    assert rows[-1]["data-level"] == "program"
    for glyph, verdict in zip("✓✗?–◆★○!…", Verdict, strict=True):
        assert f"{glyph} {verdict.value}" in found.text
    assert {attributes["name"] for attributes in found.all("select")} == {"verdict", "level", "law", "dtype"}
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {one.address for one in cells} <= set(ids)


def test_a_violation_is_told_in_full():
    found = page([violation()])
    for text in ("MUST truth/gradient: Every element", "y = relu(x)", "cotangent of y = 2.0", "print(3)", "50 % away"):
        assert text in found.text
    assert "[1.0, 2.0]" in found.text
    (download,) = (attributes for attributes in found.all("a") if "download" in attributes)
    assert download["download"] == "relu-gradient-float64.json"
    prefix, _, data = download["href"].partition(",")
    assert prefix == "data:application/json;base64"
    assert base64.b64decode(data) == encode_witness(witness())
    assert json.loads(found.text[found.text.index('{\n "subject"') :].partition("\n}")[0] + "\n}")
    copied = {attributes["data-copy"] for attributes in found.all("button") if "data-copy" in attributes}
    assert copied <= {attributes["id"] for attributes in found.all("code") if "id" in attributes}
    assert len(copied) == 2


def test_crashes_timeouts_and_known_deviations_are_told_too():
    found = page(every_verdict())
    told = [attributes["data-verdict"] for attributes in found.all("details") if "data-verdict" in attributes]
    assert told == ["violation", "crash", "timeout", "known"]


def test_should_fails_only_when_strict():
    assert 'class="outcome held"' in html.render(report([should()]), strict=False).decode()
    assert 'class="outcome failed"' in html.render(report([should()]), strict=True).decode()
    told = page([should(), violation()])
    assert [one["data-law"] for one in told.all("details") if "data-law" in one] == ["gradient", "zero-stops"]
    assert "SHOULD" in told.text


def test_clause_is_markdown():
    written = html.render(report([violation(clause="patterns/add-distributes")]), strict=False).decode()
    assert "<code>add</code> MUST hand its cotangent" in written


def test_a_picture_goes_in_as_it_is():
    written = html.render(report([violation()]), strict=False, draw=lambda one: Markup(f"<svg>{one.dtype}</svg>"))
    assert b"<svg>float64</svg></figure>" in written


def test_a_witness_has_its_circuit():
    written = html.render(report([violation()]), strict=False)
    assert b'<svg xmlns="http://www.w3.org/2000/svg" class="circuit"' in written


@pytest.mark.parametrize("text", [HOSTILE, FENCES])
def test_nothing_of_a_target_is_markup(text):
    content = html.render(hostile(text), strict=False)
    found = Page(content)
    plain = Page(html.render(hostile("plain"), strict=False))
    assert [tag for tag, _ in found.tags if tag != "p"] == [tag for tag, _ in plain.tags if tag != "p"]
    assert not found.all("img")
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert content.count(b"</script>") == 1
    assert HOSTILE in found.text or text is not HOSTILE


def test_hidden_characters_are_seen():
    content = html.render(hostile(FENCES), strict=False).decode()
    assert not re.search("[\x00\x1b\u202e]", content)
    assert r"d\u001b[31m\u0000\ud800\u202e" in content


def test_it_stands_alone():
    content = html.render(report(every_verdict()), strict=False).decode()
    found = Page(content.encode())
    loads = [attributes for _, attributes in found.tags if attributes.keys() & {"src", "srcset", "data", "action"}]
    assert not loads
    assert not found.all("link")
    assert all(attributes["href"].startswith(("#", "data:")) for attributes in found.all("a"))
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", content)
    (policy,) = (one["content"] for one in found.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    script = re.search("<script>(.*?)</script>", content, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "http" not in policy


def test_controls_have_names_and_pages_a_language():
    found = page(every_verdict())
    assert found.all("html") == [{"lang": "en"}]
    assert all(svg.get("aria-label") or svg.get("aria-labelledby") for svg in found.all("svg"))
    assert all(attributes["type"] in ("button", "reset") for attributes in found.all("button"))
    assert len(found.all("label")) == len(found.all("select")) + len(found.all("input"))


def test_an_address_is_an_anchor():
    assert anchor("tanh/gradient@float64") == "tanh/gradient@float64"
    assert link("tanh/gradient@float64") == "#tanh/gradient%40float64"
    assert anchor("a b\nc") == "a_b_c"


def test_contrast():
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root {(.*?)}", style, re.S)
    )
    for colours in (light, dark):
        for paper in ("paper", "panel"):
            for ink in ("ink", "muted", "link", "bad", "good"):
                assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
            for drawn in ("set", "got", "line"):
                assert contrast(colours[drawn], colours[paper]) >= 3, (drawn, paper)
    shades = re.findall(r"\.(\w+) { --shade: (#\w{6});(?: --on-shade: (#\w{6});)? }", style)
    assert {name for name, _, _ in shades} == {verdict.value for verdict in Verdict}
    for name, shade, ink in shades:
        assert contrast(shade, ink or "#000000") >= 4.5, name


def contrast(first, second):
    """Return the contrast of two colours, as WCAG defines it."""

    def luminance(colour):
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
