"""Known deviations: reading a list, its mistakes, and which cases an entry covers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gradlaw.known import (
    Deviation,
    KnownDeviation,
    after_replay,
    covers,
    explains,
    known_folder,
    known_of,
    load_known,
)
from gradlaw.targets.loading import BUILT_IN
from gradlaw_spec import PROGRAM, Case, Cell, Program, SpecError, Step, Verdict, Witness, encode_witness, parse_formula

SO = Deviation(id="so", reason="so it is")


def case(primitive="tanh", operands=("x",), attributes=None, dtype="float64", law="gradient", g=1.0, **values):
    arrays = {name: np.asarray(value, dtype=dtype) for name, value in values.items()}
    made = Case(
        subject=primitive,
        program=Program(tuple(arrays), (Step(("y",), primitive, operands, attributes or {}),), ("y",)),
        values=arrays,
        cotangents=(np.asarray(g, dtype=dtype),),
        dtype=dtype,
    )
    return Witness(made, law)


def entry(address, *where):
    return KnownDeviation(deviation=SO, address=address, where=where)


SMALL = "prod(x, axis=axis, keepdims=True) < tiny"
ALONG = [{"attributes": {"axis": axis, "keepdims": False}, "g": [1, 1]} for axis in (0, 1)]


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        (entry("tanh/gradient@float64"), case(x=1), True),
        (entry("tanh/*", "x > 20"), case(x=[1, 21], g=[1, 1]), True),
        (entry("tanh/*", "x > 20"), case(x=[1, 20], g=[1, 1]), False),
        (entry("tanh/*", "x > 20", "g < 0"), case(x=[1, 21], g=[-1, 1]), False),
        (entry("tanh/*", "x > 20", "g < 0"), case(x=[1, 21], g=[1, -1]), True),
        (entry("tanh/*", "abs(x) <= 2 ** -3"), case(x=-0.125), True),
        (entry("prod/*", SMALL), case("prod", x=[[1e-30, 1e-30], [1e30, 1e20]], dtype="float32", **ALONG[0]), False),
        (entry("prod/*", SMALL), case("prod", x=[[1e-30, 1e-30], [1e30, 1e20]], dtype="float32", **ALONG[1]), True),
        (entry("prod/*", SMALL), case("prod", x=[1e-30, 1e-30], dtype="float64", **ALONG[0]), False),
        (entry("pow/*", "x1 == x2"), case("pow", ("x1", "x2"), x1=2, x2=2), True),
        (entry("pow/*", "x1 == x2"), case("pow", ("x", "x"), x=3), True),
        (entry("pow/*", "x2 == 3"), case("pow", ("x", 3), x=2), True),
        (entry("clip/*", "x == min"), case("clip", attributes={"min": 0.0, "max": None}, x=0), True),
        (entry("clip/*", "x >= max"), case("clip", attributes={"min": 0.0, "max": None}, x=9), False),
        (entry("sum/*", "x > 2", "g < 0"), case("sum", attributes={"axis": 0}, x=[1, 3], g=-1), True),
        (entry("concat/*", "x2 > 2"), case("concat", ("a", "b"), {"axis": 0}, a=[1], b=[3], g=[1, 1]), True),
        (entry("concat/*", "x3 > 2"), case("concat", ("a", "b"), {"axis": 0}, a=[1], b=[3], g=[1, 1]), False),
    ],
)
def test_covers(known, found, expected):
    assert covers(known, found.case) is expected


def test_a_program_is_covered_by_address_alone():
    program = Program(("x",), (Step(("a",), "tanh", ("x",)), Step(("y",), "tanh", ("a",))), ("y",))
    one = np.asarray(1.0)
    found = Case(subject=PROGRAM, program=program, values={"x": one}, cotangents=(one,), dtype="float64")
    assert str(Witness(found, "chain").address) == "program/chain@float64"
    assert covers(entry("program/*"), found)
    assert not covers(entry("tanh/*", "x > 0"), found)


def test_reading_a_list(tmp_path):
    inline = json.loads(encode_witness(case(x=21)))
    (tmp_path / "witnesses").mkdir()
    (tmp_path / "witnesses" / "tanh.json").write_bytes(encode_witness(case(x=21)))
    table = '{ program = { inputs = ["x"], steps = [{ name = "y", primitive = "tanh", operands = ["x"] }], \
outputs = ["y"] }, values = { x = { dtype = "float64", shape = [], values = ["0x1.5p+4"] } }, \
cotangents = [{ dtype = "float64", shape = [], values = ["0x1p+0"] }], dtype = "float64", law = "gradient" }'
    assert inline["values"]["x"]["values"] == ["0x1.5000000000000p+4"]
    (tmp_path / "list.toml").write_text(
        '[[deviation]]\nid = "one"\nreason = "a"\nversions = ["1", "2"]\n'
        '[[deviation.shows]]\naddress = "tanh/gradient@float64"\nwhere = "x > 20"\nwitness = "witnesses/tanh.json"\n'
        f'[[deviation.shows]]\naddress = "tanh/*"\nwhere = ["x > 20", "g > 0"]\nwitness = {table}\n'
        '[[deviation]]\nid = "two"\nreason = "b"\n[[deviation.shows]]\naddress = "program/*"\nuses = "tanh"\n'
    )
    first, second, third = load_known(tmp_path / "list.toml")
    assert first.deviation == second.deviation == Deviation(id="one", reason="a", versions=("1", "2"))
    assert (third.deviation.id, third.uses) == ("two", ("tanh",))
    assert first.witness is not None
    assert second.witness is not None
    assert first.witness.case.values["x"] == second.witness.case.values["x"] == 21
    assert (first.where, second.where) == (("x > 20",), ("x > 20", "g > 0"))


HEAD = '[[deviation]]\nid = "one"\nreason = "so"\n'
ENTRY = HEAD + '[[deviation.shows]]\naddress = "tanh/gradient@float64"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deviation = 3", ["tables [[deviation]]"]),
        ("deviation = [3]", ["deviation 1", "a table"]),
        ("[[deviaton]]", ["tables [[deviation]]"]),
        ("[[deviation]", ["malformed TOML"]),
        ('[[known]]\naddress = "tanh/*"\nreason = "so"', ["tables [[known]]", "[[deviation.shows]]", "with an id"]),
        ('[[deviation]]\nreason = "so"', ["deviation 1", "id"]),
        ('[[deviation]]\nid = "one"', ["deviation 1", "reason"]),
        (ENTRY.replace('"so"', '""'), ["reason=''"]),
        (ENTRY.replace('"one"', '"Two words"'), ["id='Two words'"]),
        (ENTRY + ENTRY, ["deviation 2", "id='one'", "no other"]),
        (HEAD, ["deviation 1", "[[deviation.shows]]"]),
        (HEAD + "shows = [3]", ["deviation 1, shows 1", "a table"]),
        (HEAD + 'address = "tanh/*"', ["address='tanh/*'"]),
        (HEAD + '[[deviation.shows]]\nwhere = "x > 1"', ["shows 1", "address"]),
        (ENTRY + 'reason = "so"', ["shows 1", "reason='so'"]),
        (ENTRY + 'were = "x > 1"', ["were='x > 1'"]),
        (ENTRY + 'where = "y > 1"', ["name='y'"]),
        (ENTRY + 'where = "x + 1"', ["a comparison"]),
        (ENTRY + 'where = "x >"', ["formula"]),
        (ENTRY.replace("tanh/", "*/") + 'where = "x > 1"', ["one primitive"]),
        (ENTRY + "attributes = { axis = 0 }", ["attributes has 'axis'", "attributes of tanh"]),
        (ENTRY.replace("tanh/", "*/") + "attributes = { axis = 0 }", ["attributes={'axis': 0}", "one primitive"]),
        (ENTRY + "attributes = 3", ["shows 1"]),
        (ENTRY + 'witness = "none.json"', ["none.json"]),
        (ENTRY + "witness = 3", ["deviation 1, shows 1"]),
        (ENTRY.replace("tanh/", "tan/") + 'witness = "tanh.json"', ["a witness of tanh/gradient@float64"]),
    ],
)
def test_mistakes_name_the_entry(tmp_path, text, words):
    (tmp_path / "tanh.json").write_bytes(encode_witness(case(x=21)))
    path = tmp_path / "list.toml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_known(path)
    assert all(word in str(caught.value) for word in words), caught.value


def test_shipped_lists_are_of_built_in_targets_and_can_be_read():
    for path in known_folder().glob("*.toml"):
        assert path.stem in BUILT_IN
        assert known_of(path.stem)


@pytest.mark.parametrize(("sometimes", "verdict"), [(False, Verdict.FIXED), (True, Verdict.KNOWN)])
def test_what_shows_only_sometimes_is_not_taken_for_mended(sometimes, verdict):
    order = Deviation(id="order", reason="order of a set", sometimes=sometimes)
    known = KnownDeviation(deviation=order, address="tanh/*", witness=case(x=1))
    cell = Cell(
        address="tanh/gradient@float64",
        verdict=Verdict.PASS,
        examples=1,
        points=1,
        inconclusive=0,
        seconds=0.0,
        clause="truth/gradient",
    )
    assert after_replay(cell, known, cell).verdict is verdict


def test_one_of_the_primitives_that_an_entry_names_is_enough():
    known = KnownDeviation(deviation=SO, address="*", uses=("tanh", "exp"))
    assert covers(known, case(x=1).case)
    assert not covers(known, case("sin", x=1).case)


def test_a_deviation_of_some_attributes_covers_these_alone():
    known = replace(entry("sum/*"), attributes={"axis": [0, 1]})
    assert covers(known, case("sum", attributes={"axis": (0, 1), "keepdims": False}, x=[[1.0]]).case)
    assert not covers(known, case("sum", attributes={"axis": None, "keepdims": False}, x=[[1.0]]).case)
    assert not covers(known, program_cell("", x=1).witness.case)


def test_an_entry_explains_only_what_it_covers():
    known = [entry("tanh/*", "x > 20"), entry("tanh/*", "x < 0")]
    bad = Cell(address="tanh/gradient@float64", verdict=Verdict.VIOLATION, witness=case(x=1))
    assert explains(known, bad) is None
    assert explains(known, replace(bad, witness=case(x=-1))) is known[1]
    assert explains(known, replace(bad, address="exp/gradient@float64", witness=case("exp", x=21))) is None
    assert explains(known, replace(bad, verdict=Verdict.CRASH, witness=None)) is known[0]


def program_cell(cause, **values):
    program = parse_formula("exp(tanh(x))", ("x",), ("tanh", "exp"))
    arrays = {name: np.asarray(value, dtype="float64") for name, value in values.items()}
    made = Case(subject=PROGRAM, program=program, values=arrays, cotangents=(np.asarray(1.0),), dtype="float64")
    return Cell(address="program/chain@float64", verdict=Verdict.VIOLATION, cause=cause, witness=Witness(made, "chain"))


def test_the_entries_of_a_primitive_explain_the_programs_that_it_makes_wrong():
    known = [entry("tanh/gradient@*", "x > 20")]
    assert explains(known, program_cell("tanh", x=21)) is known[0]
    assert explains(known, program_cell("tanh", x=1)) is None, "the fault is known of other numbers"
    assert explains(known, program_cell("exp", x=21)) is None
    assert explains(known, program_cell("", x=21)) is None
    for other in (entry("tanh/gradient@float32"), entry("tanh/dtype@*"), entry("tanh/gradient@*", "g > 0")):
        assert explains([other], program_cell("tanh", x=21)) is None
    assert explains([entry("tanh/*")], program_cell("tanh", x=1)) is not None


def test_an_entry_of_programs_that_use_a_primitive_explains_no_fault_of_another():
    known = [replace(entry("program/*"), uses=("tanh",))]
    assert explains(known, program_cell("tanh", x=1)) is known[0]
    assert explains(known, program_cell("", x=1)) is known[0]
    assert explains(known, program_cell("exp", x=1)) is None


def test_tiny_is_the_smallest_normal_number():
    assert covers(entry("tanh/*", "x < tiny"), case(x=1e-310).case)
    assert not covers(entry("tanh/*", "x < tiny"), case(x=1e-300).case)


@pytest.mark.parametrize(
    ("replayed", "verdict"),
    [
        (Verdict.UNSUPPORTED, Verdict.PASS),
        (Verdict.INCONCLUSIVE, Verdict.PASS),
        (Verdict.PASS, Verdict.FIXED),
        (Verdict.CRASH, Verdict.KNOWN),
    ],
)
def test_only_a_witness_that_passes_is_mended(replayed, verdict):
    known = KnownDeviation(deviation=SO, address="tanh/*", witness=case(x=1))
    cell = Cell(address="tanh/gradient@float64", verdict=Verdict.PASS, points=1)
    assert after_replay(cell, known, replace(cell, verdict=replayed)).verdict is verdict
