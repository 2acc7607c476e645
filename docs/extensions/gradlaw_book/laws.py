"""A page for each law, and the list of all."""

from __future__ import annotations

from gradlaw_book.book import Book
from gradlaw_book.markdown import code, label, link, linked, table, toctree
from gradlaw_spec import Law


def law_page(book: Book, law: Law) -> str:
    """Return a law's page: its clause, the page's prose, its mutants, and what it applies to."""
    title, _, prose = law.body.partition("\n")
    clause = book.clauses[law.clause]
    text = [
        label(f"law-{law.id}"),
        f"{title}\n",
        f"{law.summary}\n",
        f":::{{admonition}} {law.keyword}: {clause.id}\n:class: important\n",
        f"{clause.text} ({link('the clause', clause.id)})\n:::\n",
        prose.strip(),
        "",
        mutants(book, law),
        applies(book, law),
    ]
    own = {key: target for key, target in book.targets.items() if key != law.id}
    return linked("\n".join(text), own, book.chapters)


def mutants(book: Book, law: Law) -> str:
    """Return the wrong engines that the law is tested to kill, and the other laws that do."""
    rows: list[tuple[str, ...]] = []
    for mutant in book.runnable[law.id].mutants:
        others = [other.page.id for other in book.runnable.values() if mutant in other.mutants and other.page != law]
        also = ", ".join(link(name, f"law-{name}") for name in others)
        rows.append((code(mutant.name), f"`{mutant.subject}` @ {mutant.dtype}", also))
    header = ("mutant", "killed on", "also killed by")
    return f"## Mutants\n\nWrong engines that this law must kill; a test says that it does.\n\n{table(header, rows)}"


def applies(book: Book, law: Law) -> str:
    """Return the level, the patterns, and every primitive that the law speaks about."""
    check = book.runnable[law.id].applies
    pages = [page for page in book.primitives.values() if check(page)]
    levels = ", ".join(dict.fromkeys(page.level for page in pages))
    rows = [
        ("Level", f"{link(law.level, 'chapter-levels')}, and the levels that rest on it"),
        ("Programs", "yes" if check(None) else "no"),
        ("Primitives", f"{len(pages)} of {len(book.primitives)}" + (f", of the levels {levels}" if levels else "")),
    ]
    if law.patterns:
        rows.append(("Patterns", ", ".join(law.patterns)))
    named = ", ".join(link(page.name, f"primitive-{page.name}") for page in pages)
    return f"## Applies to\n\n{table(('what', law.id), rows)}\n{named}\n"


def law_index(book: Book) -> str:
    """Return the list of all laws."""
    rows = [
        (link(law.id, f"law-{law.id}"), law.keyword, law.summary, link(law.clause, law.clause))
        for law in book.laws.values()
    ]
    listed = table(("law", "keyword", "what it says", "clause"), rows)
    return "\n".join([label("all-laws"), "# Laws\n", listed, toctree(book.laws)])
