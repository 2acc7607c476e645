"""A page for each primitive, and the list of all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gradlaw.reports.pages import when_text
from gradlaw_book.book import Book
from gradlaw_book.engines import known_label, verdict_table
from gradlaw_book.formulas import latex
from gradlaw_book.markdown import code, escaped, fence, label, link, linked, math, sections, table, toctree
from gradlaw_spec import DTYPES, Example, Kink, Operand, Primitive, Region
from gradlaw_spec.attributes import MEANINGS
from gradlaw_spec.primitive import Number

ROUNDING: Final = {
    "exact": "Nothing is rounded",
    "elementwise": "Each element of the value lies within *k·u·|r| + t* of the exact *r*",
    "correct": "The result is the exact *r* where the dtype holds it, and lies within *k·u·|r| + t* of it elsewhere",
    "contraction": "Each element of the value, a sum of *n* terms, lies within *(n + k)·u·Σ|terms|* of the exact sum",
    "product": "Each element, a product of *n* factors, lies within *((1 + u)ⁿ⁺ᵏ − 1)·|p|* of the exact *p*",
    "elimination": "The value is that of a matrix as near to the given one as an elimination makes it",
    "factorisation": "The value is that of a matrix as near to the given one as a stable factorisation makes it",
    "composed": "Each step of the composition is rounded, and the result is widened once more by *k·u·|r|*",
}
"""What k means, in one line each; the clause that is linked says it in full."""
CLAUSES: Final = {
    "exact": "admissible-sets/movement",
    "elementwise": "admissible-sets/rounding",
    "correct": "admissible-sets/rounding",
    "contraction": "admissible-sets/sums",
    "product": "admissible-sets/products",
    "elimination": "admissible-sets/elimination",
    "factorisation": "admissible-sets/factorisation",
    "composed": "admissible-sets/composed",
}


def primitive_page(book: Book, page: Primitive, alternative_text: str = "") -> str:
    """Return a primitive's page; with ``alternative_text`` there is a picture, ``<name>.svg``, beside it."""
    title, intro, parts = sections(page.body)
    sources = parts.pop("Sources", "")
    text = [f"{label(f'primitive-{page.name}')}", f"# {title}\n", intro, "", facts(book, page), formulas(page)]
    if alternative_text:
        text.append(f"## Value and gradient\n\n![{alternative_text}]({page.name}.svg)\n")
    for heading, body in parts.items():
        text.append(f"## {heading}\n\n{body}\n")
        text.extend(additions(page, heading))
    text.append(examples(page))
    text.append(engines(book, page))
    if sources:
        text.append(f"## Sources\n\n{sources}\n")
    # On its page, clip's min is its bound and not the primitive of that name.
    taken = {page.name, *(operand.name for operand in page.operands), *(item.name for item in page.attributes)}
    targets = {key: target for key, target in book.targets.items() if key not in taken}
    return linked("\n".join(text), targets, book.chapters)


def additions(page: Primitive, heading: str) -> Iterable[str]:
    """Yield what the front matter adds to a section of the page's prose."""
    if heading == "Backward" and any(operand.alternatives for operand in page.operands):
        yield alternatives(page)
    if heading == "Domain and kinks" and page.regions:
        regions = ((region_where(region), ", ".join(map(code, region.gradients))) for region in page.regions)
        yield table(("beside the domain, where", "whose gradient is asked for"), regions)
    if heading == "Domain and kinks" and page.kinks:
        rows = ((kink_where(kink), allowed_text(kink)) for kink in page.kinks)
        yield table(("kink where", "allowed local gradients"), rows)
    if heading == "Accuracy":
        yield accuracy(page)


def facts(book: Book, page: Primitive) -> str:
    """Return level, pattern, operands and attributes."""
    clause = book.pattern_clause(page.pattern)
    rows = [
        ("Call", code(page.call)),
        ("Level", link(page.level, "chapter-levels")),
        ("Pattern", link(page.pattern, clause.id if clause else "chapter-patterns")),
        ("Laws", ", ".join(link(law.id, f"law-{law.id}") for law in book.laws_of(page))),
    ]
    text = table(("what", page.name), rows)
    operands = [
        (code(item.name), item.kind, domain_text(item), ", ".join(f"{value:g}" for value in item.boundary))
        for item in page.operands
    ]
    text += "\n" + table(("operand", "kind", "domain", "values that are always tried"), operands)
    if page.attributes:
        rows = [(code(attribute.name), attribute.kind, MEANINGS[attribute.kind]) for attribute in page.attributes]
        text += "\n" + table(("attribute", "kind", "what is given"), rows)
    return text


def domain_text(operand: Operand) -> str:
    """Return an operand's domain as a union of intervals; conditions and indices have none."""
    if operand.kind in ("boolean", "index"):
        return ""
    return " ∪ ".join(map(str, operand.domain)).replace("inf", "∞").replace("-∞", "−∞")


def formulas(page: Primitive) -> str:
    """Return the formulas of value and gradients, as mathematics and as the page has them."""
    text = [
        "## Formulas\n",
        "*y* is the value and *g* its cotangent; chapter *local-gradients* explains the words.\n",
        *(formula(f"Result {code(one.name)}", latex(one.name), one.value) for one in page.results),
        *(formula(f"Judged of {code(one.name)}", r"\mathrm{judged}", one.judged) for one in page.results if one.judged),
        *([formula("Value", "y", page.value)] if page.value else []),
    ]
    for operand in page.differentiable if page.value else ():
        text.append(formula(f"Gradient of {code(operand.name)}", gradient_symbol(operand.name), operand.vjp))
    if page.composition and page.composition != page.value:
        text.append(f"In simpler primitives:\n\n{fence(page.composition.strip(), 'python')}")
    return "\n".join(text)


def gradient_symbol(name: str) -> str:
    """Return the LaTeX of an operand's gradient."""
    return rf"\mathrm{{d}} {latex(name)}"


def formula(what: str, left: str, right: str) -> str:
    """Return one formula twice: displayed, and as code."""
    return f"{what}:\n\n{math(f'{left} = {latex(right)}')}\n{fence(right, 'python')}"


def alternatives(page: Primitive) -> str:
    """Return the other formulas of each gradient that correct engines use."""
    text = [
        "Correct engines also compute these, and what any of them returns when it is rounded is admissible "
        f"({link('admissible-sets/local-rules', 'admissible-sets/local-rules')}):\n"
    ]
    for operand in page.operands:
        if operand.alternatives:
            rows = ((f"{{math}}`{latex(other)}`", code(other)) for other in operand.alternatives)
            text.append(table((f"gradient of {code(operand.name)}{when_text(operand.when)}", "as code"), rows))
    return "\n".join(text)


def region_where(region: Region) -> str:
    """Return which numbers the operands have in a region."""
    return ", ".join(f"{code(name)} in {values}" for name, values in region.where.items())


def kink_where(kink: Kink) -> str:
    """Return where a kink is."""
    return ("equal elements" if kink.where.ties else code(str(kink.where))) + when_text(kink.when)


def allowed_text(kink: Kink) -> str:
    """Return the allowed set of each operand's local gradient at a kink."""
    return ", ".join(f"{code(name)} in {kink.allowed_text(name)}" for name in kink.allowed)


def accuracy(page: Primitive) -> str:
    """Return k, what it means, and what that is in each dtype."""
    clause = CLAUSES[page.rounding]
    text = f"{ROUNDING[page.rounding]}, with k = {page.accuracy} ({link(clause, clause)})."
    if page.rounding not in ("correct", "elementwise"):
        return text + "\n"
    rows = ((name, f"{page.accuracy * of.unit_roundoff:.2g}") for name, of in DTYPES.items())
    return f"{text}\n\n{table(('dtype', '*k·u*, the largest relative error'), rows)}"


def nested_text(value: Any) -> str:
    """Return numbers and nested lists of numbers as a page writes them."""
    if isinstance(value, list):
        return f"[{', '.join(map(nested_text, value))}]"
    return number_text(value)


def number_text(value: Number) -> str:
    """Return a number; an integer that the page wrote as a decimal stays as short as it can be."""
    return value if isinstance(value, str) else f"{value:g}" if float(value).is_integer() else repr(value)


def examples(page: Primitive) -> str:
    """Return the worked examples of a page, which run as tests."""
    return "\n".join(["## Worked examples\n", *(fence(example_text(page, example)) for example in page.examples)])


def example_text(page: Primitive, example: Example) -> str:
    """Return one example: the call, its value, the cotangent and the gradients."""

    def shown(nested: Any) -> str:
        """Return an array, or one for each result."""
        return ", ".join(map(nested_text, nested.values())) if isinstance(nested, dict) else nested_text(nested)

    operands = [nested_text(example.operands[operand.name]) for operand in page.operands]
    keywords = [f"{name}={value}" for name, value in example.attributes.items()]
    rows = [
        (f"{page.name}({', '.join([*operands, *keywords])})", shown(example.value)),
        ("cotangent g", shown(example.cotangent)),
        *((f"gradient of {name}", nested_text(value)) for name, value in example.gradients.items()),
    ]
    width = max(len(left) for left, _ in rows[1:])
    return "\n".join([f"{rows[0][0]} = {rows[0][1]}", *(f"{left:{width}} = {right}" for left, right in rows[1:])])


def engines(book: Book, page: Primitive) -> str:
    """Return the engines' verdicts on a primitive, where reports have any, and the known deviations about it."""
    text = []
    verdicts = verdict_table(book, page.name)
    if verdicts:
        text.append(f"## Engines\n\n{verdicts}")
    rows: dict[tuple[str, str], list[str]] = {}
    for engine, entry in book.known_about(page):
        address = link(code(entry.address), known_label(engine, entry))
        rows.setdefault((engine, entry.deviation.reason), []).append(address)
    if rows:
        listed = (
            (link(engine, f"engine-{engine}"), escaped(why), ", ".join(where)) for (engine, why), where in rows.items()
        )
        text.append(f"## Known deviations\n\n{table(('engine', 'what', 'where'), listed)}")
    return "\n".join(text)


def primitive_index(book: Book) -> str:
    """Return the list of all primitives, by level."""
    text = [label("all-primitives"), "# Primitives\n"]
    levels = dict.fromkeys(page.level for page in book.primitives.values())
    for level in levels:
        rows = [
            (link(page.name, f"primitive-{page.name}"), page.summary, page.pattern)
            for page in book.primitives.values()
            if page.level == level
        ]
        text.append(f"## Level {level}\n\n{table(('primitive', 'what it does', 'pattern'), rows)}")
    return "\n".join([*text, toctree(book.primitives)])
