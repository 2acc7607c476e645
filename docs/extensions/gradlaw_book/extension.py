"""The Sphinx extension: writes the generated pages before a build, and adds the directive, MathML and references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from gradlaw_book import circuit, mathml, references
from gradlaw_book.book import load_book
from gradlaw_book.contents import contents, write
from gradlaw_book.drawing import primitive_svg
from gradlaw_book.roundings import rounding_svg


def generate(application: Sphinx) -> None:
    """Write the generated pages and pictures into the folder ``book`` beside the hand-written pages."""
    source = Path(application.srcdir)
    files = contents(load_book(source.parent), primitive_svg)
    for folder in ("primitives", "functions", "laws", "chapters", "engines"):
        kept = {path.removeprefix(f"{folder}/"): text for path, text in files.items() if path.startswith(f"{folder}/")}
        write(source / "book" / folder, kept)
    write(source / "book" / "pictures", {"roundings.svg": rounding_svg()})
    (source / "book" / "static").mkdir(exist_ok=True)
    # Not in conf.py: a clean checkout has no such folder yet when Sphinx looks at its settings.
    application.config.html_static_path.append("book/static")


def setup(application: Sphinx) -> dict[str, Any]:
    """Set the extension up."""
    application.connect("builder-inited", generate)
    circuit.setup(application)
    mathml.setup(application)
    references.setup(application)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
