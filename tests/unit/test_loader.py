"""The loader: good pages become nouns, and a bad page is an error that says where, what, and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

import gradlaw_spec.loader as loader
from gradlaw_spec import (
    Chapter,
    Interval,
    Law,
    Meeting,
    Primitive,
    SpecError,
    book,
    load_clauses,
    load_laws,
    load_primitives,
    read_page,
)

GOOD = """+++
name = "half"
summary = "Half of each element."
level = "scalar"
pattern = "local-gradient"
shapes = "elementwise"
rounding = "elementwise"
accuracy = 1
rational = true
value = "x / 2"

[[operands]]
name = "x"
vjp = "g / 2"

[[kinks]]
where = "x == 0"
allowed = { x = [0, 1] }

[[examples]]
operands = { x = [1, 2.5] }
cotangent = [2, 4]
value = [0.5, "5/4"]
gradients = { x = [1, 2] }
+++

# half

Half of it.
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "half.md"


def failure(page: Path, text: str, kind: type = Primitive) -> SpecError:
    page.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_page(page, kind)
    assert len(str(caught.value).splitlines()) == 1
    assert str(page) in str(caught.value)
    return caught.value


def test_good_page(page: Path) -> None:
    page.write_text(GOOD, encoding="utf-8")
    found = read_page(page, Primitive)
    assert (found.name, found.accuracy, found.operands[0].vjp) == ("half", 1, "g / 2")
    assert found.operands[0].domain == (Interval.read("(-inf, inf)"),)
    assert (found.kinks[0].where, str(found.kinks[0].where)) == (Meeting("x", 0.0), "x == 0")
    assert found.kinks[0].allowed == {"x": (0.0, 1.0)}
    assert found.examples[0].value == [0.5, "5/4"]
    assert found.body == "# half\n\nHalf of it."
    assert [operand.name for operand in found.differentiable] == ["x"]


@pytest.mark.parametrize(
    ("old", "new", "key", "value", "expected"),
    [
        ("accuracy = 1", 'accuracy = "one"', "key accuracy", "accuracy='one'", "`int`"),
        ("accuracy = 1", "accuracy = 1.5", "key accuracy", "accuracy=1.5", "`int`"),
        ('level = "scalar"', 'level = "scaler"', "key level", "level='scaler'", "one of 'scalar', 'array', 'nn', "),
        ("rational = true", 'rational = "yes"', "key rational", "rational='yes'", "`bool`"),
        ('vjp = "g / 2"', "vjp = 2", "key operands[0].vjp", "operands[0].vjp=2", "`str`"),
        ('name = "x"\n', "", "key operands[0].name", "no operands[0].name", "the key name"),
        (
            'vjp = "g / 2"',
            'kind = "ral"',
            "key operands[0].kind",
            "operands[0].kind='ral'",
            "one of 'real', 'boolean', ",
        ),
        ("x = [1, 2.5]", "x = [[true]]", "key examples[0].operands[...][0][0]", "", "`int | float | str | array`"),
        (
            "{ x = [0, 1] }",
            "{ x = [0] }",
            "key kinks[0].allowed[...]",
            "kinks[0].allowed[...]={'x': [0]}",
            "`array` of length 2",
        ),
        ('where = "x == 0"', 'where = "x = 0"', "key kinks[0].where", "kinks[0].where='x = 0'", "such as 'x == 0'"),
        ('where = "x == 0"', "where = 0", "key kinks[0].where", "kinks[0].where=0", "`str`"),
        ('vjp = "g / 2"', 'domain = ["(1, 0)"]', "key operands[0].domain[0]", "", "an interval such as '(0, inf)'"),
        ('summary = "Half of each element."\n', "", "key summary", "no summary", "the key summary"),
    ],
)
def test_wrong_value(page: Path, old: str, new: str, key: str, value: str, expected: str) -> None:
    assert old in GOOD
    error = failure(page, GOOD.replace(old, new, 1))
    assert error.where.endswith(key)
    assert error.found == value or not value
    assert expected in error.expected
    assert error.cure == "Mend the front matter."


def test_unknown_key(page: Path) -> None:
    error = failure(page, GOOD.replace('value = "x / 2"', 'value = "x / 2"\nvaule = "x / 2"'))
    assert error.where.endswith("key vaule")
    assert error.found == "vaule='x / 2'"
    assert "summary, symbol, value" in error.expected
    assert error.cure == "Rename it."


def test_unknown_key_further_inside(page: Path) -> None:
    error = failure(page, GOOD.replace('vjp = "g / 2"', 'vpj = "g / 2"'))
    assert error.where.endswith("key operands[0].vpj")
    assert error.found == "operands[0].vpj='g / 2'"
    assert error.expected == "alternatives, boundary, definite, distinct, domain, kind, name, regular, vjp, when"
    error = failure(page, GOOD.replace('where = "x == 0"', 'were = "x == 0"'))
    assert error.where.endswith("key kinks[0].were")


def test_bad_toml(page: Path) -> None:
    error = failure(page, GOOD.replace("accuracy = 1", "accuracy = = 1"))
    assert error.found == "malformed TOML"
    assert error.expected == "a TOML front matter"
    assert "line 7" in error.cure


@pytest.mark.parametrize("text", ["", "# half\n", "+++\nname = 1\n", "words first\n" + GOOD])
def test_no_front_matter(page: Path, text: str) -> None:
    error = failure(page, text)
    assert error.found == "no front matter"
    assert "+++" in error.expected


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.md: found no readable file; expected a page of the law book"):
        read_page(tmp_path / "none.md", Primitive)


# --- a whole book ---------------------------------------------------------------------------------

CHAPTER = """+++
id = "patterns"
title = "Patterns"
order = 1
+++

# Patterns

### add-distributes (MUST)

Add MUST hand its cotangent
to every operand.

And this explains it.

### not a clause

### zero-stops (SHOULD)

Zeros SHOULD stop.
"""
LAW = """+++
id = "add-distributes"
clause = "patterns/add-distributes"
keyword = "MUST"
level = "scalar"
subject = "primitive"
summary = "Add hands its cotangent on."
+++

# add-distributes
"""


@pytest.fixture
def empty_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("primitives", "functions", "chapters", "laws"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(loader, "book", lambda: tmp_path)
    for cached in ("load_primitives", "load_functions", "load_pages", "load_chapters", "load_clauses", "load_laws"):
        monkeypatch.setattr(loader, cached, getattr(loader, cached).__wrapped__)
    return tmp_path


def test_small_book(empty_book: Path) -> None:
    (empty_book / "primitives" / "half.md").write_text(GOOD, encoding="utf-8")
    (empty_book / "chapters" / "patterns.md").write_text(CHAPTER, encoding="utf-8")
    (empty_book / "laws" / "add-distributes.md").write_text(LAW, encoding="utf-8")
    assert list(loader.load_primitives()) == ["half"]
    assert list(loader.load_laws()) == ["add-distributes"]
    clauses = loader.load_clauses()
    assert list(clauses) == ["patterns/add-distributes", "patterns/zero-stops"]
    assert clauses["patterns/add-distributes"].text == "Add MUST hand its cotangent to every operand."
    assert clauses["patterns/zero-stops"].keyword == "SHOULD"


def test_name_and_file_differ(empty_book: Path) -> None:
    (empty_book / "primitives" / "third.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        loader.load_primitives()
    assert caught.value.where.endswith("third.md: key name")
    assert caught.value.found == "name='half'"
    assert caught.value.expected == "'third', as the file"
    assert caught.value.cure == "Rename one."


def test_clause_without_text(empty_book: Path) -> None:
    text = CHAPTER.replace("Zeros SHOULD stop.", "")
    (empty_book / "chapters" / "patterns.md").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"chapters/patterns\.md: clause zero-stops: found no text"):
        loader.load_clauses()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("patterns/add-distributes", "patterns/add-distribute", "clause='patterns/add-distribute', keyword='MUST'"),
        ('keyword = "MUST"', 'keyword = "SHOULD"', "clause='patterns/add-distributes', keyword='SHOULD'"),
    ],
)
def test_law_cites_no_clause(empty_book: Path, old: str, new: str, found: str) -> None:
    (empty_book / "chapters" / "patterns.md").write_text(CHAPTER, encoding="utf-8")
    (empty_book / "laws" / "add-distributes.md").write_text(LAW.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        loader.load_laws()
    assert caught.value.where == "laws/add-distributes.md: key clause"
    assert caught.value.found == found
    assert "same keyword" in caught.value.expected


def test_other_kinds_of_page(tmp_path: Path) -> None:
    path = tmp_path / "add-distributes.md"
    assert failure(path, LAW.replace("primitive", "gate"), Law).where.endswith("key subject")
    assert failure(path, CHAPTER.replace("order = 1", 'order = "first"'), Chapter).where.endswith("key order")


def test_the_book_itself_loads() -> None:
    assert (book() / "primitives").is_dir()
    assert set(load_primitives()) == {path.stem for path in (book() / "primitives").rglob("*.md")}
    assert set(load_laws()) == {path.stem for path in (book() / "laws").glob("*.md")}
    assert all(law.clause in load_clauses() for law in load_laws().values())


def test_loaded_pages_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load_primitives()["new"] = load_primitives()["add"]  # type: ignore[index]
