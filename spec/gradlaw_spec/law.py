"""The nouns Clause, Chapter and Law: what the law book says, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradlaw_spec.primitive import Level, Pattern

Keyword = Literal["MUST", "SHOULD", "MAY"]
Subject = Literal["primitive", "program", "both"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One normative sentence: its id (``patterns/add-distributes``), keyword (RFC 2119) and text."""

    id: str
    keyword: Keyword
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter of the law book, read from ``spec/chapters/<id>.md``."""

    id: str
    title: str
    order: int
    clauses: tuple[Clause, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A law's page, read from ``spec/laws/<id>.md``: which clause it tests, and on what.

    ``patterns`` limits a law to the primitives with that backward-flow pattern (empty: all), ``dtypes`` to those dtypes
    (empty: all). A ``campaign`` takes so long that it runs only where an address has its name.
    """

    id: str
    clause: str
    keyword: Keyword
    level: Level
    subject: Subject
    summary: str
    patterns: tuple[Pattern, ...] = ()
    dtypes: tuple[str, ...] = ()
    campaign: bool = False
    body: str = ""
