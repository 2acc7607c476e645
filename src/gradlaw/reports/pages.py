"""The law book on the command line: what targets, primitives and laws there are, and what an address means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from gradlaw.messages import near
from gradlaw.targets.loading import BUILT_IN, entry_point_targets
from gradlaw_spec import (
    DTYPES,
    PROGRAM,
    Address,
    Chapter,
    Function,
    Law,
    Primitive,
    Result,
    SpecError,
    load_chapters,
    load_clauses,
    load_laws,
    load_pages,
    load_primitives,
)
from gradlaw_spec.attributes import MEANINGS, When

Rows = Sequence[Mapping[str, str]]


def target_rows() -> Rows:
    """Return every target that a name finds: its engine's version, and what it runs."""
    rows = []
    for name, (distribution, summary) in BUILT_IN.items():
        try:
            found = version(distribution)
        except PackageNotFoundError:
            found = ""
        missing = "" if found else f"not installed: pip install gradlaw[{name}]"
        rows.append({"name": name, "version": found, "summary": missing or summary})
    for name, point in sorted(entry_point_targets().items()):
        found = "" if point.dist is None else point.dist.version
        rows.append({"name": name, "version": found, "summary": f"entry point {point.value}"})
    return rows


def primitive_rows() -> Rows:
    """Return every primitive of the law book."""
    return [
        {"name": page.name, "level": page.level, "pattern": page.pattern, "summary": page.summary}
        for page in load_primitives().values()
    ]


def law_rows() -> Rows:
    """Return every law of the spec."""
    return [
        {"name": law.id, "keyword": law.keyword, "level": law.level, "clause": law.clause, "summary": law.summary}
        for law in load_laws().values()
    ]


def print_rows(console: Console, rows: Rows) -> None:
    """Print rows as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in rows[0]:
        table.add_column(key, overflow="fold", no_wrap=key == "name")
    for row in rows:
        table.add_row(*(Text(text) for text in row.values()))
    console.print(table)


def print_address(console: Console, address: str) -> None:
    """Print what the law book says of an address, primitive, law, chapter or clause; raise SpecError otherwise."""
    for page in pages_of(address):
        console.print(Markdown(page) if console.is_terminal else Text(page), soft_wrap=not console.is_terminal)


def pages_of(address: str) -> tuple[str, ...]:
    """Return the pages of an address: of its law and of its primitive, of a chapter, or a clause."""
    asked = Address.parse(address)
    clauses = load_clauses()
    if address in clauses:
        clause = clauses[address]
        return (f"# {clause.id} ({clause.keyword})\n\n{clause.text}\n",)
    pages: Mapping[str, Any] = {**load_chapters(), **load_laws(), **load_pages()}
    found = [pages[name] for name in (asked.law, asked.subject) if name in pages]
    wanted = [name for name in (asked.subject, asked.law) if name and name != PROGRAM]
    if len(found) != len(wanted) or (asked.dtype and asked.dtype not in DTYPES) or not wanted:
        names = [*pages, *clauses, PROGRAM]
        missing = next((name for name in wanted if name not in pages), asked.dtype or address)
        expected = "a primitive, function, law, chapter, clause or address of the law book"
        raise SpecError("spec", f"address={address!r}", expected, near(missing, names))
    return tuple(_page(page) for page in found)


def _judged(result: Result) -> str:
    """Say what of a result is judged, where that is not the result itself."""
    return f"; judged: `{result.judged}`" if result.judged else ""


def _page(page: Function | Law | Chapter) -> str:
    if isinstance(page, Chapter):
        return f"{page.body}\n"
    if isinstance(page, Law):
        clause = load_clauses()[page.clause]
        facts = f"{page.summary}\n\n{page.keyword} {clause.id}: {clause.text}\n\nLevel {page.level}; {page.subject}."
        return _with_facts(page.body, facts)
    lines = [page.summary, ""]
    if isinstance(page, Primitive):
        lines += [f"Level {page.level}; pattern {page.pattern}; accuracy k = {page.accuracy}.", ""]
        lines += [f"- call: `{page.call}`"]
        lines += [f"- value: `{page.value}`"] if page.value else []
        lines += [f"- result `{one.name}`: `{one.value}`{_judged(one)}" for one in page.results]
    else:
        lines += ["A step that formulas are made of; no engine needs to have it.", ""]
    for operand in page.operands:
        domain = " ∪ ".join(map(str, operand.domain))
        vjp = f"; gradient: `{operand.vjp}`" if operand.vjp else ""
        lines.append(f"- operand `{operand.name}` ({operand.kind}, {domain}){vjp}")
    for attribute in page.attributes:
        numbers = f", {' ∪ '.join(map(str, attribute.domain))}" if attribute.numeric else ""
        numbers += f", one of {', '.join(map(str, attribute.choices))}" if attribute.choices else ""
        lines.append(f"- attribute `{attribute.name}` ({attribute.kind}{numbers}): {MEANINGS[attribute.kind]}")
    for region in page.regions if isinstance(page, Primitive) else ():
        where = ", ".join(f"{name} in {values}" for name, values in region.where.items())
        lines.append(f"- beside the domain, where {where}: the gradient of {', '.join(region.gradients)}")
    for kink in page.kinks if isinstance(page, Primitive) else ():
        allowed = ", ".join(f"{name} in {kink.allowed_text(name)}" for name in kink.allowed)
        lines.append(f"- kink where `{kink.where}`{when_text(kink.when)}: {allowed}")
    return _with_facts(page.body, "\n".join(lines))


def when_text(when: When) -> str:
    """Say at which attributes something is so."""
    return "".join(f", `{name}` {' or '.join(map(str, values))}" for name, values in when.items())


def _with_facts(body: str, facts: str) -> str:
    """Put the front matter's facts below a page's title."""
    title, _, rest = body.partition("\n")
    return f"{title}\n\n{facts}\n{rest}\n"
