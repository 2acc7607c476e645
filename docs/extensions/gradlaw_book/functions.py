"""One page for all steps that formulas and rules are made of."""

from __future__ import annotations

from gradlaw_book.book import Book
from gradlaw_book.markdown import code, fence, label, linked, sections, table
from gradlaw_spec import Function

INTRODUCTION = """The formulas of gradients and the compositions of primitives are written in primitives and in a few
steps beside them, which say in one word what shapes do. No engine needs to have them: each is explained here, with what
it does to a cotangent."""


def function_page(book: Book) -> str:
    """Return the page of all functions, a section each."""
    text = [label("all-functions"), "# Steps of formulas\n", INTRODUCTION, ""]
    return "\n".join([*text, *(_section(book, page) for page in book.functions.values())])


def _section(book: Book, page: Function) -> str:
    """Return the section of a function: its prose one level down, and its formulas."""
    _, intro, parts = sections(page.body)
    text = [label(f"function-{page.name}"), f"## {page.name}\n", f"{page.summary}\n", intro, ""]
    for heading, body in parts.items():
        text += [f"**{heading}.** {body}\n"]
    rows = [(code(operand.name), code(operand.vjp)) for operand in page.operands if operand.vjp]
    if rows:
        text.append(table(("operand", "gradient"), rows))
    if page.composition:
        text.append(f"In primitives:\n\n{fence(page.composition.strip(), 'python')}")
    own = {page.name, *(item.name for item in (*page.operands, *page.attributes))}
    targets = {name: target for name, target in book.targets.items() if name not in own}
    return linked("\n".join(text), targets, book.chapters)
