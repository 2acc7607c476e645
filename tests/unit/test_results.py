"""Primitives with several results: what each is, what of it is judged, and what an engine may choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb
from written_numbers import array_of, assert_written

import gradlaw
import gradlaw_reference as reference
from gradlaw_properties.engines import PRIMITIVES, reference_target, typed
from gradlaw_properties.examine import Settings, Unit, examine
from gradlaw_reference import FLOAT64, Ball, Data, using, vjp
from gradlaw_spec import (
    Array,
    Cell,
    Example,
    Program,
    Pull,
    SpecError,
    Step,
    Verdict,
    by_results,
    load_primitives,
    program_function,
)

PAGES = {name: page for name, page in load_primitives().items() if page.results}
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, example in enumerate(page.examples, 1)
]
MATRICES: Mapping[str, Array] = {
    "square": np.array([[0.5, 3.0, -1.0], [2.0, -0.75, 1.0], [1.5, 0.25, 4.0]]),
    "tall": np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]]),
    "wide": np.array([[1.0, 2.0, -0.5, 4.0], [0.5, -1.0, 2.0, 1.0]]),
    "batch": np.array([[[1.0, 2.0], [0.5, -1.0]], [[3.0, 1.0], [1.0, 0.5]]]),
    "empty": np.zeros((0, 0)),
}


@pytest.fixture(autouse=True)
def _balls() -> Iterator[None]:
    with using(Ball()):
        yield


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_examples(name: str, example: Example) -> None:
    page = PAGES[name]
    assert isinstance(example.value, dict)
    assert isinstance(example.cotangent, dict)
    operands = [array_of(example.operands[operand.name]) for operand in page.operands]
    values, pullback = vjp(getattr(reference, name), *operands)
    gradients = pullback(tuple(array_of(example.cotangent[result.name]) for result in page.results))
    for result, value in zip(page.results, values, strict=True):
        assert_written(result.name, example.value[result.name], value.data)
    for operand, gradient in zip(page.operands, gradients, strict=True):
        assert_written(f"gradient of {operand.name}", example.gradients[operand.name], gradient.data)


def narrow(found: Data, expected: Data) -> bool:
    """Whether balls have the expected ones, and are hardly wider."""
    pairs = zip(found.ravel(), np.broadcast_to(expected, found.shape).ravel(), strict=True)
    return all((one - arb(other)).contains(0) and one.rad() < 1e-25 for one, other in pairs)


def transposed(x: Data) -> Data:
    return np.swapaxes(x, -1, -2)


@pytest.mark.parametrize("kind", ["square", "batch", "empty"])
def test_eigenvectors_are_what_their_name_says(kind: str) -> None:
    x = MATRICES[kind]
    values, vectors = (item.data for item in reference.eigh(x))
    scaled = vectors * values[..., None, :]
    assert narrow(np.matmul(scaled, transposed(vectors)), (x + transposed(x)) / 2)
    assert narrow(np.matmul(transposed(vectors), vectors), np.eye(x.shape[-1]))
    for row in values.reshape(-1, max(1, x.shape[-1])):
        assert all(bool(first < second) for first, second in pairwise(row))


@pytest.mark.parametrize("kind", sorted(MATRICES))
def test_the_factors_of_qr_are_what_their_names_say(kind: str) -> None:
    x = MATRICES[kind]
    q, r = (item.data for item in reference.qr(x))
    assert q.shape[-1] == r.shape[-2] == min(x.shape[-2:])
    assert narrow(np.matmul(q, r), x)
    assert narrow(np.matmul(transposed(q), q), np.eye(q.shape[-1]))
    assert all(r[place] == 0 for place in np.ndindex(*r.shape) if place[-2] > place[-1])


def test_a_step_of_several_results_is_one_step_for_each() -> None:
    program = Program(("x",), (Step(("a", "b"), "qr", ("x",)), Step(("c",), "matmul", ("a", "b"))), ("c",))
    single = by_results(program)
    assert [step.primitive for step in single.steps] == ["orthogonal", "triangle", "matmul"]
    assert {"a", "b", "c"} <= set(single.names)


def test_a_step_names_all_results() -> None:
    with pytest.raises(SpecError, match="expected q, r"):
        Step(("q",), "qr", ("x",))


def test_a_definition_has_steps_of_one_result() -> None:
    assert [value.shape for value in gradlaw.xp.qr(np.ones((3, 1)))] == [(3, 1), (1, 1)]
    kernel = (lambda x: (x, x), lambda saved, g: g)
    with pytest.raises(SpecError, match="eigh, which has the results values, vectors; expected primitives with one"):
        gradlaw.check(lambda x: gradlaw.xp.eigh(x)[0], kernel, "x: 2 2", engine="numpy")


# --- engines that choose, and engines that are wrong ----------------------------------------------


def engine(name: str, change: Callable[..., Any]) -> Any:
    """Return the reference as a target, with another function for one primitive."""
    primitives = {**PRIMITIVES, name: change}

    def pullback(program: Program, values: Mapping[str, Array], keep: Any = None) -> tuple[tuple[Array, ...], Pull]:
        function = program_function(program, values, primitives, typed, keep)
        with using(FLOAT64):
            outputs, pull = reference.vjp(function, *(typed(values[name]) for name in program.inputs))

        def pulled(cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
            with using(FLOAT64):
                return tuple(gradient.data for gradient in pull(tuple(cotangents)))

        return tuple(output.data for output in outputs), pulled

    def run(program: Program, values: Mapping[str, Array]) -> tuple[Array, ...]:
        return pullback(program, values)[0]

    return replace(reference_target("chooses"), pullback=pullback, run=run, second_order=None, jvp=None)


def verdicts(name: str, change: Callable[..., Any], *laws: str) -> list[Verdict]:
    cells: tuple[Cell, ...] = examine(Unit(name, "float64", laws), engine(name, change), Settings(examples=20))
    return [cell.verdict for cell in cells]


def test_the_signs_of_vectors_are_free() -> None:
    def eigh(x: Any) -> Any:
        values, vectors = reference.eigh(x)
        return values, -vectors

    def qr(x: Any) -> Any:
        q, r = reference.qr(x)
        return -q, -r

    assert verdicts("eigh", eigh, "value", "gradient") == [Verdict.PASS] * 2
    same = verdicts("qr", reference.qr, "value", "gradient")  # matrices without full rank leave much undecided
    assert verdicts("qr", qr, "value", "gradient") == same
    assert not any(verdict.is_bad for verdict in same)


def test_a_result_without_its_gradient_is_seen() -> None:
    def still(x: Any) -> Any:
        return reference.in_dtype(x.data, x.dtype)

    def eigh(x: Any) -> Any:
        return reference.eigh(x)[0], reference.eigh(still(x))[1]

    def qr(x: Any) -> Any:
        return reference.qr(x)[0], reference.qr(still(x))[1]

    assert verdicts("eigh", eigh, "gradient") == [Verdict.VIOLATION]
    assert verdicts("qr", qr, "gradient") == [Verdict.VIOLATION]


def test_one_value_for_several_results_is_told() -> None:
    (cell,) = examine(
        Unit("eigh", "float64", ("gradient",)), engine("eigh", lambda x: reference.eigh(x)[0]), Settings(examples=5)
    )
    assert cell.verdict is Verdict.UNSUPPORTED
    assert "eigh returned Array; expected a tuple of values, vectors" in cell.message


def test_results_in_another_order_are_seen() -> None:
    def eigh(x: Any) -> Any:
        values, vectors = reference.eigh(x)
        return reference.flip(values, axis=-1), reference.flip(vectors, axis=-1)

    assert verdicts("eigh", eigh, "value") == [Verdict.VIOLATION]
