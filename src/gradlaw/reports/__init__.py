"""Reports: what a run found, as text, as files for people and for machines, and as scripts that show it.

A module of this package is the format of a file if it has two names: ``REPORT``, which says in one line what the file
is, and ``write``, which makes it of a `gradlaw.reports.json.Report`. The command line has an option for each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from gradlaw.reports.json import Report

MARK: Final = re.compile(r'^REPORT: Final = "(.+)"$', re.MULTILINE)


class Writer(Protocol):
    """Makes a file of a finished run; ``strict`` says that a SHOULD law fails it too."""

    def __call__(self, report: Report, *, strict: bool) -> bytes:
        """Return what the file has in it."""
        ...


@cache
def formats() -> Mapping[str, str]:
    """Return each format with what its file is.

    The line is read off the source, and nothing is imported: worker processes, which read the command line's
    options too, must start quickly.
    """
    pages = {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))}
    return {name: found[1] for name, page in pages.items() if (found := MARK.search(page))}


def writer(name: str) -> Writer:
    """Return the function that writes a format's file."""
    return cast(Writer, import_module(f"{__name__}.{name}").write)
