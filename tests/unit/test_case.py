"""Cases: written and read back bit for bit in every dtype, and refused with the place where they are malformed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradlaw_spec import DTYPES, Case, Program, Slice, SpecError, Step, Tensor, decode_case, encode_case, read_case, ulp

PROGRAM = Program(
    ("x", "y"),
    (
        Step("picked", "getitem", ("x",), {"index": (Slice(None, None, -1), "newaxis", "ellipsis", -1)}),
        Step("scaled", "multiply", (2.5, "picked")),
        Step("total", "sum", ("scaled",), {"axis": (0, 1), "keepdims": False}),
        Step("product", "multiply", ("total", "y")),
    ),
    ("product",),
    ("i",),
)


def case(dtype: str = "float64") -> Case:
    make = DTYPES[dtype].numpy
    values = {
        "x": Tensor.of(np.array([[1.5, -0.0], [0.1, 3]]).astype(make)),
        "y": Tensor.of(np.array(2).astype(make)),
        "i": Tensor.of(np.array([3, 1])),
    }
    return Case(
        program=PROGRAM,
        values=values,
        cotangents=(Tensor.of(np.array(1.0).astype(make)),),
        dtype=dtype,
        seed=7,
        law="chain",
    )


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
def test_tensor_round_trip_bit_for_bit(dtype: str) -> None:
    for array in special(dtype):
        tensor = Tensor.of(array)
        assert tensor.dtype == dtype
        assert same_bits(tensor.array(), np.ascontiguousarray(array).reshape(array.shape))


def test_every_16_bit_number_survives() -> None:
    for dtype in ("float16", "bfloat16"):
        every = np.arange(2**16, dtype=np.uint16).view(DTYPES[dtype].numpy)
        finite = every[np.isfinite(every.astype(np.float32))]
        assert same_bits(Tensor.of(finite).array(), finite)


@pytest.mark.parametrize(
    "array", [np.array([3, -1, 2**62]), np.array([[True, False]]), np.array(True), np.zeros((0, 2), int)]
)
def test_integers_and_booleans(array: np.ndarray[Any, Any]) -> None:
    assert same_bits(Tensor.of(array).array(), array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_case_round_trip(dtype: str) -> None:
    original = case(dtype)
    text = encode_case(original)
    assert decode_case(text) == original
    assert encode_case(decode_case(text)) == text
    for first, second in zip(original.arrays(("x", "y", "i")), decode_case(text).arrays(("x", "y", "i")), strict=True):
        assert same_bits(first, second)


def test_case_with_special_values_round_trip() -> None:
    program = Program(("x",), (Step("y", "exp", ("x",)),), ("y",))
    for dtype in DTYPES:
        for array in special(dtype):
            original = Case(
                program=program, values={"x": Tensor.of(array)}, cotangents=(Tensor.of(array),), dtype=dtype
            )
            back = decode_case(encode_case(original))
            assert same_bits(back.values["x"].array(), np.ascontiguousarray(array).reshape(array.shape))


def test_json_is_for_people_too() -> None:
    text = encode_case(case()).decode()
    assert '"0x1.999999999999ap-4"' in text
    assert json.loads(text)["program"]["steps"][0]["attributes"]["index"] == [
        {"start": None, "stop": None, "step": -1},
        "newaxis",
        "ellipsis",
        -1,
    ]


def changed(*path: Any, to: Any) -> bytes:
    """Return the case's JSON with the value at a path replaced (``...``: removed)."""
    content = json.loads(encode_case(case()))
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
        (("program", "steps", 1, "operands"), ["z"], "program.steps[1]", "operand='z'"),
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
        decode_case(changed(*path, to=to), "witness.json")
    message = str(caught.value)
    assert message.startswith("witness.json: ")
    assert where in message
    assert said in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("text", [b"", b"{", b'{"program": {"inputs": [', b"\xff\xfe", b'{"program": nul}'])
def test_text_that_is_no_json(text: bytes) -> None:
    with pytest.raises(SpecError, match=r"^witness\.json: found malformed JSON; expected a case as gradlaw writes it"):
        decode_case(text, "witness.json")


@pytest.mark.parametrize("text", [b"[]", b"3", b"null", b'"case"'])
def test_json_that_is_no_case(text: bytes) -> None:
    with pytest.raises(SpecError, match=r"^witness\.json: \$: found"):
        decode_case(text, "witness.json")


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "witness.json"
    path.write_bytes(encode_case(case()))
    assert read_case(path) == case()
    with pytest.raises(SpecError, match=r"none\.json: found no readable file"):
        read_case(tmp_path / "none.json")


def test_ulp() -> None:
    for name, facts in DTYPES.items():
        assert ulp(1.0, facts) == 2 * facts.unit_roundoff, name
        assert ulp(-1.0, facts) == ulp(1.5, facts) == ulp(1.0, facts)
        assert ulp(2.0, facts) == 2 * ulp(1.0, facts)
        assert ulp(0.0, facts) == facts.smallest_subnormal
        assert ulp(facts.smallest_normal, facts) == facts.smallest_subnormal
        assert ulp(facts.largest, facts) <= ulp(math.inf, facts)
