"""What a user declares of a kernel: stored values, other formulas, accuracies; what a check could have found."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import ml_dtypes
import numpy as np
import own_kernels as own
import pytest

import gradlaw
from gradlaw import xp
from gradlaw_spec import SpecError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def forward(x: Any) -> tuple[Any, Any]:
    power = np.exp(x - x.max(-1, keepdims=True))
    y = power / power.sum(-1, keepdims=True)
    return y, y.astype(ml_dtypes.bfloat16)


def backward(saved: Any, g: Any) -> Any:
    y = saved.astype(np.float32)
    return y * (g - (g * y).sum(-1, keepdims=True))


def softmax(x: Any) -> Any:
    return xp.softmax(x, axis=-1)


def softmax_in_bfloat16(x: Any) -> Any:
    with xp.stored("bfloat16"):
        return xp.softmax(x, axis=-1)


def test_what_is_stored_is_asked_for_and_admitted_where_it_is_declared() -> None:
    asked = r"inside if softmax\(x, axis=-1\) is stored in (float16 or )?bfloat16: is it\?"
    with pytest.raises(gradlaw.Violation, match=asked):
        gradlaw.check(softmax, (forward, backward), "x: batch d")
    result = gradlaw.check(softmax_in_bfloat16, (forward, backward), "x: batch d", examples=100)
    assert result.undecided < result.points / 20


def test_a_value_is_not_rounded_by_how_it_is_stored() -> None:
    def rounded(x: Any) -> tuple[Any, Any]:
        _, saved = forward(x)
        return saved.astype(np.float32), saved

    with pytest.raises(gradlaw.Violation, match="softmax_in_bfloat16/value@float32"):
        gradlaw.check(softmax_in_bfloat16, (rounded, backward), "x: batch d")


def test_a_wrong_gradient_of_a_stored_value_is_found() -> None:
    def wrong(saved: Any, g: Any) -> Any:
        return saved.astype(np.float32) * g

    with pytest.raises(gradlaw.Violation, match="/gradient@float32"):
        gradlaw.check(softmax_in_bfloat16, (forward, wrong), "x: batch d")


def test_another_formula_for_the_same_function() -> None:
    def difference(x: Any, y: Any) -> Any:
        return x * x - y * y

    def product(x: Any, y: Any) -> Any:
        return (x - y) * (x + y)

    kernel = (lambda x, y: (x * x - y * y, (x, y)), lambda saved, g: (2 * saved[0] * g, -2 * saved[1] * g))
    with pytest.raises(gradlaw.Violation, match="/value@float32"):
        gradlaw.check(product, kernel, "x: d, y: d")
    gradlaw.check(product, kernel, "x: d, y: d", also=(difference,))


SQUARES: Final = (lambda x, y: (x * x - y * y, (x, y)), lambda saved, g: _by_factors(*saved, g))


def squares(x: Any, y: Any) -> Any:
    return x * x - y * y


def _by_factors(x: Any, y: Any, g: Any) -> tuple[Any, Any]:
    return g * ((x + y) + (x - y)), g * ((x - y) - (x + y))


def test_another_formula_for_the_gradients_alone() -> None:
    with pytest.raises(gradlaw.Violation, match="/gradient@float32"):
        gradlaw.check(squares, SQUARES, "x: d, y: d")
    result = gradlaw.check(squares, SQUARES, "x: d, y: d", backward=_by_factors)
    assert result.points > 1000


def test_of_some_inputs_with_options_and_several_outputs() -> None:
    def definition(x: Any, y: Any, scale: Any = 1.0) -> Any:
        return squares(x, y) * scale, x

    def formula(x: Any, y: Any, g: Any, h: Any, scale: Any = 1.0) -> Any:
        return scale * g * ((x + y) + (x - y)) + h

    def forward(x: Any, y: Any, scale: Any = 1.0) -> Any:
        return ((x * x - y * y) * np.float32(scale), x.copy()), (x, y, np.float32(scale))

    def back(saved: Any, cotangents: Any) -> Any:
        (x, y, scale), (g, h) = saved, cotangents
        return scale * g * ((x + y) + (x - y)) + h, np.zeros_like(y)

    given = {"wrt": "x", "options": {"scale": 3.0}}
    with pytest.raises(gradlaw.Violation, match="/gradient@float32"):
        gradlaw.check(definition, (forward, back), "x: d, y: d", **given)
    gradlaw.check(definition, (forward, back), "x: d, y: d", backward=formula, **given)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda x, y, g: (g * x, -2 * g * y), r"gradient of x\[0\] at x = .* expected .*, the definition's"),
        (lambda x, y, g: (2 * g * x, xp.sum(g * y)), r"shapes of x, y\. Add up over broadcast axes"),
        (lambda x, y, g: 2 * g * x, "the shapes of x, y"),
        (lambda x, y: (x, y), "the arguments x, y, g0"),
        (lambda x, y, g: np.exp(x), "gradlaw.xp"),
    ],
)
def test_a_formula_that_is_not_the_gradient_is_a_mistake(formula: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        gradlaw.check(squares, SQUARES, "x: d, y: d", backward=formula)
    x, y, g = np.float32([1.25]), np.float32([3.5]), np.float32([2.0])
    with pytest.raises(SpecError, match=words):
        gradlaw.assert_gradient(squares, None, _by_factors(x, y, g), {"x": x, "y": y}, g, backward=formula)


def test_a_wrong_gradient_stays_wrong_beside_a_formula() -> None:
    wrong = (SQUARES[0], lambda saved, g: tuple(1.0001 * one for one in _by_factors(*saved, g)))
    with pytest.raises(gradlaw.Violation, match="/gradient@float32"):
        gradlaw.check(squares, wrong, "x: d, y: d", backward=_by_factors)


def test_a_declared_accuracy() -> None:
    def coarse(x: Any) -> Any:
        return (np.tanh(x) * np.float32(1 + 2**-12)).astype(np.float32)

    kernel = (lambda x: (coarse(x), coarse(x)), lambda y, g: g * (1 - y * y))
    with pytest.raises(gradlaw.Violation, match="/value@float32"):
        gradlaw.check(lambda x: xp.tanh(x), kernel, "x: d")
    gradlaw.check(lambda x: xp.tanh(x), kernel, "x: d", accuracies={"tanh": "2**-11"})
    gradlaw.check(lambda x: xp.tanh(x), kernel, "x: d", accuracies={"tanh": 2**13})


def test_a_sum_that_is_declared_less_accurate_need_not_be_exact() -> None:
    def running(x: Any) -> tuple[Any, Any]:
        mean = np.zeros(x.shape[:-1], dtype=x.dtype)
        for place in range(x.shape[-1]):
            mean = mean + (x[..., place] - mean) * np.float32(1 / (place + 1))
        return mean, x

    def back(x: Any, g: Any) -> Any:
        return np.broadcast_to(g[..., None] / np.float32(x.shape[-1]), x.shape).copy()

    def mean(x: Any) -> Any:
        return xp.mean(x, axis=-1)

    with pytest.raises(gradlaw.Violation):
        gradlaw.check(mean, (running, back), "x: batch d", examples=100)
    gradlaw.check(mean, (running, back), "x: batch d", examples=100, accuracies={"sum": 8})


@pytest.mark.parametrize(
    ("accuracies", "said"), [({"tanhh": 3}, "'tanhh'"), ({"tanh": "a few"}, "tanh='a few'"), ({"tanh": "2**"}, "2**")]
)
def test_accuracies_that_are_none(accuracies: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        gradlaw.check(lambda x: xp.tanh(x), (np.tanh, np.tanh), "x: d", accuracies=accuracies)
    assert said in str(caught.value)


def test_stored_wants_a_dtype() -> None:
    with pytest.raises(SpecError, match="dtype='float8'"), xp.stored("float8"):
        pass


def test_a_result_says_what_would_have_been_found() -> None:
    kernel = (own.forward, own.backward)
    result = gradlaw.check(own.layer_norm, kernel, own.SIGNATURE, dtype=("float32", "bfloat16"), compute="float32")
    assert [(one.input, one.dtype) for one in result.power] == [
        (name, dtype) for dtype in ("float32", "bfloat16") for name in ("x", "w", "b")
    ]
    for one in result.power:
        unit = 2.0**-24 if one.dtype == "float32" else 2.0**-8
        assert one.smallest <= one.typical
        assert one.smallest < 100 * unit
        assert one.typical < 10_000 * unit
    assert "gradient of w@bfloat16: a relative error of 0.00" in str(result)
    assert result.warnings == ()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_error_of_the_size_that_is_told_is_found(dtype: str) -> None:
    kernel = (own.forward, own.backward)
    result = gradlaw.check(own.layer_norm, kernel, own.SIGNATURE, dtype=dtype, compute="float32")
    size = max(one.typical for one in result.power)

    def larger(saved: Any, g: Any) -> Any:
        scaled = (one.astype(np.float32) * np.float32(1 + 4 * size) for one in own.backward(saved, g))
        return tuple(one.astype(saved[3].dtype) for one in scaled)

    with pytest.raises(gradlaw.Violation):
        gradlaw.check(own.layer_norm, (own.forward, larger), own.SIGNATURE, dtype=dtype, compute="float32")


def test_a_check_that_cannot_fail_warns() -> None:
    kernel = (lambda x: (x * 0, x), lambda x, g: np.zeros_like(x))
    with pytest.warns(gradlaw.PowerWarning, match="a gradient of x that is zero everywhere would have passed"):
        result = gradlaw.check(lambda x: x * 0, kernel, "x: d")
    assert "warning: " in str(result)


def test_a_check_that_can_fail_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", gradlaw.PowerWarning)
        gradlaw.check(own.layer_norm, (own.forward, own.backward), own.SIGNATURE, compute="float32")


def test_a_kernel_may_flush_but_not_in_float16() -> None:
    def flushing(x: Any) -> tuple[Any, Any]:
        y = x * np.asarray(0.25, x.dtype)
        return np.where(np.abs(y) < np.finfo(x.dtype).tiny, 0, y).astype(x.dtype), None

    kernel = (flushing, lambda saved, g: g * np.asarray(0.25, g.dtype))
    small = {"x": "[0, 1e-4]"}
    gradlaw.check(lambda x: x * 0.25, kernel, "x: d", domain={"x": "[0, 1e-37]"})
    with pytest.raises(gradlaw.Violation, match="underflow"):
        gradlaw.check(lambda x: x * 0.25, kernel, "x: d", dtype="float16", domain=small)


def test_a_row_that_depends_on_its_batch_is_told_apart_from_truth() -> None:
    tenth = np.float32(0.1)

    def forward(x: Any) -> Any:
        return (x * tenth).sum(-1) if len(x) < 3 else x.sum(-1) * tenth, x

    def backward(x: Any, g: Any) -> Any:
        return np.broadcast_to(g[:, None] * tenth, x.shape)

    def definition(x: Any) -> Any:
        return xp.sum(x * 0.1, axis=-1)

    result = gradlaw.check(definition, (forward, backward), "x: batch d", batch="batch")
    assert "in the batch" in result.rows["float32"]
    assert "SHOULD batch-invariance: " in str(result)
    steady = (lambda x: (x * 2, None), lambda saved, g: g * 2)
    clean = gradlaw.check(lambda x: x * 2, steady, "x: batch d", batch="batch", examples=10)
    assert clean.rows == {"float32": ""}
    assert "rows are bit for bit the same" in str(clean)


@pytest.mark.parametrize("axis", ["d", "rows"])
def test_rows_are_along_the_first_axis(axis: str) -> None:
    with pytest.raises(SpecError, match=f"batch='{axis}'"):
        gradlaw.check(lambda x: x * 2, (lambda x: (x, x), lambda x, g: g), "x: batch d", batch=axis)


def test_what_is_meant_to_be_overwritten_is_declared() -> None:
    def backward(x: Any, g: Any) -> Any:
        g *= 2 * x
        x[...] = 0
        return g

    def forward(x: Any) -> Any:
        if not x.flags.writeable:
            raise NotImplementedError("read-only")
        return x * x, x

    kernel = (forward, backward)
    laws = {"inplace": ("x", "cotangent"), "examples": 10}
    with pytest.raises(gradlaw.Violation, match="/purity@float32"):
        gradlaw.check(lambda x: x * x, kernel, "x: d", examples=10)
    with pytest.raises(gradlaw.Violation, match="/purity@float32"):
        gradlaw.check(lambda x: x * x, kernel, "x: d", inplace="cotangent", examples=10)
    with pytest.raises(gradlaw.Violation, match="/replay@float32"):  # what was saved is gone
        gradlaw.check(lambda x: x * x, kernel, "x: d", **laws)
    copies = (lambda x: (x * x, x.copy()), lambda x, g: np.multiply(g, 2 * x, out=g if g.flags.writeable else None))
    gradlaw.check(lambda x: x * x, copies, "x: d", inplace="cotangent", examples=10)
    with pytest.raises(SpecError, match="inplace='y'"):
        gradlaw.check(lambda x: x * x, copies, "x: d", inplace="y")
