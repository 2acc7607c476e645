"""A primitive has one owner: nothing outside of its page and its rule lists primitives by name to say something again.

A list is a literal (keys of a dictionary, elements of a list, tuple or set, cases of a match) or a body of functions
that names several primitives; a file that names many of them one by one is a list too. `sum`, `max` and `exp` are
usual words, so a name alone says nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gradlaw_spec import load_primitives

ROOT = Path(__file__).parents[2]
PRIMITIVES = frozenset(load_primitives())
LISTED = 4
"""So many primitives in one literal are a list of primitives."""
NAMED = 8
"""So many primitives, named anywhere in a file of the product, are one."""
EXAMPLES = 6
"""A test may use a few primitives as examples; so many in one literal are a list there too."""

RULES = "reference_impl/gradlaw_reference/rules/"
ENGINES = ("src/gradlaw/engines/", "src/gradlaw/own/engines/")
"""An engine's own file may say where its names differ from the standard's."""

ALLOWED = {
    "spec/gradlaw_spec/formula.py": "the grammar: which primitive a sign of Python's is",
    "reference_impl/gradlaw_reference/operators.py": "Python's operators on arrays, each a call of its primitive",
    "reference_impl/gradlaw_reference/arithmetic/ball.py": "what Arb calls otherwise than the standard, or lacks",
    "reference_impl/gradlaw_reference/arithmetic/vectors.py": "which steps arrays of float64 do, as Arb does all",
    "properties/gradlaw_properties/mutants/rules.py": "a mutant breaks one rule, and names it where it is defined",
    "src/gradlaw/circuits/standalone/arrays.py": "what NumPy lacks: text that a program brings along",
    "src/gradlaw/circuits/standalone/numbers.py": "what Python's math lacks: text that a program brings along",
    "benchmarks/harvest/with_mygrad.py": "the functions of mygrad, by its own names: each is a primitive",
    "benchmarks/kills.py": "what the checkers of other projects are given, for the subjects of the mutants",
    "tests/trial/changes.py": "which function is written for which by mistake: a wrong engine of the trial",
}
"""Files that name primitives, and what they say that no page does."""


def files() -> list[Path]:
    folders = ("spec", "reference_impl", "properties", "src", "docs", "benchmarks", "tests")
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [path for path in paths if not name_of(path).startswith((RULES, *ENGINES))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def word(node: ast.AST | None) -> str:
    """Return what a literal's element is called: a text, a name, or the first element of a pair."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return word(node.elts[0]) if isinstance(node, ast.Tuple | ast.List) and node.elts else ""


def literals(tree: ast.AST) -> Iterator[tuple[int, set[str]]]:
    """Yield the line of each literal, and the primitives that it lists."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            words = {word(key) for key in node.keys}
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            words = {word(element) for element in node.elts}
        elif isinstance(node, ast.Match):
            inside = (part for case in node.cases for part in ast.walk(case.pattern))
            words = {word(part.value) for part in inside if isinstance(part, ast.MatchValue)}
        elif isinstance(node, ast.Module | ast.ClassDef):
            words = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        elif isinstance(node, ast.Call) and word(node.func) == "dict":
            words = {keyword.arg or "" for keyword in node.keywords}
        else:
            continue
        yield getattr(node, "lineno", 1), words & PRIMITIVES


def texts(tree: ast.AST) -> set[str]:
    return {word(node) for node in ast.walk(tree) if isinstance(node, ast.Constant)} & PRIMITIVES


def lists_of(name: str, source: str) -> dict[str, int]:
    """Return the primitives that a file lists, and the line where it does."""
    tree = ast.parse(source)
    test = name.startswith("tests/")
    found: dict[str, int] = {}
    for line, words in literals(tree):
        if len(words) >= (EXAMPLES if test else LISTED):
            found = {**dict.fromkeys(words, line), **found}
    if not test and len(texts(tree)) >= NAMED:
        found = {**dict.fromkeys(texts(tree), 1), **found}
    return found


@cache
def listings() -> dict[str, dict[str, int]]:
    """Return what each file lists, without those that may."""
    made = {name_of(path): lists_of(name_of(path), path.read_text(encoding="utf-8")) for path in files()}
    return {name: found for name, found in made.items() if found}


@pytest.mark.parametrize("primitive", sorted(PRIMITIVES))
def test_only_its_page_and_its_rule_own_a_primitive(primitive: str) -> None:
    second = [
        f"{name}:{found[primitive]} lists {primitive} among other primitives"
        for name, found in listings().items()
        if primitive in found and name not in ALLOWED
    ]
    cure = "put what it says on the page as a key, or compute it from what pages say"
    assert not second, f"{'; '.join(second)}: {cure}"


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_is_needed(name: str) -> None:
    assert name in listings(), f"{name} lists no primitives any more: remove it from tests/repo/test_one_owner.py"


@pytest.mark.parametrize(
    "source",
    [
        'SIGNS = {"add": "+", "tanh": "", "exp": "", "log": ""}',
        'SMOOTH = ("exp", "log", "sin", "cos")',
        'PAIRS = [("exp", 1), ("log", 2), ("sin", 3), ("cos", 4)]',
        "SMOOTH = {np.exp, np.log, np.sin, np.cos}",
        "SMOOTH = dict(exp=1, log=2, sin=3, cos=4)",
        "match name:\n    case 'exp' | 'log': pass\n    case 'sin' | 'cos': pass",
        "def exp(x): pass\ndef log(x): pass\ndef sin(x): pass\ndef cos(x): pass",
        "\n".join(f"call('{name}')" for name in sorted(PRIMITIVES)[:NAMED]),
    ],
)
def test_a_list_is_found(source: str) -> None:
    assert len(lists_of("src/new.py", source)) >= LISTED


@pytest.mark.parametrize("source", ["x = max(sum(y), abs(z))", '("exp", "log", "sin")', 'Step("y", "tanh", ("x",))'])
def test_usual_words_and_examples_are_no_list(source: str) -> None:
    assert lists_of("src/new.py", source) == {}


def test_the_message_names_file_line_and_cure() -> None:
    found = lists_of("src/new.py", '\n\nSMOOTH = ("exp", "log", "sin", "cos")')
    assert found == dict.fromkeys(("exp", "log", "sin", "cos"), 3)
