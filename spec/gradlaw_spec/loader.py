"""The loader: pages of the law book (Markdown with a TOML front matter) into nouns.

Each page has one owner for each fact; a page that is not as its type says is a SpecError that
names file, key, value, expectation and cure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from markdown_it import MarkdownIt

from gradlaw_spec.errors import SpecError, expectation, missing_key
from gradlaw_spec.law import Chapter, Clause, Law
from gradlaw_spec.primitive import Function, Primitive
from gradlaw_spec.tables import with_tables

Page = TypeVar("Page", Primitive, Function, Law, Chapter)
FENCE: Final = "+++"
CLAUSE_HEADING: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*) \((?P<keyword>MUST|SHOULD|MAY)\)")


def book() -> Path:
    """Return the folder of the law book: the shipped copy where there is one, else the checkout's."""
    shipped = Path(__file__).with_name("book")
    return shipped if shipped.is_dir() else Path(__file__).parent.parent


def read_page(path: Path, kind: type[Page]) -> Page:
    """Read one page as a Primitive, Law or Chapter; raise SpecError with file, key and cure otherwise."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(str(path), "no readable file", "a page of the law book", str(error.strerror)) from None
    opening, front, body = ("", "", "") if text.count(FENCE + "\n") < 2 else text.split(FENCE + "\n", 2)
    if opening.strip() or not front:
        raise SpecError(str(path), "no front matter", f"TOML between two lines {FENCE}", "Begin the page with it.")
    content: dict[str, Any] = {}
    try:
        content = msgspec.toml.decode(front)
        for key, value, known in _unknown_keys(kind, content):
            words = ", ".join(sorted(known - {"body", "clauses"}))
            raise SpecError(f"{path}: key {key}", f"{key}={value!r}", words, "Rename it.")
        page = msgspec.convert({**content, "body": body.strip()}, kind, dec_hook=_read_text)
    except msgspec.ValidationError as error:
        message, _, key = str(error).partition(" - at ")
        key = key.strip("`").removeprefix("$.")
        if missing := missing_key(message):
            key = f"{key}.{missing}".strip(".$")
        expected = _choices(kind, key) or expectation(message)
        raise SpecError(f"{path}: key {key}", _value_at(content, key), expected, "Mend the front matter.") from None
    except msgspec.DecodeError as error:
        raise SpecError(str(path), "malformed TOML", "a TOML front matter", str(error)) from None
    return page


def _read_text(kind: type[Any], text: Any) -> Any:
    """Read a value that a page writes as text: an interval, or where a kink is; raise ValueError otherwise."""
    if not isinstance(text, str):
        raise ValueError("Expected `str`")
    return kind.read(text)


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """Return the types of a noun's keys, which Python reads anew from their text at every call."""
    return get_type_hints(kind)


def _unknown_keys(kind: Any, content: Any, where: str = "") -> Iterator[tuple[str, Any, set[str]]]:
    """Yield the path and value of each key that a noun does not have, with the keys that it has."""
    if isinstance(content, list):
        inner = next(iter(get_args(kind)), None)
        for position, item in enumerate(content):
            yield from _unknown_keys(inner, item, f"{where}[{position}]")
    if not (isinstance(content, dict) and isinstance(kind, type) and is_dataclass(kind)):
        return
    known = _hints(kind)
    for key, value in content.items():
        path = f"{where}.{key}".strip(".")
        if key in known:
            yield from _unknown_keys(known[key], value, path)
        else:
            yield path, value, set(known)


def _value_at(content: Any, key: str) -> str:
    """Return ``key=value`` for a path such as ``operands[0].name``, as far as the path leads."""
    for part in re.findall(r"[^.\[\]]+", key):
        try:
            content = content[int(part) if part.isdigit() else part]
        except (KeyError, IndexError, TypeError):
            return f"no {key}"
    return f"{key}={content!r}"


def _choices(kind: Any, key: str) -> str:
    """Return the words that may stand at a path such as ``operands[0].kind``, where only some may."""
    for part in re.findall(r"[^.\[\]]+", key):
        if part.isdigit():
            kind = next(iter(get_args(kind)), None)
        else:
            kind = _hints(kind).get(part) if isinstance(kind, type) and is_dataclass(kind) else None
    return f"one of {', '.join(map(repr, get_args(kind)))}" if get_origin(kind) is Literal else ""


def _read_folder(folder: Path, kind: type[Page], key: str) -> Mapping[str, Page]:
    pages: dict[str, Page] = {}
    for path in sorted(folder.rglob("*.md"), key=lambda path: path.stem):
        page = read_page(path, kind)
        name = getattr(page, key)
        if name != path.stem:
            raise SpecError(f"{path}: key {key}", f"{key}={name!r}", f"{path.stem!r}, as the file", "Rename one.")
        pages[name] = page
    return MappingProxyType(pages)


@cache
def load_primitives() -> Mapping[str, Primitive]:
    """Return every primitive of the law book by name."""
    return _read_folder(book() / "primitives", Primitive, "name")


@cache
def load_functions() -> Mapping[str, Function]:
    """Return by name every step that formulas and rules are made of and that is no primitive."""
    return _read_folder(book() / "functions", Function, "name")


@cache
def load_pages() -> Mapping[str, Function]:
    """Return by name all that a formula may call: the primitives, and the functions beside them."""
    return MappingProxyType({**load_functions(), **load_primitives()})


@cache
def load_chapters() -> Mapping[str, Chapter]:
    """Return every chapter by id, each with its clauses, in reading order."""
    chapters = _read_folder(book() / "chapters", Chapter, "id")
    ordered = sorted(chapters.values(), key=lambda chapter: chapter.order)
    return MappingProxyType({chapter.id: _with_clauses(_with_tables(chapter)) for chapter in ordered})


def _with_tables(chapter: Chapter) -> Chapter:
    body = with_tables(f"chapters/{chapter.id}.md", chapter.body, load_primitives().values())
    return replace(chapter, body=body)


def _with_clauses(chapter: Chapter) -> Chapter:
    tokens = MarkdownIt().parse(chapter.body)
    clauses = []
    for position, token in enumerate(tokens):
        heading = CLAUSE_HEADING.fullmatch(token.content) if token.type == "inline" else None
        if heading and tokens[position - 1].type == "heading_open":
            text = tokens[position + 3].content if position + 3 < len(tokens) else ""
            if not text:
                where = f"chapters/{chapter.id}.md: clause {heading['name']}"
                raise SpecError(where, "no text", "a paragraph below the heading", "Write the clause there.")
            clauses.append(Clause(f"{chapter.id}/{heading['name']}", heading["keyword"], text.replace("\n", " ")))  # type: ignore[arg-type]
    return replace(chapter, clauses=tuple(clauses))


@cache
def load_clauses() -> Mapping[str, Clause]:
    """Return every clause of every chapter by its id, such as ``patterns/add-distributes``."""
    return MappingProxyType({clause.id: clause for c in load_chapters().values() for clause in c.clauses})


@cache
def load_laws() -> Mapping[str, Law]:
    """Return every law's page by id; raise SpecError where one cites a clause that is not in the book."""
    laws = _read_folder(book() / "laws", Law, "id")
    for law in laws.values():
        clause = load_clauses().get(law.clause)
        if clause is None or clause.keyword != law.keyword:
            found = f"clause={law.clause!r}, keyword={law.keyword!r}"
            expected = "a clause of spec/chapters with the same keyword"
            raise SpecError(f"laws/{law.id}.md: key clause", found, expected, "Cite one, or write it there.")
    return laws
