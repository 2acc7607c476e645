"""Pieces of Markdown: tables, labels, links, sections, and the law book's own cross-references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

CODE_SPAN: Final = re.compile(r"`([^`\n]+)`")
SPECIAL: Final = re.compile(r"[\\`*_<>\[\]{}$|]")
BAR: Final = re.compile(r"(?<!\\)[|]")
CHAPTER: Final = re.compile(r"(?<=\bchapter )\*([a-z-]+)\*")


def label(name: str) -> str:
    """Return a target that `link` finds, to stand on a line of its own."""
    return f"({name})=\n"


def link(text: str, target: str) -> str:
    """Return a link to a target anywhere in the book."""
    return f"[{text}](#{target})"


def code(text: str) -> str:
    """Return a text as a code span."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def escaped(text: str) -> str:
    """Return plain text, such as a list of known deviations has, with nothing in it that Markdown reads as its own."""
    return SPECIAL.sub(r"\\\g<0>", text)


def fence(text: str, language: str = "text") -> str:
    """Return lines as a fenced block, which holds fences of its own."""
    mark = "```" if "```" not in text else "````"
    return f"{mark}{language}\n{text}\n{mark}\n"


def math(formula: str) -> str:
    """Return LaTeX as a displayed formula."""
    return f"```{{math}}\n{formula}\n```\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without the columns in which nothing stands; a bar inside of a cell is escaped."""
    body = list(rows)
    kept = [place for place in range(len(header)) if any(row[place] for row in body)]
    chosen = [[row[place] for place in kept] for row in (header, ["---"] * len(header), *body)]
    lines = list(map(_row, chosen))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    escaped = (BAR.sub(r"\|", " ".join(cell.split())) for cell in cells)
    return f"| {' | '.join(escaped)} |"


def details(summary: str, body: str) -> str:
    """Return a block that is closed until its reader opens it."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n</details>\n"


def toctree(names: Iterable[str], *, hidden: bool = True) -> str:
    """Return a table of contents of pages in the same folder."""
    options = ":hidden:\n" if hidden else ""
    return f"```{{toctree}}\n{options}:maxdepth: 1\n\n{chr(10).join(names)}\n```\n"


def sections(body: str) -> tuple[str, str, dict[str, str]]:
    """Split a page into its title, what stands below it, and its sections of the second level by heading."""
    title, _, rest = body.partition("\n")
    parts = re.split(r"^## (.+)\n", rest, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return title.removeprefix("# "), parts[0].strip(), {heading: text.strip() for heading, text in pairs}


def linked(text: str, targets: Mapping[str, str], chapters: Iterable[str]) -> str:
    """Link what the law book's prose names: code spans that are a key of ``targets``, and *chapters*.

    Fenced and indented blocks stay as they are, and so do headings.
    """
    names = frozenset(chapters)

    def span(found: re.Match[str]) -> str:
        target = targets.get(found[1])
        return found[0] if target is None else link(found[0], target)

    def chapter(found: re.Match[str]) -> str:
        return link(found[0], f"chapter-{found[1]}") if found[1] in names else found[0]

    lines = []
    fenced = False
    for line in text.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        if fenced or line.startswith(("```", "    ", "#", "(")):
            lines.append(line)
        else:
            lines.append(CHAPTER.sub(chapter, CODE_SPAN.sub(span, line)))
    return "\n".join(lines)
