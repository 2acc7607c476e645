"""Follow every internal link of the built pages, and look at how external ones are written.

``python docs/check_links.py docs/_build/html`` prints each link that leads nowhere, and then exits with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ATTRIBUTES = {"href", "src", "data"}
EXTERNAL = ("https", "mailto", "data")
GENERATED = ("genindex.html", "search.html", "py-modindex.html")
"""Pages of Sphinx itself, with a frame that is filled by a script."""


class Page(HTMLParser):
    """A page's links and anchors, and the pictures that have no text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.silent: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to and what it is an anchor of."""
        given = {name: value or "" for name, value in attrs}
        self.links += [value for name, value in given.items() if name in ATTRIBUTES and tag != "base"]
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "img" and not given.get("alt"):
            self.silent.append(given.get("src", ""))
        if tag == "iframe" and not given.get("title"):
            self.silent.append(given.get("src", ""))


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the links and pictures of the pages in a folder."""
    paths = sorted(folder.rglob("*.html"))
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in paths}
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        for link in page.links:
            fault = fault_of(link, path, pages)
            if fault:
                yield f"{name}: {link}: {fault}"
        if str(name) not in GENERATED:
            yield from (f"{name}: {source}: a picture without a text" for source in page.silent)


def fault_of(link: str, path: Path, pages: dict[Path, Page]) -> str:
    """Return what is wrong with a link on a page; nothing, where it leads somewhere."""
    try:
        parts = urlsplit(link)
    except ValueError as error:
        return str(error)
    if parts.scheme:
        well_formed = parts.scheme in EXTERNAL and (parts.scheme != "https" or "." in parts.netloc)
        return "" if well_formed else f"expected one of {', '.join(EXTERNAL)}, with a host"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return "no such anchor"
    return ""


def main(folder: Path) -> int:
    """Print every problem; return the exit status."""
    found = list(problems(folder))
    print("\n".join(found) if found else f"{folder}: every link leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
