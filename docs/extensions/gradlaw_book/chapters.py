"""The chapters of the law book, with an anchor at each clause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from gradlaw.reports.code import step_text
from gradlaw_book.book import Book
from gradlaw_book.markdown import fence, label, link, linked, table, toctree
from gradlaw_book.primitives import nested_text
from gradlaw_spec import Chapter, Program, decode_program
from gradlaw_spec.loader import CLAUSE_HEADING

BLOCK: Final = re.compile(r"^```(program|example)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def chapter_page(book: Book, chapter: Chapter) -> str:
    """Return a chapter: its text, anchors and tests at its clauses, programs as code, examples as tables."""
    body = "\n".join(_with_clauses(book, chapter))
    text = f"{label(f'chapter-{chapter.id}')}\n{BLOCK.sub(_block, body)}\n"
    own = {key: target for key, target in book.targets.items() if key not in chapter.body.split("\n", 1)[0]}
    return linked(text, own, book.chapters)


def _with_clauses(book: Book, chapter: Chapter) -> Iterator[str]:
    """Yield the lines of a chapter; before a clause its anchor, below it the laws that test it."""
    pending = ""
    said = False
    depth = "##"
    for line in chapter.body.split("\n"):
        heading = CLAUSE_HEADING.fullmatch(line.removeprefix("### ")) if line.startswith("### ") else None
        if heading:
            clause = f"{chapter.id}/{heading['name']}"
            # The address itself is the anchor in the page; the label is what other pages refer to.
            yield f'<span id="{clause}"></span>\n\n{label(clause)}'
            pending, said = clause, False
            # Where no section was opened yet, a clause is one: a level is not skipped.
            yield f"{depth} {heading[0]}"
            continue
        if line.startswith("## "):
            depth = "###"
        if pending and line:
            said = True
        elif pending and said:
            yield from tests_of(book, pending)
            pending = ""
        yield line
    if pending:
        yield from tests_of(book, pending)


def tests_of(book: Book, clause: str) -> Iterator[str]:
    """Yield a line that names the laws that test a clause, if there are any."""
    names = [link(law.id, f"law-{law.id}") for law in book.laws.values() if law.clause == clause]
    if names:
        yield f"\nTested by the law {' and '.join(names)}.\n"


def _block(found: re.Match[str]) -> str:
    kind, text = found.groups()
    if kind == "program":
        return program_block(decode_program(text.encode()))
    return example_block(msgspec.json.decode(text.encode()))


def program_block(program: Program) -> str:
    """Return a program as one line a step."""
    named = [f"# inputs: {', '.join(program.inputs)}"]
    if program.data:
        named.append(f"# data: {', '.join(program.data)}")
    return fence("\n".join([*named, *map(step_text, program.steps)]), "python").rstrip()


def example_block(example: dict[str, Any]) -> str:
    """Return an example of a chapter as a table: values, cotangents, outputs and gradients."""
    rows = [(f"`{name}`", nested_text(value)) for name, value in example["values"].items()]
    rows += [("cotangent", nested_text(value)) for value in example["cotangents"]]
    rows += [("value", nested_text(value)) for value in example["outputs"]]
    rows += [(f"gradient of `{name}`", nested_text(value)) for name, value in example["gradients"].items()]
    return table(("what", "worked example, which runs as a test"), rows).rstrip()


def chapter_index(book: Book) -> str:
    """Return the list of the chapters in reading order, with the clauses of each."""
    text = [label("all-chapters"), "# Chapters\n"]
    rows = []
    for chapter in book.chapters.values():
        clauses = ", ".join(f"{link(item.id.partition('/')[2], item.id)} ({item.keyword})" for item in chapter.clauses)
        rows.append((link(chapter.title, f"chapter-{chapter.id}"), clauses))
    return "\n".join([*text, table(("chapter", "clauses"), rows), toctree(book.chapters)])
