"""The generated part of the book: every page and file by its path, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gradlaw_book.book import Book
from gradlaw_book.chapters import chapter_index, chapter_page
from gradlaw_book.engines import engine_index, engine_page, witness_files
from gradlaw_book.functions import function_page
from gradlaw_book.laws import law_index, law_page
from gradlaw_book.primitives import primitive_index, primitive_page
from gradlaw_book.samples import Panel, alternative_text, panels

Drawer = Callable[[tuple[Panel, ...]], bytes]
"""What draws the panels of a primitive's picture as SVG."""


def contents(book: Book, draw: Drawer | None = None) -> dict[str, bytes]:
    """Return every generated file by its path; without ``draw`` there are no pictures."""
    pages = {
        "primitives/index.md": primitive_index(book),
        "functions/index.md": function_page(book),
        "laws/index.md": law_index(book),
        "chapters/index.md": chapter_index(book),
        "engines/index.md": engine_index(book),
    }
    pages |= {f"laws/{name}.md": law_page(book, law) for name, law in book.laws.items()}
    pages |= {f"chapters/{name}.md": chapter_page(book, chapter) for name, chapter in book.chapters.items()}
    pages |= {f"engines/{name}.md": engine_page(book, name) for name in book.engines}
    files = {f"engines/{name}": content for name, content in witness_files(book)}
    for name, page in book.primitives.items():
        drawn = panels(page) if draw else ()
        if draw and drawn:
            files[f"primitives/{name}.svg"] = draw(drawn)
        pages[f"primitives/{name}.md"] = primitive_page(book, page, alternative_text(page, drawn) if drawn else "")
    return {**{path: text.encode() for path, text in pages.items()}, **files}


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder hold these files and no others; a file that is right stays untouched, so that it is not rebuilt."""
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file() or place.read_bytes() != content:
            place.write_bytes(content)
    for place in folder.rglob("*"):
        if place.is_file() and place.relative_to(folder).as_posix() not in files:
            place.unlink()
