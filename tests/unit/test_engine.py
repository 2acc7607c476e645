"""The engine: JAX's signatures, nested differentiation, long chains, 0-d arrays, and the notes' examples."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

import gradlaw_reference as reference
from gradlaw_reference import RATIONAL, Ball, admissible, certify, grad, using, value_and_grad, vjp
from gradlaw_spec import SpecError, Step, load_primitives, parse_formula

STAGED = "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"
DX = "2.05956979557216491"
DY = "1.59223275148380931"


def staged(x: Any, y: Any) -> Any:
    return (x + reference.sigmoid(y)) / (reference.sigmoid(x) + (x + y) ** 2)


def test_staged_example_in_float64() -> None:
    value, (dx, dy) = value_and_grad(staged, (0, 1))(3.0, -4.0)
    assert abs(float(value) - 1.5456448841066441) <= 2**-51
    assert abs(float(dx) - float(DX)) <= 2**-50
    assert abs(float(dy) - float(DY)) <= 2**-50


def test_staged_example_is_certified_to_fifteen_digits() -> None:
    program = parse_formula(STAGED, ("x", "y"), load_primitives().keys())
    values = {"x": np.asarray(3.0), "y": np.asarray(-4.0)}
    exact = admissible(program, values, (np.asarray(1.0),), dtype=None)
    with using(Ball()):
        for gradient, digits in zip(exact.gradients, (DX, DY), strict=True):
            ball = gradient.item()
            assert ball.rad() < arb("1e-30")
            assert abs(ball - arb(digits)) < arb("1e-17")


def test_matrix_gradients_of_the_notes() -> None:
    generator = np.random.Generator(np.random.PCG64(0))
    w, x, d = generator.normal(size=(5, 10)), generator.normal(size=(10, 3)), generator.normal(size=(5, 3))
    with using(RATIONAL):
        _, pullback = vjp(lambda a, b: a @ b, w, x)
        dw, dx = (gradient.data for gradient in pullback(d))
        exact_d, exact_w, exact_x = (RATIONAL.asarray(item) for item in (d, w, x))
    assert (dw == exact_d @ exact_x.T).all()
    assert (dx == exact_w.T @ exact_d).all()


def test_a_chain_of_100_000_steps() -> None:
    def chain(x: Any) -> Any:
        for _ in range(100_000):
            x = -x
        return x

    assert float(grad(chain)(1.0)) == 1.0


def test_gradients_have_gradients() -> None:
    def cube(x: Any) -> Any:
        return x * x * x

    with using(RATIONAL):
        assert grad(grad(cube))(fmpq(1, 3)).item() == 2
        assert grad(grad(grad(cube)))(fmpq(1, 3)).item() == 6


def test_gradient_with_respect_to_the_cotangent() -> None:
    def pulled(g: Any) -> Any:
        _, pullback = vjp(lambda x: x * x, fmpq(5))
        return pullback(g)[0]

    with using(RATIONAL):
        assert grad(pulled)(fmpq(2)).item() == 10


@pytest.mark.parametrize("name", sorted(load_primitives()))
def test_second_order_rules_exist(name: str) -> None:
    """Each rule is made of primitives: the gradient of a gradient is a number wherever the page's example is smooth."""
    page = load_primitives()[name]
    example = page.examples[0]
    operands = [
        np.asarray(example.operands[operand.name], dtype=bool if operand.kind == "boolean" else None)
        if operand.kind != "sequence"
        else [np.asarray(item, dtype=float) for item in example.operands[operand.name]]  # type: ignore[union-attr]
        for operand in page.operands
    ]
    position = next(i for i, operand in enumerate(page.operands) if operand.kind in ("real", "sequence"))
    attributes = {key: tuple(item) if isinstance(item, list) else item for key, item in example.attributes.items()}
    if any(attribute.kind == "index" for attribute in page.attributes):
        attributes = {"index": (0,)}
    first = operands[position]
    start = first[0] if isinstance(first, list) else np.asarray(first, dtype=float)

    def total(x: Any) -> Any:
        chosen = list(operands)
        chosen[position] = [x, *first[1:]] if isinstance(first, list) else x
        value = getattr(reference, name)(*chosen, **attributes)
        results = [reference.pow(one, 3) for one in value] if page.results else [reference.square(value)]
        return functools.reduce(operator.add, (reference.sum(one) for one in results))

    with using(Ball()):
        hessian_row = grad(lambda x: reference.sum(grad(total)(x)))(start)
    assert hessian_row.shape == start.shape


def test_zero_dimensional_object_arrays_stay_arrays() -> None:
    with using(Ball()):
        value, pullback = vjp(lambda x: x + 1, 2.0)
        assert isinstance(value.data, np.ndarray)
        assert value.shape == ()
        assert pullback(1)[0].shape == ()


def test_unconnected_input_has_zero_gradient() -> None:
    _, pullback = vjp(lambda x, y: x * 2, np.ones(2), np.ones((3, 1)))
    assert pullback(np.ones(2))[1].data.tolist() == [[0.0], [0.0], [0.0]]


def test_errors_name_value_and_cure() -> None:
    with pytest.raises(SpecError, match="argnums=2"):
        grad(lambda x: x, argnums=2)(1.0)
    with pytest.raises(SpecError, match=r"shape=\(2,\)"):
        grad(lambda x: x)(np.ones(2))
    with pytest.raises(SpecError, match=r"cotangents\[0\]\.shape=\(3,\)"):
        vjp(lambda x: x, np.ones(2))[1](np.ones(3))
    with pytest.raises(TypeError, match="axis"):
        reference.exp(1.0, axis=0)
    with pytest.raises(AttributeError, match="softsoft"):
        _ = reference.softsoft


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_rounding_model_contains_the_exact_gradient(dtype: str) -> None:
    program = parse_formula(STAGED, ("x", "y"), load_primitives().keys())
    values = {"x": np.asarray(3.0), "y": np.asarray(-4.0)}
    wide = certify(program, values, dtype=dtype).gradients((np.asarray(1.0),))
    for gradient, digits in zip(wide, (DX, DY), strict=True):
        assert gradient.item().contains(arb(digits))


def test_overflow_admits_everything() -> None:
    program = parse_formula("exp(x) * 2", ("x",), load_primitives().keys())
    wide = admissible(program, {"x": np.asarray(800.0)}, (np.asarray(1.0),), dtype="float64")
    assert not wide.outputs[0].item().is_finite()
    assert not wide.gradients[0].item().is_finite()


def test_kink_is_the_allowed_set() -> None:
    program = parse_formula("relu(x)", ("x",), load_primitives().keys())
    wide = admissible(program, {"x": np.asarray([-1.0, 0.0, 1.0])}, (np.full(3, 2.0),), dtype="float32")
    below, at, above = wide.gradients[0]
    assert below == 0
    assert above == 2
    assert at.contains(arb(0))
    assert at.contains(arb(2))
    assert not at.contains(arb("2.001"))
    assert not at.contains(arb("-0.001"))


PAGES = load_primitives()
DEFAULTED = [name for name, page in PAGES.items() if page.attributes and not any(a.required for a in page.attributes)]
SQUARE = np.array([[0.5, 0.25], [2.0, 1.5]])


@pytest.mark.parametrize("name", DEFAULTED)
def test_an_attribute_that_is_left_out_is_the_pages_default_in_every_arithmetic(name: str) -> None:
    page = PAGES[name]
    indices = [[0, 1], [1, 1]] if page.shapes == "aligned" else [0, 1]
    indexed = any(operand.kind == "index" for operand in page.operands)
    windows = page.shapes == "windows"
    square = SQUARE.reshape((1,) * (len(page.signature.operands[0]) - 2) + SQUARE.shape) if windows else SQUARE
    others = [square] * (len(page.differentiable) - 1)
    data = [indices, *others] if indexed else others if windows else []
    operand = [square, square] if page.operands[0].kind == "sequence" else square
    written = {attribute.name: attribute.value for attribute in page.attributes}

    def total(x: Any, attributes: Any) -> Any:
        shown = getattr(reference, name)([x, x] if isinstance(operand, list) else x, *data, **attributes)
        return reference.sum(shown * np.cos(np.arange(float(shown.data.size))).reshape(shown.shape))

    for arithmetic in (Ball(), Ball("float64"), Ball("bfloat16"), *([RATIONAL] if page.rational else [])):
        with using(arithmetic):
            short, full = (grad(lambda x, given=given: total(x, given))(square).data for given in ({}, written))
            for one, other in zip(short.ravel(), full.ravel(), strict=True):
                assert one == other or one.overlaps(other)


def test_an_attribute_without_a_default_is_asked_for() -> None:
    with pytest.raises(SpecError, match=r"reshape: found no shape; expected shape, which has no default"):
        reference.reshape(SQUARE)
    with pytest.raises(SpecError, match=r"Write reshape\(…, shape=…\)"):
        Step(("y",), "reshape", ("x",))


def test_a_step_has_all_its_attributes() -> None:
    assert Step(("y",), "softmax", ("x",)).attributes == {"axis": -1}
    assert Step(("y",), "sum", ("x",), {"keepdims": True}).attributes == {"axis": None, "keepdims": True}
