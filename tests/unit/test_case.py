"""Cases: written and read back bit for bit in every dtype, and refused with the place where they are malformed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from gradlaw_spec import (
    DTYPES,
    PROGRAM,
    Case,
    Program,
    Slice,
    SpecError,
    Step,
    Witness,
    decode_case,
    decode_program,
    decode_witness,
    encode_case,
    encode_witness,
    read_witness,
    ulp,
)
from gradlaw_spec.written import array_of, written_array, written_program

STEPS = Program(
    ("x", "y"),
    (
        Step(("picked",), "getitem", ("x",), {"index": (Slice(None, None, -1), "newaxis", "ellipsis", -1)}),
        Step(("scaled",), "multiply", (2.5, "picked")),
        Step(("total",), "sum", ("scaled",), {"axis": (0, 1), "keepdims": False}),
        Step(("product",), "multiply", ("total", "y")),
    ),
    ("product",),
    ("i",),
)


def case(dtype: str = "float64") -> Case:
    make = DTYPES[dtype].numpy
    values = {
        "x": np.array([[1.5, -0.0], [0.1, 3]]).astype(make),
        "y": np.array(2).astype(make),
        "i": np.array([3, 1]),
    }
    cotangents = (np.array(1.0).astype(make),)
    return Case(subject=PROGRAM, program=STEPS, values=values, cotangents=cotangents, dtype=dtype, seed=7)


def witness() -> Witness:
    return Witness(case(), "chain", "engine.py")


def same_bits(first: Any, second: Any) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


def special(dtype: str) -> list[np.ndarray[Any, Any]]:
    facts = DTYPES[dtype]
    numbers = [0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, math.inf, -math.inf, math.nan]
    numbers += [
        facts.largest,
        -facts.largest,
        facts.smallest_normal,
        facts.smallest_subnormal,
        -facts.smallest_subnormal,
    ]
    flat = np.array(numbers).astype(facts.numpy)
    shapes = ((), (0,), (3, 0, 2), (1, 1))
    return [flat, flat.reshape(2, 7), flat[::-2], *(np.full(shape, -0.0).astype(facts.numpy) for shape in shapes)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_array_round_trip_bit_for_bit(dtype: str) -> None:
    for array in special(dtype):
        written = written_array(array)
        assert written.dtype == dtype
        assert same_bits(array_of(written), np.ascontiguousarray(array).reshape(array.shape))


def test_every_16_bit_number_survives() -> None:
    for dtype in ("float16", "bfloat16"):
        every = np.arange(2**16, dtype=np.uint16).view(DTYPES[dtype].numpy)
        finite = every[np.isfinite(every.astype(np.float32))]
        assert same_bits(array_of(written_array(finite)), finite)


@pytest.mark.parametrize(
    "array", [np.array([3, -1, 2**62]), np.array([[True, False]]), np.array(True), np.zeros((0, 2), int)]
)
def test_integers_and_booleans(array: np.ndarray[Any, Any]) -> None:
    assert same_bits(array_of(written_array(array)), array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_case_round_trip(dtype: str) -> None:
    original = case(dtype)
    text = encode_case(original)
    assert decode_case(text) == original
    assert encode_case(decode_case(text)) == text
    for first, second in zip(original.arrays(("x", "y", "i")), decode_case(text).arrays(("x", "y", "i")), strict=True):
        assert same_bits(first, second)


def test_case_with_special_values_round_trip() -> None:
    program = Program(("x",), (Step(("y",), "exp", ("x",)),), ("y",))
    for dtype in DTYPES:
        for array in special(dtype):
            original = Case(subject="exp", program=program, values={"x": array}, cotangents=(array,), dtype=dtype)
            back = decode_case(encode_case(original))
            assert back == original
            assert same_bits(back.values["x"], np.ascontiguousarray(array).reshape(array.shape))


@pytest.mark.parametrize("order", [2, math.inf, -math.inf])
def test_an_infinite_attribute_round_trip(order: float) -> None:
    program = Program(("x",), (Step(("y",), "vector_norm", ("x",), {"ord": order}),), ("y",))
    original = Case(
        subject="vector_norm",
        program=program,
        values={"x": np.ones(2)},
        cotangents=(np.ones(()),),
        dtype="float64",
    )
    back = decode_case(encode_case(original))
    assert back == original
    assert back.program.steps[0].attributes["ord"] == order


def test_json_is_for_people_too() -> None:
    text = encode_witness(witness()).decode()
    assert '"0x1.999999999999ap-4"' in text
    assert json.loads(text)["program"]["steps"][0]["attributes"]["index"] == [
        {"start": None, "stop": None, "step": -1},
        "newaxis",
        "ellipsis",
        -1,
    ]


def changed(*path: Any, to: Any) -> bytes:
    """Return the case's JSON with the value at a path replaced (``...``: removed)."""
    content = json.loads(encode_witness(witness()))
    place = content
    for part in path[:-1]:
        place = place[part]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("path", "to", "where", "said"),
    [
        (("dtype",), 3, "$.dtype", "found `int`; expected `str`"),
        (("dtype",), "float8", "$.dtype", "dtype='float8'; expected one of float64, float32, float16, bfloat16"),
        (("dtype",), ..., "$", "found no dtype; expected the key dtype"),
        (("seed",), "7", "$.seed", "found `str`; expected `int`"),
        (("program", "steps", 1, "operands"), 3, "$.program.steps[1].operands", "found `int`; expected `array`"),
        (("program", "steps", 1, "name"), ..., "$.program.steps[1]", "found no name; expected the key name"),
        (("program", "steps", 1, "operands"), ["z"], "$.program.steps[1]", "operand='z'"),
        (("program", "steps", 0, "attributes"), {}, "$.program.steps[0]", "found no index"),
        (("program", "steps", 1, "name"), "x", "program.steps[1]", "name='x'; expected a name defined once"),
        (("program", "outputs"), ["nothing"], "program.outputs", "name='nothing'"),
        (("program", "inputs"), ["x", "no name"], "program.inputs", "name='no name'"),
        (("values", "x"), ..., "$.values", "no 'x'"),
        (("values", "x", "dtype"), "float8", "tensor.dtype", "dtype='float8'"),
        (("values", "x", "shape"), [3], "tensor.values", "4 values; expected 3 for shape=(3,)"),
        (("values", "x", "values", 0), "1.5.2", "tensor.values", "hexadecimal floats"),
        (("values", "x", "values"), "no list", "$.values[...].values", "found `str`; expected `array`"),
        (("cotangents",), [], "$.cotangents", "0 cotangents; expected 1, one for each output"),
        (("cotangents", 0, "shape"), [2], "tensor.values", "1 values; expected 2"),
    ],
)
def test_malformed_case_names_the_path(path: tuple[Any, ...], to: Any, where: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode_witness(changed(*path, to=to), "witness.json")
    message = str(caught.value)
    assert message.startswith("witness.json: ")
    assert where in message
    assert said in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("text", [b"", b"{", b'{"program": {"inputs": [', b"\xff\xfe", b'{"program": nul}'])
def test_text_that_is_no_json(text: bytes) -> None:
    with pytest.raises(SpecError, match=r"^witness\.json: found malformed JSON; expected a case as gradlaw writes it"):
        decode_witness(text, "witness.json")


@pytest.mark.parametrize("text", [b"[]", b"3", b"null", b'"case"'])
def test_json_that_is_no_case(text: bytes) -> None:
    with pytest.raises(SpecError, match=r"^witness\.json: \$: found"):
        decode_witness(text, "witness.json")


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "witness.json"
    path.write_bytes(encode_witness(witness()))
    assert read_witness(path) == witness()
    with pytest.raises(SpecError, match=r"none\.json: found no readable file"):
        read_witness(tmp_path / "none.json")


def test_a_witness_knows_its_cell() -> None:
    back = decode_witness(encode_witness(witness()))
    assert back == witness()
    assert str(back.address) == "program/chain@float64"
    assert (back.law, back.target) == ("chain", "engine.py")


def test_a_one_step_program_stays_a_program() -> None:
    steps = Program(("x",), (Step(("y",), "exp", ("x",)),), ("y",))
    one = np.array(1.0)
    found = Case(subject=PROGRAM, program=steps, values={"x": one}, cotangents=(one,), dtype="float64")
    assert str(decode_witness(encode_witness(Witness(found, "gradient"))).address) == "program/gradient@float64"


@pytest.mark.parametrize(("steps", "subject"), [(1, "exp"), (2, PROGRAM)])
def test_a_witness_without_a_subject_is_of_its_only_step(steps: int, subject: str) -> None:
    content = {
        "program": {
            "inputs": ["x"],
            "steps": [
                {"name": f"y{i + 1}", "primitive": "exp", "operands": [f"y{i}" if i else "x"]} for i in range(steps)
            ],
            "outputs": [f"y{steps}"],
        },
        "values": {"x": {"dtype": "float64", "shape": [], "values": ["0x1p0"]}},
        "cotangents": [{"dtype": "float64", "shape": [], "values": ["0x1p0"]}],
        "dtype": "float64",
        "law": "gradient",
    }
    assert decode_witness(json.dumps(content).encode()).case.subject == subject


def test_one_result_is_written_as_a_name_and_several_as_results() -> None:
    several = Program(("x",), (Step(("q", "r"), "qr", ("x",)), Step(("y",), "exp", ("q",))), ("r", "y"))
    first, second = (json.loads(json.dumps(step)) for step in msgspec.to_builtins(written_program(several))["steps"])
    assert first == {"results": ["q", "r"], "primitive": "qr", "operands": ["x"], "attributes": {}}
    assert second == {"name": "y", "primitive": "exp", "operands": ["q"], "attributes": {}}
    assert decode_program(msgspec.json.encode(written_program(several))) == several


def test_a_case_does_not_change_with_who_made_it() -> None:
    array = np.array([1.0, 2.0])
    found = Case(subject="exp", program=STEPS, values={"x": array}, cotangents=(array,), dtype="float64")
    with pytest.raises(ValueError, match="read-only"):
        found.values["x"][0] = 3
    assert array.flags.writeable


def test_ulp() -> None:
    for name, facts in DTYPES.items():
        assert ulp(1.0, facts) == 2 * facts.unit_roundoff, name
        assert ulp(-1.0, facts) == ulp(1.5, facts) == ulp(1.0, facts)
        assert ulp(2.0, facts) == 2 * ulp(1.0, facts)
        assert ulp(0.0, facts) == facts.smallest_subnormal
        assert ulp(facts.smallest_normal, facts) == facts.smallest_subnormal
        assert ulp(facts.largest, facts) <= ulp(math.inf, facts)
