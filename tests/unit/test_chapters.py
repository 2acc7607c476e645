"""The chapters and law pages: their tables and worked programs are true, and what they name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from markdown_it import MarkdownIt
from written_numbers import array_of, assert_written

from gradlaw_reference import Ball, admissible, using
from gradlaw_spec import (
    Chapter,
    Program,
    SpecError,
    book,
    decode_program,
    load_chapters,
    load_clauses,
    load_laws,
    load_primitives,
)
from gradlaw_spec.tables import with_tables

CHAPTERS = load_chapters()
LAWS = load_laws()


class Worked(msgspec.Struct, forbid_unknown_fields=True):
    """An ``example`` block: values, cotangents, and what comes out."""

    values: dict[str, Any]
    cotangents: list[Any]
    outputs: list[Any]
    gradients: dict[str, Any]


def blocks(chapter: Chapter) -> list[tuple[str, str]]:
    """Return the language and text of a chapter's fenced blocks."""
    tokens = MarkdownIt().parse(chapter.body)
    return [(token.info.strip(), token.content) for token in tokens if token.type == "fence"]


def worked() -> Iterator[Any]:
    """Yield each example of the chapters with the program above it, as a parameter of a test."""
    for chapter in CHAPTERS.values():
        program = None
        for number, (language, text) in enumerate(blocks(chapter)):
            if language == "program":
                program = decode_program(text.encode())
            elif language == "example":
                example = msgspec.json.decode(text, type=Worked)
                yield pytest.param(program, example, id=f"{chapter.id}-{number}")
            else:
                assert language == "text", f"chapters/{chapter.id}.md: a block of {language!r}"


EXAMPLES = list(worked())


@pytest.mark.parametrize(("program", "example"), EXAMPLES)
def test_worked_program(program: Program, example: Worked) -> None:
    values = {name: array_of(value) for name, value in example.values.items()}
    cotangents = tuple(array_of(cotangent) for cotangent in example.cotangents)
    exact = admissible(program, values, cotangents, dtype=None)
    with using(Ball(precision=320)):
        for written, output in zip(example.outputs, exact.outputs, strict=True):
            assert_written("output", written, output)
        assert tuple(example.gradients) == program.inputs or set(example.gradients) == set(program.inputs)
        for name, gradient in zip(program.inputs, exact.gradients, strict=True):
            assert_written(f"gradient of {name}", example.gradients[name], gradient)
            assert all(ball.is_exact() or ball.rad() < 1e-30 for ball in np.ravel(gradient))


def test_the_worked_programs_of_the_notes_are_there() -> None:
    found = {parameter.id.partition("-")[0] for parameter in EXAMPLES}
    assert {"programs", "vectorised", "parameters"} <= found
    networks = [parameter.values[0] for parameter in EXAMPLES if parameter.id.startswith("parameters")]
    assert [program.inputs for program in networks] == [("W", "b"), ("W1", "b1", "W2", "b2")]
    assert all(program.data == ("X", "T") for program in networks)


def table(chapter: str, heading: str) -> list[list[str]]:
    """Return the rows of the table whose first column has that heading, cell by cell."""
    rows: list[list[str]] = []
    for line in CHAPTERS[chapter].body.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == [heading]:
            rows = [cells]
        elif rows and cells:
            rows.append(cells)
        elif rows:
            break
    return rows[2:]


def test_the_table_of_local_gradients_is_made_of_the_pages() -> None:
    rows = {row[0]: row[1:] for row in table("local-gradients", "primitive")}
    scalar = {name: page for name, page in load_primitives().items() if page.level == "scalar"}
    assert rows.keys() == scalar.keys()
    for name, page in scalar.items():
        value, gradients = rows[name]
        assert value == f"`{page.value}`"
        assert all(f"{operand.name}: `{operand.vjp}`" in gradients for operand in page.differentiable)
    source = (book() / "chapters" / "local-gradients.md").read_text(encoding="utf-8")
    assert not [name for name in scalar if f"| {name} |" in source], "the chapter's table is made, not written"


def test_a_table_of_no_level_is_refused() -> None:
    with pytest.raises(SpecError, match=r"'scalars'; expected one of .*scalar"):
        with_tables("chapters/x.md", "```gradients\nscalars\n```", load_primitives().values())


def test_levels_are_described() -> None:
    described = {row[0].strip("`") for row in table("levels", "level")}
    used = {page.level for page in load_primitives().values()} | {law.level for law in LAWS.values()}
    assert used <= described


def test_constants_of_the_dtypes() -> None:
    from gradlaw_spec import DTYPES

    superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    rows = table("admissible-sets", "dtype")
    assert [row[0] for row in rows] == list(DTYPES)
    for name, *powers, _ in rows:
        facts = DTYPES[name]
        written = [2.0 ** int(power.removeprefix("2").translate(superscripts)) for power in powers]
        assert written == [facts.unit_roundoff, facts.smallest_subnormal, facts.smallest_normal]


def test_clause_ids_are_unique() -> None:
    names = [clause.id for chapter in CHAPTERS.values() for clause in chapter.clauses]
    assert len(names) == len(set(names)) == len(load_clauses())


@pytest.mark.parametrize("clause", sorted(load_clauses()))
def test_clause_says_its_keyword(clause: str) -> None:
    found = load_clauses()[clause]
    assert found.keyword in found.text, f"{clause}: write {found.keyword} in its paragraph"


def test_reading_order() -> None:
    orders = [chapter.order for chapter in CHAPTERS.values()]
    assert orders == list(range(1, len(orders) + 1))
    for chapter in CHAPTERS.values():
        assert chapter.body.startswith(f"# {chapter.title}\n"), f"chapters/{chapter.id}.md: begin with its title"


def everything() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every page."""
    for chapter in CHAPTERS.values():
        yield f"chapters/{chapter.id}.md", chapter.body
    for law in LAWS.values():
        yield f"laws/{law.id}.md", law.body
    for page in load_primitives().values():
        yield f"primitives/{page.name}.md", page.body


@pytest.mark.parametrize(("name", "text"), list(everything()))
def test_references_lead_somewhere(name: str, text: str) -> None:
    for chapter in re.findall(r"chapter\s+\*([\w-]+)\*", text):
        assert chapter in CHAPTERS, f"{name}: there is no chapter {chapter!r}"
    clauses = [*re.findall(r"[Cc]lause\s+`([\w/-]+)`", text)]
    for clause in clauses:
        own = f"{name.removeprefix('chapters/').removesuffix('.md')}/{clause}"
        assert {clause, own} & set(load_clauses()), f"{name}: there is no clause {clause!r}"
    for law in re.findall(r"[Ll]aw\s+`([\w-]+)`", text):
        assert law in LAWS, f"{name}: there is no law {law!r}"


THE_LAWS = [
    "add-distributes",
    "multiply-swaps",
    "max-routes",
    "branches-sum",
    "matrix-shapes",
    "broadcast-sums",
    "sum-broadcasts",
    "moves-invert",
    "select-masks",
    "zero-stops",
    "linearity",
    "zero-cotangent",
    "chain",
    "disconnected",
    "constants",
    "value",
    "gradient",
    "modularity",
    "staging",
    "kinks",
    "shape",
    "dtype",
    "determinism",
    "purity",
    "liveness",
]


def test_the_laws_are_there() -> None:
    assert set(THE_LAWS) <= set(LAWS)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_law_page_says_why(name: str) -> None:
    body = LAWS[name].body
    for part in ("**Why.**", "**Example.**", "**Mutant"):
        assert part in body, f"spec/laws/{name}.md: add a paragraph {part}"
