"""The house: imports run one way, halves of a pair exist, every primitive has a rule and every law a module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gradlaw_properties.laws import all_laws
from gradlaw_reference import RULES
from gradlaw_spec import load_clauses, load_laws, load_primitives

ROOT = Path(__file__).parents[2]
ROOMS = {
    "gradlaw_spec": ROOT / "spec" / "gradlaw_spec",
    "gradlaw_reference": ROOT / "reference_impl" / "gradlaw_reference",
    "gradlaw_properties": ROOT / "properties" / "gradlaw_properties",
    "gradlaw": ROOT / "src" / "gradlaw",
}
ENGINES = {"jax", "torch", "autograd", "tinygrad", "micrograd", "tensorflow"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    order = list(ROOMS)
    later = set(order[order.index(room) + 1 :])
    for path in ROOMS[room].rglob("*.py"):
        backwards = imported(path) & later
        assert not backwards, f"{path.relative_to(ROOT)} imports {backwards}: move what it needs down to {room}"


def test_engines_are_imported_only_by_their_target() -> None:
    for room, folder in ROOMS.items():
        for path in folder.rglob("*.py"):
            engines = imported(path) & ENGINES
            allowed = {path.stem} if path.parent.name == "engines" and room == "gradlaw" else set()
            assert engines <= allowed, f"{path.relative_to(ROOT)} imports {engines - allowed}"


def test_every_primitive_has_a_rule() -> None:
    missing = sorted(name for name, page in load_primitives().items() if name not in RULES and not page.results)
    assert not missing, f"no rule for {missing}: write one to three lines in gradlaw_reference/rules/<family>.py"


def test_every_differentiable_operand_has_a_formula() -> None:
    for page in load_primitives().values():
        for operand in page.differentiable:
            needed = not page.results  # those of each result's formula add up
            assert bool(operand.vjp) == needed, f"the page of {page.name}: operand {operand.name} needs a vjp formula"


def test_every_law_has_page_module_and_mutant() -> None:
    modules = {path.stem.replace("_", "-") for path in (ROOMS["gradlaw_properties"] / "laws").glob("*.py")}
    modules -= {"--init--", "common"}
    pages = set(load_laws())
    assert modules - pages == set(), f"write spec/laws/<law>.md for {modules - pages}"
    assert pages - modules == set(), f"write gradlaw_properties/laws/<law>.py for {pages - modules}"
    assert all(law.mutants for law in all_laws().values())


def test_every_law_cites_a_clause() -> None:
    assert {law.clause for law in load_laws().values()} <= set(load_clauses())


def test_no_tolerance_in_the_product() -> None:
    words = {"allclose", "isclose", "rtol", "atol", "approx"}
    for folder in ROOMS.values():
        for path in folder.rglob("*.py"):
            names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
            assert not names & words, f"{path.relative_to(ROOT)} uses {names & words}: judge with a set"


def test_init_files_are_not_in_source_roots() -> None:
    for folder in ROOMS.values():
        assert not (folder.parent / "__init__.py").exists()
        assert (folder / "py.typed").exists()


def test_every_witness_belongs_to_an_entry() -> None:
    lists = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "known").glob("*.toml"))
    unused = [path.name for path in (ROOT / "known" / "witnesses").glob("*.json") if path.name not in lists]
    assert not unused, f"no entry of known/*.toml names {unused}: remove them, or write the entry"
