"""Tables of the chapters that repeat what primitives' pages say: made from the pages wherever a chapter is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gradlaw_spec.errors import SpecError
from gradlaw_spec.primitive import Primitive

BLOCK: Final = re.compile(r"^```gradients\n(?P<level>.*)\n```$", re.MULTILINE)
"""A block that stands for the table of local gradients of a level's elementwise primitives."""


def with_tables(where: str, body: str, pages: Iterable[Primitive]) -> str:
    """Return a chapter's text with its tables; raise SpecError where a block names a level that has no primitives."""
    known = tuple(pages)

    def table(found: re.Match[str]) -> str:
        rows = [gradient_row(page) for page in known if page.level == found["level"]]
        if not rows:
            levels = ", ".join(sorted({page.level for page in known}))
            raise SpecError(f"{where}: block gradients", repr(found["level"]), f"one of {levels}", "Name a level.")
        return "\n".join(("| primitive | value | gradient of each operand |", "|---|---|---|", *rows))

    return BLOCK.sub(table, body)


def gradient_row(page: Primitive) -> str:
    """Return a primitive's row: its name, the formula of its value, and that of each operand's gradient."""
    gradients = "; ".join(f"{operand.name}: `{operand.vjp}`" for operand in page.operands if operand.vjp)
    value = page.value or ", ".join(f"{result.name} = {result.value}" for result in page.results)
    return f"| {page.name} | `{value}` | {gradients or 'those of its results'} |"
