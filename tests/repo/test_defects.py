"""The list of defects that the suite replays on itself does not rot: each has one place, and tests that exist."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FEWEST: Final = 100


def _module() -> ModuleType:
    """Return the script that replays, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("replay", ROOT / "tests" / "mutation" / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replay"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


REPLAY: Final = _module()
DEFECTS: Final = REPLAY.read_defects()


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(DEFECTS) >= FEWEST
    assert [name for name, count in Counter(one.name for one in DEFECTS).items() if count > 1] == []


def test_each_stands_in_one_place() -> None:
    stale = [one.name for one in DEFECTS if REPLAY.is_stale(ROOT, one) or one.old == one.new]
    cure = "mend old and new in tests/mutation/defects.toml, or remove what is no defect any more"
    assert not stale, f"{stale}: {cure}"


def test_each_is_told_and_has_tests_or_a_proof() -> None:
    untold = [one.name for one in DEFECTS if not one.breaks.endswith(".") or bool(one.tests) == bool(one.equivalent)]
    assert not untold, f"{untold}: a sentence, and either tests that see it or a proof that nothing is wrong"


def test_tests_that_are_named_exist() -> None:
    missing = []
    for test in sorted({test for one in DEFECTS for test in one.tests}):
        path, _, name = test.partition("::")
        file = ROOT / path
        if not file.is_file() or (name and f"def {name.partition('[')[0]}(" not in file.read_text(encoding="utf-8")):
            missing.append(test)
    assert not missing, f"{missing}: name tests that exist"


def test_a_defect_is_planted_and_mended(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text("x = 1\n")
    (tmp_path / "__pycache__").mkdir()
    compiled = tmp_path / "__pycache__" / "it.cpython-311.pyc"
    defect = REPLAY.Defect(name="it", file="it.py", old="1", new="2", breaks="It is two.")
    compiled.touch()
    with REPLAY.planted(tmp_path, defect):
        assert (tmp_path / "it.py").read_text() == "x = 2\n"
        assert not compiled.exists()
        assert REPLAY.is_stale(tmp_path, defect)
    assert (tmp_path / "it.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(1, "killed"), (2, "killed"), (None, "killed"), (0, "survived"), (4, "broken"), (5, "broken")],
)
def test_what_becomes_of_a_defect(
    status: int | None, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect that its tests do not see survives; where no test has run, nothing is known."""
    (tmp_path / "it.py").write_text("x = 1\n")
    seen: list[str] = []

    def run_tests(folder: Path, tests: tuple[str, ...], timeout: float) -> tuple[int | None, str]:
        seen.append((folder / "it.py").read_text())
        return status, ""

    monkeypatch.setattr(REPLAY, "run_tests", run_tests)
    defect = REPLAY.Defect(name="it", file="it.py", old="1", new="2", breaks="It is two.", tests=("test_it.py",))
    found = REPLAY.replay(tmp_path, defect)
    assert (found.outcome, seen) == (outcome, ["x = 2\n"])
    assert (found.outcome in REPLAY.FAILING) == (outcome != "killed")


@pytest.mark.parametrize(("words", "count"), [((), len(DEFECTS)), ((DEFECTS[0].name,), 1), (("no-such-defect",), 0)])
def test_words_choose_defects(words: tuple[str, ...], count: int) -> None:
    assert len(REPLAY.chosen(DEFECTS, words)) == count
