"""What has been found: a page for each engine, and the engines' verdicts on a primitive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradlaw.known import KnownDeviation
from gradlaw.reports.code import case_text
from gradlaw.reports.report import Report
from gradlaw.targets.loading import BUILT_IN
from gradlaw_book.book import Book
from gradlaw_book.markdown import code, details, escaped, fence, label, link, table, toctree
from gradlaw_spec import Address, Verdict, Witness, encode_witness, load_primitives

Entries = list[tuple[int, KnownDeviation]]


def known_label(engine: str, entry: KnownDeviation) -> str:
    """Return the label of the deviation that an entry of an engine's list is about."""
    return f"known-{engine}-{entry.deviation.id}"


def witness_name(engine: str, position: int) -> str:
    """Return the file name of an entry's witness, beside the engine's page."""
    return f"{engine}-{position + 1}.json"


def witness_files(book: Book) -> Iterator[tuple[str, bytes]]:
    """Yield each witness as a file: its name and its JSON."""
    for engine, entries in book.known.items():
        for position, entry in enumerate(entries):
            if entry.witness is not None:
                yield witness_name(engine, position), encode_witness(entry.witness) + b"\n"


def engine_page(book: Book, engine: str) -> str:
    """Return what is known of an engine: each deviation once, with all the addresses where it shows."""
    _, summary = BUILT_IN.get(engine, ("", ""))
    text = [label(f"engine-{engine}"), f"# {engine}\n", summary, ""]
    report = next((report for report in book.reports if report.target.name == engine), None)
    if report is not None:
        text.append(report_text(report))
    groups = grouped(book.known.get(engine, ()))
    if groups:
        text.append("## Known deviations\n")
    for number, entries in enumerate(groups, 1):
        text.append(deviation(engine, number, entries))
    return "\n".join(text)


def grouped(entries: tuple[KnownDeviation, ...]) -> tuple[Entries, ...]:
    """Return the entries, those of one deviation together, each with its position in the list."""
    groups: dict[str, Entries] = {}
    for position, entry in enumerate(entries):
        groups.setdefault(entry.deviation.id, []).append((position, entry))
    return tuple(groups.values())


def deviation(engine: str, number: int, entries: Entries) -> str:
    """Return one deviation: what and why, where it was found, its addresses, a script and the witnesses."""
    entry = entries[0][1]
    known = entry.deviation
    # A link to the bug tracker may be any text of a list: only https is made a link.
    source = f"<{known.url}>" if known.url.startswith("https://") else escaped(known.source or known.url)
    text = [
        label(known_label(engine, entry)),
        f"### {number}. {subjects(entries)}\n",
        f"{escaped(known.reason)}\n",
        f"Seen in {engine} {', '.join(known.versions)}. Source: {source}.\n",
        table(("address", "only where", "only programs that use"), (_address_row(one) for _, one in entries)),
    ]
    if known.script:
        text.append(f"Without gradlaw:\n\n{fence(known.script.strip(), 'python')}")
    for position, one in entries:
        if one.witness is not None:
            text.append(witness(one.witness, witness_name(engine, position)))
    return "\n".join(text)


def subjects(entries: Entries) -> str:
    """Return what a group of entries is about, for its heading."""
    names = dict.fromkeys(Address.parse(entry.address).subject for _, entry in entries)
    single = [name for name in names if name not in ("program", "*")]
    used = list(dict.fromkeys(name for _, entry in entries for name in entry.uses))
    if "*" in names:
        return "every primitive"
    return ", ".join(single or [f"programs with {name}" for name in used] or ["programs"])


def _address_row(entry: KnownDeviation) -> tuple[str, str, str]:
    where = " and ".join(map(code, entry.where))
    return code(entry.address), where, ", ".join(link(name, f"primitive-{name}") for name in entry.uses)


def witness(found: Witness, name: str) -> str:
    """Return a witness: its program and values to read, its JSON to download, and how to replay it."""
    body = f"{fence(case_text(found.case))}\n{{download}}`{name}`, for `gradlaw replay {name}`\n"
    return details(f"Witness of <code>{found.address}</code>", body)


def report_text(report: Report) -> str:
    """Return what a report says in all: versions, and how many cells have which verdict."""
    counts = table(("verdict", "cells"), ((name, str(number)) for name, number in report.summary.items() if number))
    engine = f"{report.target.name} {report.target.version}"
    about = f"{engine}: gradlaw {report.gradlaw}, law book {report.spec}, seed {report.seed}"
    text = f"## Verdicts\n\n{about}.\n\n{counts}"
    if not report.target.accuracies:
        return text
    asked = {name: load_primitives()[name].accuracy for name in report.target.accuracies}
    rows = ((link(name, f"primitive-{name}"), str(k), str(asked[name])) for name, k in report.target.accuracies.items())
    about = "The target declares that the engine is less accurate here than the pages ask, and is judged by that."
    return (
        f"{text}\n\n## Declared accuracy\n\n{about}\n\n{table(('primitive', 'k of the engine', 'k of the page'), rows)}"
    )


def verdict_table(book: Book, subject: str) -> str:
    """Return the verdicts of every report on a subject, a row a law and a column an engine; empty without reports."""
    found = {report.target.name: verdicts_of(report, subject) for report in book.reports}
    found = {engine: verdicts for engine, verdicts in found.items() if verdicts}
    laws = dict.fromkeys(law for verdicts in found.values() for law in verdicts)
    if not laws:
        return ""
    rows = [(link(law, f"law-{law}"), *(cell_text(found[engine].get(law, {})) for engine in found)) for law in laws]
    header = ("law", *(link(engine, f"engine-{engine}") for engine in found))
    return table(header, rows)


def verdicts_of(report: Report, subject: str) -> dict[str, dict[str, str]]:
    """Return the verdicts of a report on a subject, by law and dtype."""
    found: dict[str, dict[str, str]] = {}
    for cell in report.cells:
        address = Address.parse(cell.address)
        # An address with a pattern is a stale entry of a list, not a cell.
        if address.subject == subject and cell.verdict is not Verdict.STALE:
            found.setdefault(address.law, {})[address.dtype] = cell.verdict.value
    return found


def cell_text(verdicts: Mapping[str, str]) -> str:
    """Return the verdicts in several dtypes as words: one where they agree, else each with its dtypes."""
    by_verdict: dict[str, list[str]] = {}
    for dtype, verdict in verdicts.items():
        by_verdict.setdefault(verdict, []).append(dtype)
    marked = {f"**{name}**" if Verdict(name).is_bad else name: dtypes for name, dtypes in by_verdict.items()}
    if len(marked) == 1:
        return next(iter(marked))
    return "; ".join(f"{verdict}: {', '.join(dtypes)}" for verdict, dtypes in marked.items())


def engine_index(book: Book) -> str:
    """Return the list of engines, with what is known of each."""
    rows = []
    for engine in book.engines:
        entries = book.known.get(engine, ())
        about = "; ".join(dict.fromkeys(subjects(group) for group in grouped(entries)))
        versions = ", ".join(dict.fromkeys(version for entry in entries for version in entry.deviation.versions))
        rows.append((link(engine, f"engine-{engine}"), versions, str(len(grouped(entries))), about))
    text = (
        "Deviations of real engines that have been traced to the engine. Each has a witness, which is replayed first "
        "in every run: one that an engine has mended shows as `fixed`.\n"
    )
    listed = table(("engine", "versions", "deviations", "about"), rows)
    return "\n".join([label("all-engines"), "# What has been found\n", text, listed, toctree(book.engines)])
