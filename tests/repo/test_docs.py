"""The book: its code runs, its commands print what it says, and each page of the law book has a page in it.

In a page, a captioned block is a file for the blocks below it (a ``diff`` changes that file), a ``python`` block runs
after those above it, with the comments at its end as its output, and a ``console`` block is a session; there, a line
``…`` stands for any lines.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from markdown_it import MarkdownIt

from gradlaw.reports.report import Engine, make_report
from gradlaw_spec import Cell, Verdict, load_chapters, load_clauses, load_functions, load_laws, load_primitives, ulp
from gradlaw_spec.dtypes import DTYPES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.append(str(DOCS / "extensions"))
chapters, contents_module, engines, formulas, markdown, samples = (
    __import__(f"gradlaw_book.{name}", fromlist=["*"])
    for name in ("chapters", "contents", "engines", "formulas", "markdown", "samples")
)
book_module = __import__("gradlaw_book.book", fromlist=["*"])
WRITTEN = (*DOCS.glob("*.md"), *(DOCS / "learn").glob("*.md"))
PAGES = (*sorted(str(path.relative_to(DOCS)) for path in WRITTEN if path.name != "README.md"), "../README.md")
WIDTH = "88"
OPTION = re.compile(r":(\w+): (.+)\n")
README_HELP = {"my_engine.py": "from tiny_engines import Number as Value\n"}
"""The README's adapter is of an engine that the reader has; here it is one of the suite's own."""


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    caption: str
    line: int


def blocks(page: str) -> tuple[Block, ...]:
    found = []
    for token in MarkdownIt().parse((DOCS / page).read_text(encoding="utf-8")):
        if token.type == "fence":
            language = token.info.removeprefix("{code-block}").strip()
            options = dict(OPTION.findall(token.content)) if token.info.startswith("{") else {}
            text = OPTION.sub("", token.content).lstrip("\n") if options else token.content
            found.append(Block(language, text, options.get("caption", ""), token.map[0] + 1))
    return tuple(found)


def environment() -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT / "tests" / "unit")])
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": WIDTH, "PYTHONPATH": paths}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "check": False}
    return subprocess.run(command, cwd=folder, env=environment(), **options)


def ending_comments(code: str) -> list[str]:
    lines = code.rstrip().splitlines()
    first = next((place for place, line in reversed([*enumerate(lines)]) if not line.startswith("# ")), -1) + 1
    return [line.removeprefix("# ") for line in lines[first:]]


def patched(text: str, change: str) -> str:
    """Apply a change that is shown as lines with - and +, in this order."""
    old = "".join(f"{line[1:]}\n" for line in change.splitlines() if line.startswith("-"))
    new = "".join(f"{line[1:]}\n" for line in change.splitlines() if line.startswith("+"))
    assert text.count(old) == 1
    return text.replace(old, new)


def fits(shown: str, printed: str) -> bool:
    """Whether an output is what a page shows; trailing spaces and the version do not count.

    A line ``…`` stands for any lines, and ``…`` in a line for what grows with the law book.
    """
    pattern = r"\n".join(
        r"(?:.*\n)*.*" if line == "…" else re.escape(line.rstrip()).replace("…", r"\d+")
        for line in shown.rstrip("\n").split("\n")
    )
    pattern = re.sub(r"gradlaw\\? \d+\\\.\d+\\\.\d+", r"gradlaw\\ [0-9.]+", pattern)
    plain = "\n".join(line.rstrip() for line in printed.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, plain) is not None


def session(text: str, folder: Path) -> None:
    """Run the commands of a console block one after the other, and compare what each prints."""
    status = 0
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        if command == "echo $?":
            assert shown.strip() == str(status)
            continue
        arguments = shlex.split(command)
        assert arguments[0] == "gradlaw", f"the book runs only gradlaw, not {command}"
        done = run([sys.executable, "-m", *arguments], folder)
        status = done.returncode
        assert fits(shown, done.stdout), f"$ {command}\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page(page: str, tmp_path: Path) -> None:
    readme = page == "../README.md"
    for name, text in README_HELP.items() if readme else ():
        (tmp_path / name).write_text(text)
    code: list[Block] = []
    for block in blocks(page):
        if block.caption.endswith(".py"):
            file = tmp_path / block.caption
            file.write_text(patched(file.read_text(), block.text) if block.language == "diff" else block.text)
        elif block.language == "python":
            code.append(block)
        elif block.language == "console" and not readme:  # the README's session needs torch: tests/conformance
            session(block.text, tmp_path)
    for engine in sorted(
        {name for block in code for name in re.findall(r"^import (torch|jax)\b", block.text, re.MULTILINE)}
    ):
        pytest.importorskip(engine, reason=f"this page imports {engine}: the conformance environment runs it")
    if code:
        mark = "-- the next block --"
        (tmp_path / "page.py").write_text(f"print({mark!r})\n".join(block.text for block in code), encoding="utf-8")
        done = run([sys.executable, "page.py"], tmp_path)
        assert done.returncode == 0, done.stdout
        for block, printed in zip(code, done.stdout.split(f"{mark}\n"), strict=True):
            expected = ending_comments(block.text)
            assert not expected or printed.splitlines() == expected, f"line {block.line}"


def test_a_page_whose_output_differs_is_noticed(tmp_path: Path) -> None:
    assert fits("one\n…\nlast", "one\ntwo\nthree\nlast")
    assert fits("…\nlast", "last") or fits("…\nlast", "\nlast")
    assert not fits("one\n…\nlast", "one\ntwo\nlast one")
    assert fits("gradlaw 0.1.0, law book", "gradlaw 12.0.3, law book")
    with pytest.raises(AssertionError):
        session("$ gradlaw spec tanh/nothing\nwhatever\n", tmp_path)


@pytest.fixture(scope="module")
def book():
    return book_module.load_book(ROOT)


@pytest.fixture(scope="module")
def pages(book) -> dict[str, str]:
    drawn = contents_module.contents(book, lambda panels: b"<svg/>")
    return {path: content.decode() for path, content in drawn.items()}


def listed(page: str) -> set[str]:
    (tree,) = (token.content for token in MarkdownIt().parse(page) if token.info == "{toctree}")
    return {line for line in tree.splitlines() if line and not line.startswith(":")}


@pytest.mark.parametrize(
    ("folder", "names"), [("primitives", load_primitives), ("laws", load_laws), ("chapters", load_chapters)]
)
def test_each_page_of_the_law_book_is_in_a_table_of_contents(folder, names, pages) -> None:
    assert listed(pages[f"{folder}/index.md"]) == set(names())
    assert {path for path in pages if path.startswith(f"{folder}/") and path.endswith(".md")} == {
        f"{folder}/{name}.md" for name in [*names(), "index"]
    }
    assert f"book/{folder}/index" in (DOCS / "index.md").read_text(encoding="utf-8")


def test_each_step_of_formulas_has_a_section(pages) -> None:
    page = pages["functions/index.md"]
    assert all(f"(function-{name})=\n## {name}\n" in page.replace("\n\n", "\n") for name in load_functions())
    assert "book/functions/index" in (DOCS / "index.md").read_text(encoding="utf-8")


def test_each_engine_with_known_deviations_has_a_page(book, pages) -> None:
    assert (
        listed(pages["engines/index.md"])
        == set(book.engines)
        >= {path.stem for path in (ROOT / "known").glob("*.toml")}
    )
    for engine, entries in book.known.items():
        for position, entry in enumerate(entries):
            assert f"({engines.known_label(engine, entry)})=" in pages[f"engines/{engine}.md"]
            assert f"`{entry.address}`" in pages[f"engines/{engine}.md"]
            assert (f"engines/{engines.witness_name(engine, position)}" in pages) is (entry.witness is not None)


def test_every_link_of_a_generated_page_has_its_label(pages) -> None:
    text = "\n".join([*pages.values(), *((DOCS / page).read_text(encoding="utf-8") for page in PAGES[:-1])])
    labels = set(re.findall(r"^\((.+)\)=$", text, re.MULTILINE))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= labels
    assert set(load_clauses()) <= labels


def test_prose_of_the_law_book_is_all_there(pages) -> None:
    plain = {path: re.sub(r"\]\(#[^)]+\)|\[(?=[`*])", "", text) for path, text in pages.items()}
    for page in load_primitives().values():
        for paragraph in page.body.split("\n\n"):
            assert paragraph in plain[f"primitives/{page.name}.md"]
    for law in load_laws().values():
        assert law.body.partition("\n")[2].strip() in plain[f"laws/{law.id}.md"]
    for clause in load_clauses().values():
        assert clause.text in " ".join(plain[f"chapters/{clause.id.partition('/')[0]}.md"].split("\n"))


def test_each_mutant_is_named(book, pages) -> None:
    for name, law in book.runnable.items():
        assert all(f"`{mutant.name}`" in pages[f"laws/{name}.md"] for mutant in law.mutants)


def test_formulas_as_mathematics() -> None:
    assert formulas.latex("g / (2 * value)") == r"\frac{g}{2 \cdot y}"
    assert formulas.latex("(x1 + x2) * g") == r"\left(x_{1} + x_{2}\right) \cdot g"
    assert formulas.latex("sin(exp(-x))") == r"\sin\left(e^{-x}\right)"
    assert formulas.latex("square(x - 1) * sqrt(x - 1)") == r"\left(x - 1\right)^{2} \cdot \sqrt{x - 1}"
    assert formulas.latex("abs(-x)") == r"\left|-x\right|"
    assert formulas.latex("-(x - 1)") == r"-\left(x - 1\right)"
    assert formulas.latex("x - (y - z)") == r"x - \left(y - z\right)"
    assert formulas.latex("g @ matrix_transpose(x2)") == r"g \, x_{2}^{\top}"
    assert formulas.latex("where(x > 0, where(x < 1, g, 0), 0)") == (
        r"\begin{cases} g & \text{if } x > 0 \text{ and } x < 1 \\ 0 & \text{otherwise} \end{cases}"
    )
    with pytest.raises(ValueError, match="no LaTeX for"):
        formulas.latex("[g]")


def test_every_formula_of_the_law_book_can_be_written(pages) -> None:
    for page in load_primitives().values():
        values = [result.value for result in page.results] or [page.value]
        for formula in (*values, *(operand.vjp for operand in page.differentiable if operand.vjp)):
            assert formulas.latex(formula) in pages[f"primitives/{page.name}.md"]


def test_a_picture_is_broken_where_the_function_is() -> None:
    (tan,) = samples.panels(load_primitives()["tan"])
    holes = tan.places[np.isnan(tan.value)]
    np.testing.assert_array_less(np.abs(np.abs(holes) - np.pi / 2), 0.03)
    (relu,) = samples.panels(load_primitives()["relu"])
    assert not np.isnan(relu.value).any()
    assert np.isnan(relu.gradient).any()
    assert (relu.spikes[0].place, relu.spikes[0].low, relu.spikes[0].high) == (0, 0, 1)
    text = samples.alternative_text(load_primitives()["relu"], (relu,))
    assert "a bar at x = 0 from 0 to 1, the allowed set" in text


def test_movement_has_no_picture(pages) -> None:
    assert samples.panels(load_primitives()["reshape"]) == ()
    assert "primitives/reshape.svg" not in pages
    assert len(samples.panels(load_primitives()["divide"])) == 2


def test_what_the_picture_of_boxes_says_in_words() -> None:
    first, second = ulp(3.717, DTYPES["bfloat16"]), ulp(0.717, DTYPES["bfloat16"])
    assert first / second == 4, "admissible-sets.md says four times"


def test_verdicts_of_reports(book) -> None:
    common = {"examples": 1, "points": 1, "inconclusive": 0, "seconds": 0.0, "clause": "truth/gradient"}
    cells = [
        Cell(address="tanh/gradient@float64", verdict=Verdict.PASS, **common),
        Cell(address="tanh/gradient@float32", verdict=Verdict.VIOLATION, **common),
        Cell(address="exp/gradient@float32", verdict=Verdict.PASS, **common),
    ]
    report = make_report("0.1.0", Engine("torch", "2"), 0, cells)
    with_report = replace(book, reports=(report,))
    text = engines.verdict_table(with_report, "tanh")
    assert "| [gradient](#law-gradient) | pass: float64; **violation**: float32 |" in text
    assert engines.verdict_table(with_report, "sin") == ""
    assert "torch 2: gradlaw 0.1.0" in engines.engine_page(with_report, "torch")


def test_the_book_has_the_committed_verdicts(book) -> None:
    files = {path.stem for path in (ROOT / "results").glob("*.toml")}
    assert files == {report.target.name for report in book.reports}
    assert all(report.summary["pass"] > 0 for report in book.reports)


def test_what_was_generated_before_is_cleared(tmp_path: Path) -> None:
    contents_module.write(tmp_path, {"a/old.md": b"1", "kept.md": b"2"})
    before = (tmp_path / "kept.md").stat().st_mtime_ns
    contents_module.write(tmp_path, {"kept.md": b"2"})
    assert not (tmp_path / "a" / "old.md").exists()
    assert (tmp_path / "kept.md").stat().st_mtime_ns == before


def test_external_addresses_are_well_formed(pages) -> None:
    """Only their form: tests have no network."""
    texts = [*pages.values(), *(path.read_text(encoding="utf-8") for path in (*DOCS.rglob("*.md"), *ROOT.glob("*.md")))]
    for address in re.findall(r"https?:[^\s<>)\"'`]+", "\n".join(texts)):
        if address.rstrip("…") != "https://":
            parts = urlsplit(address)
            assert parts.scheme == "https", address
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), address


def test_links_of_built_pages(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text('<a href="two.html#there"></a><a href="two.html#not"></a><img src="none.png">')
    (tmp_path / "two.html").write_text('<p id="there"><a href="http://plain.org">x</a>')
    done = run([sys.executable, str(DOCS / "check_links.py"), str(tmp_path)], tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "one.html: two.html#not: no such anchor",
        "one.html: none.png: no such file",
        "one.html: none.png: a picture without a text",
        "two.html: http://plain.org: expected one of https, mailto, data, with a host",
    ]
