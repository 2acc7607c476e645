"""What is changed: the formulas of the law book's pages, and the reference's rules that are written in Python."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from changes import Change, changed, changes
from planted import Rules
from rule_sources import Piece, pieces, planted_module, subject_of
from unsummed import FITS, unsummed

from gradlaw_reference import RULES, Array, Rule
from gradlaw_reference.rules.table import computed, differentiated, written_gradient
from gradlaw_spec import Primitive, Program, load_pages, load_primitives, parse_formula
from gradlaw_spec.attributes import AttributeValue


@dataclass(frozen=True, slots=True)
class Changed:
    """A wrong engine: the primitive on which it is tried, what is changed, and the rules that differ.

    ``right`` makes the rules of the same source without the change, which may violate a law by themselves.
    """

    subject: str
    where: str
    kind: str
    what: str
    rules: Callable[[], Rules]
    right: Callable[[], Rules]

    @property
    def name(self) -> str:
        """The same in every run: the primitive, the place, and the change."""
        return f"{self.subject} | {self.where} | {self.what}"


def all_changed(subject: str) -> tuple[Changed, ...]:
    """Return every wrong engine that is tried on a primitive, each name once."""
    page = load_primitives()[subject]
    found = [*_of_gradients(page), *_of_composition(page), *_of_rules(subject), *_of_sums(page)]
    seen: dict[str, int] = {}
    numbered = []
    for one in found:
        seen[one.name] = number = seen.get(one.name, 0) + 1
        numbered.append(one if number == 1 else replace(one, what=f"{one.what} ({number})"))
    return tuple(numbered)


def _each(tree: ast.AST, names: tuple[str, ...], others: int = 2) -> Iterator[tuple[Change, ast.AST]]:
    """Yield each change of a tree, and what it makes of it; one text once."""
    texts = {ast.unparse(tree)}
    for change in changes(tree, names, others):
        mutated = ast.fix_missing_locations(changed(tree, change))
        text = ast.unparse(mutated)
        if text not in texts:
            texts.add(text)
            yield change, mutated


def _told(change: Change) -> str:
    return f"{change.before} → {change.after}"


def _of_gradients(page: Primitive) -> Iterator[Changed]:
    """Change the page's formula of each operand's gradient."""
    rule = RULES.get(page.name)
    if rule is None or rule.sequence:
        return
    reals = tuple(operand.name for operand in page.operands if operand.kind == "real")
    for position, operand in enumerate(page.operands[: len(rule.vjp)]):
        if not operand.vjp:
            continue

        def rules(formula: str, rule: Rule = rule, position: int = position) -> Rules:
            local = written_gradient(page, formula)
            return {page.name: replace(rule, vjp=(*rule.vjp[:position], local, *rule.vjp[position + 1 :]))}

        def right(rules: Callable[[str], Rules] = rules, formula: str = operand.vjp) -> Rules:
            return rules(formula)

        for change, mutated in _each(ast.parse(operand.vjp), ("g", "value", *reals)):
            text = ast.unparse(mutated)
            yield Changed(
                page.name,
                f"gradient of {operand.name}",
                change.kind,
                _told(change),
                lambda text=text, rules=rules: rules(text),  # type: ignore[misc]
                right,
            )


def _of_composition(page: Primitive) -> Iterator[Changed]:
    """Change the composition of a primitive that is one: all of it, or the way back alone."""
    rule = RULES.get(page.name)
    if rule is None or not rule.composed or not page.composition:
        return
    operands = tuple(operand.name for operand in page.operands)
    tree = ast.parse(page.composition)
    lines = tuple(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    for change, mutated in _each(tree, (*operands, *lines)):
        if not _in_order(mutated, operands, lines):
            continue
        text = ast.unparse(mutated)
        for both in (True, False):
            yield Changed(
                page.name,
                "composition" if both else "composition, on the way back",
                change.kind,
                _told(change),
                lambda text=text, both=both: _composed(page, text, both),  # type: ignore[misc]
                dict,
            )


def _in_order(tree: ast.AST, operands: tuple[str, ...], lines: tuple[str, ...]) -> bool:
    """Whether each line uses only what stands before it."""
    assert isinstance(tree, ast.Module)
    known = set(operands)
    for statement in tree.body:
        nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        if any(node.id in lines and node.id not in known for node in nodes if isinstance(node.ctx, ast.Load)):
            return False
        known |= {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return True


def _composed(page: Primitive, text: str, both: bool) -> Rules:
    names, rule = tuple(operand.name for operand in page.operands), RULES[page.name]

    @cache
    def program(attributes: tuple[tuple[str, AttributeValue], ...]) -> Program:
        return parse_formula(text, names, load_pages().keys(), attributes=dict(attributes))

    def read(attributes: Mapping[str, Any]) -> Program:
        return program(tuple(page.complete(attributes).items()))

    value: Callable[..., Array] = computed(read)
    local = differentiated(value, len(names))
    return {page.name: replace(rule, vjp=local, value=value if both else rule.value)}


def _of_rules(subject: str) -> Iterator[Changed]:
    """Change the functions of Python that the rule of a primitive is made of."""
    for piece in pieces():
        if subject_of(piece) != subject:
            continue
        for change, mutated in _each(piece.tree, piece.names, 1):
            yield Changed(
                subject,
                piece.where,
                change.kind,
                _told(change),
                lambda piece=piece, mutated=mutated: _planted(piece, mutated),  # type: ignore[misc]
                dict,
            )


def _planted(piece: Piece, mutated: ast.AST) -> Rules:
    made = planted_module(piece, mutated)
    return {name: made[name] for name in piece.rules}


def _of_sums(page: Primitive) -> Iterator[Changed]:
    """Forget the sum over what was broadcast, of each operand."""
    rule = RULES.get(page.name)
    if rule is None or rule.sequence or page.shapes not in ("elementwise", "signature"):
        return
    reals = [position for position, operand in enumerate(page.operands) if operand.kind == "real"]
    if len(page.operands) < 2 or page.name in ("matmul", "solve"):  # these sum in their rules
        return
    for position in reals:
        for way in FITS:
            yield Changed(
                page.name,
                f"gradient of {page.operands[position].name}",
                "sum",
                way,
                lambda position=position, way=way: {page.name: unsummed(page.name, position, way)},  # type: ignore[misc]
                dict,
            )
