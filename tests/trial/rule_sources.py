"""The reference's rules as syntax: which function belongs to which primitive, and a module with one of them changed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import gradlaw_reference.rules as rules_of_reference
from gradlaw_reference import RULES, Array, Rule
from gradlaw_reference.rules.table import differentiated
from gradlaw_spec import Primitive, load_pages, load_primitives

TABLE: Final = "gradlaw_reference.rules.table"
ENTERING: Final = ("elementwise", "data_rule", "function")
"""What enters a rule into the table."""
PLUMBING: Final = ("call",)
"""Functions that say nothing about any primitive."""
ARRAYS: Final = ("Array", "Data")
"""The annotations of values that one may take for another."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A function of a module of rules, or one that stands in a rule's own line; and the rules that use it."""

    module: str
    place: tuple[int, ...]
    """The number of the statement in its module, and of the argument where it stands in a rule's line."""
    where: str
    tree: ast.AST
    names: tuple[str, ...]
    rules: tuple[str, ...]


@cache
def module_tree(module: str) -> ast.Module:
    """Return a module of rules as syntax."""
    return ast.parse(inspect.getsource(getattr(rules_of_reference, module)))


@cache
def pieces() -> tuple[Piece, ...]:
    """Return every function that rules are made of, but for formulas that stand on a page."""
    return tuple(piece for module in rules_of_reference.__all__ for piece in _pieces(module))


def _pieces(module: str) -> Iterator[Piece]:
    tree = module_tree(module)
    uses = _uses(tree)
    for place, statement in enumerate(tree.body):
        if isinstance(statement, ast.FunctionDef) and statement.name not in PLUMBING:
            owners = tuple(name for name, used in uses.items() if statement.name in used)
            if owners:
                yield Piece(module, (place,), statement.name, statement, _arrays(statement), owners)
        if (line := _rule_line(statement)) is not None:
            name, call = line
            for number, argument in enumerate(call.args[1:], 1):
                position = number - (1 if _name(call) == "elementwise" else 2)
                if not isinstance(argument, ast.Name) and not _on_page(name, position):
                    where = f"gradient {position} of {name}" if position >= 0 else f"value of {name}"
                    yield Piece(module, (place, number), where, argument, _given(argument, name), (name,))


def _rule_line(statement: ast.stmt) -> tuple[str, ast.Call] | None:
    """Return the rule that a statement enters, and the call that does; None where it is something else."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return None
    call = statement.value
    if _name(call) not in ENTERING or not isinstance(call.args[0], ast.Constant):
        return None
    return str(call.args[0].value), call


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _on_page(name: str, position: int) -> bool:
    """Whether a gradient is a formula of a primitive's page, which is changed there."""
    page = load_primitives().get(name)
    return page is not None and 0 <= position < len(page.operands) and bool(page.operands[position].vjp)


def _arrays(function: ast.FunctionDef) -> tuple[str, ...]:
    """Return the names in a function that stand for arrays."""
    given = [
        argument.arg
        for argument in (*function.args.args, *function.args.kwonlyargs)
        if argument.annotation is not None and ast.unparse(argument.annotation) in ARRAYS
    ]
    return tuple(given)


def _given(tree: ast.AST, name: str) -> tuple[str, ...]:
    """Return the names of a rule's line that stand for arrays: cotangent, value and operands."""
    operands = {operand.name for operand in load_pages()[name].operands}
    arguments = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    return tuple(argument for argument in arguments if argument in {"g", "value", *operands})


def _uses(tree: ast.Module) -> dict[str, set[str]]:
    """Return for each rule of a module the names of the module's functions that it is made of."""
    functions = {item.name: _names(item) for item in tree.body if isinstance(item, ast.FunctionDef)}
    found = {}
    for line in filter(None, map(_rule_line, tree.body)):
        name, call = line
        found[name] = _closed(set().union(*map(_names, call.args[1:])), functions)
    return found


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _closed(names: set[str], functions: dict[str, set[str]]) -> set[str]:
    """Return functions and all that they are made of."""
    found: set[str] = set()
    waiting = [name for name in names if name in functions]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in functions[name] if other in functions]
    return found


@cache
def _steps(name: str) -> frozenset[str]:
    """Return the rules that a primitive is made of and that are no primitives: its own, and steps of its formulas."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found or one not in load_pages() or (one != name and one in load_primitives()):
            continue
        found.add(one)
        waiting += _mentioned(one)
    return frozenset(found)


@cache
def _mentioned(name: str) -> frozenset[str]:
    """Return what a rule and its page call."""
    page = load_pages()[name]
    texts = [page.composition, *(operand.vjp for operand in page.operands)]
    if isinstance(page, Primitive):
        texts += [result.value for result in page.results]
    found = {word for text in texts for word in _names(ast.parse(text))}
    for module in rules_of_reference.__all__:
        tree = module_tree(module)
        functions = {item.name: item for item in tree.body if isinstance(item, ast.FunctionDef)}
        for line in filter(None, map(_rule_line, tree.body)):
            if line[0] == name:
                used = [functions[other] for other in _uses(tree)[name] if other != "call"]
                for part in (*line[1].args[1:], *used):
                    found |= {str(node.value) for node in ast.walk(part) if isinstance(node, ast.Constant)}
    return frozenset(found)


@cache
def subject_of(piece: Piece) -> str:
    """Return the primitive on which a change of a function is tried: the first one that uses it; empty: none does."""
    own = [name for name in piece.rules if name in load_primitives()]
    using = [name for name in load_primitives() if _steps(name) & set(piece.rules)]
    return next(iter((*own, *using)), "")


def planted_module(piece: Piece, mutated: ast.AST) -> dict[str, Rule]:
    """Run a module of rules with one function changed, and return its rules; the table stays as it is."""
    tree = module_tree(piece.module)
    body = [_without_entering(statement) for statement in tree.body]
    place, *argument = piece.place
    if argument:
        line = body[place]
        assert isinstance(line, ast.Expr)
        assert isinstance(line.value, ast.Call)
        arguments = [*line.value.args]
        arguments[argument[0]] = mutated  # type: ignore[call-overload]
        new = ast.Expr(ast.Call(line.value.func, arguments, line.value.keywords))
        body[place] = ast.fix_missing_locations(ast.copy_location(new, line))
    else:
        assert isinstance(mutated, ast.stmt)
        body[place] = mutated
    found: dict[str, Rule] = {}
    namespace: dict[str, Any] = {"__name__": f"changed_{piece.module}", **_entering(found)}
    exec(compile(ast.Module(body, []), f"<changed {piece.module}>", "exec"), namespace)
    return found


def _without_entering(statement: ast.stmt) -> ast.stmt:
    """Leave out of an import what enters rules into the table."""
    if not isinstance(statement, ast.ImportFrom) or statement.module != TABLE:
        return statement
    kept = [name for name in statement.names if name.name not in ENTERING]
    return ast.copy_location(ast.ImportFrom(TABLE, kept, 0) if kept else ast.Pass(), statement)


def _entering(found: dict[str, Rule]) -> dict[str, Callable[..., None]]:
    """Return what stands in place of the functions that enter rules: they note what they are given."""

    def elementwise(name: str, *vjp: Any) -> None:
        found[name] = replace(RULES[name], vjp=vjp)

    def data_rule(name: str, value: Any, *vjp: Any, **options: Any) -> None:
        found[name] = replace(RULES[name], value=value, vjp=vjp)

    def function(name: str, value: Callable[..., Array], *vjp: Any, **options: Any) -> None:
        own = vjp or differentiated(value, len(load_pages()[name].operands))
        found[name] = replace(RULES[name], value=value, vjp=own)

    return {"elementwise": elementwise, "data_rule": data_rule, "function": function}
