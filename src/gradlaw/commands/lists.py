"""``gradlaw targets``, ``primitives``, ``laws`` and ``spec``: what there is, and what the law book says of it."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console

from gradlaw.commands import NO_VIOLATION
from gradlaw.reports.pages import Rows, print_address, print_rows


def list_rows(rows: Rows, *, as_json: bool) -> int:
    """Print rows as a table or as JSON."""
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
    else:
        print_rows(Console(file=sys.stdout, highlight=False), rows)
    return NO_VIOLATION


def print_spec(address: str) -> int:
    """Print what the law book says of an address."""
    print_address(Console(file=sys.stdout, highlight=False), address)
    return NO_VIOLATION
