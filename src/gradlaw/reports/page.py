"""Pages that stand alone: one file, its style and script inside, nothing from a network, everything escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gradlaw.reports.cells import GLYPHS, printable
from gradlaw_spec import Verdict

TEMPLATES: Final = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """Return a value as a page shows it: hidden characters of a text become visible."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render(template: str, **values: Any) -> bytes:
    """Return a page, with the style and the script that all pages share.

    The policy in its head lets run that one script, known by its hash, and no other: even a text that got out of
    its place could do nothing.
    """
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    shared = {
        "style": Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # both are ours
        "script": Markup(script),
        "script_source": Markup("'sha256-{}'").format(Markup(digest)),
        "glyphs": {verdict.value: glyph for verdict, glyph in GLYPHS.items()},
        "verdicts": [verdict.value for verdict in Verdict],
    }
    return _environment().get_template(template).render(**shared, **values).encode("utf-8")


def anchor(address: str) -> str:
    """Return the id of an address's element: an id has no white space."""
    return re.sub(r"\s", "_", printable(address))


def link(address: str) -> str:
    """Return the URL of an address's element in the same page."""
    return f"#{quote(anchor(address))}"


def data_url(content: bytes) -> str:
    """Return a JSON file as the URL that downloads it."""
    return f"data:application/json;base64,{base64.b64encode(content).decode()}"
