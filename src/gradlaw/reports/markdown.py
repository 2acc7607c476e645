"""Untrusted text in GitHub flavoured Markdown: as code that nothing in it ends."""

from __future__ import annotations

import re

from gradlaw.reports.cells import printable


def span(text: str) -> str:
    """Return a text as a code span that nothing in it ends: its fence is longer than any run of backticks."""
    line = " ".join(printable(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def in_table(text: str) -> str:
    """Return a text as a code span for a cell of a table, which a bar would end even there."""
    return span(text).replace("|", "\\|")


def fenced(text: str, language: str = "") -> str:
    """Return a text as a block of code that nothing in it ends."""
    block = printable(text).rstrip("\n")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block)), default=0))
    return f"{fence}{language}\n{block}\n{fence}"
