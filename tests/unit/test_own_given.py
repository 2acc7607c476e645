"""`gradlaw.assert_gradient`: somebody's own inputs, values and gradients."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import own_kernels as own
import pytest

import gradlaw
from gradlaw import xp
from gradlaw_spec import SpecError

RANDOM = np.random.default_rng(0)
X, W, B = (RANDOM.standard_normal(shape).astype(np.float32) for shape in ((4, 6), (6,), (6,)))
G = RANDOM.standard_normal((4, 6)).astype(np.float32)
VALUE, SAVED = own.forward(X, W, B)
GRADIENTS = own.backward(SAVED, G)


def test_right_gradients_pass_in_any_form() -> None:
    gradlaw.assert_gradient(own.layer_norm, VALUE, GRADIENTS, (X, W, B), G)
    named = dict(zip("xwb", GRADIENTS, strict=True))
    gradlaw.assert_gradient(own.layer_norm, VALUE, named, {"x": X, "w": W, "b": B}, G)
    gradlaw.assert_gradient(own.layer_norm, None, (GRADIENTS[1],), (X, W, B), G, wrt=("w",))


def test_a_wrong_gradient_is_told() -> None:
    with pytest.raises(gradlaw.Violation) as caught:
        gradlaw.assert_gradient(own.layer_norm, VALUE, own.mean_forgotten(SAVED, G), (X, W, B), G)
    text = str(caught.value)
    assert text.startswith("gradient of x[")
    assert "MUST truth/gradient: " in text
    assert "w = [" in text


def test_none_is_zero() -> None:
    with pytest.raises(gradlaw.Violation, match="gradient of w"):
        gradlaw.assert_gradient(own.layer_norm, VALUE, (GRADIENTS[0], None, GRADIENTS[2]), (X, W, B), G)


def test_a_wrong_value_is_told() -> None:
    with pytest.raises(gradlaw.Violation, match=r"^value"):
        gradlaw.assert_gradient(own.layer_norm, VALUE * np.float32(1.01), GRADIENTS, (X, W, B), G)


def test_dtypes_count() -> None:
    arrays = [one.astype(ml_dtypes.bfloat16) for one in (X, W, B, G)]
    value, saved = own.forward(*arrays[:3])
    gradients = own.backward(saved, arrays[3])
    gradlaw.assert_gradient(own.layer_norm, value, gradients, arrays[:3], arrays[3], compute="float32")


def test_labels_and_options() -> None:
    def picked(x: Any, labels: Any, factor: float = 1.0) -> Any:
        return x[np.arange(4), labels] * factor

    labels, factor = np.array([0, 5, 2, 2]), 0.5
    gradient = np.zeros_like(X)
    gradient[np.arange(4), labels] = G[:, 0] * np.float32(factor)
    value = X[np.arange(4), labels] * np.float32(factor)
    gradlaw.assert_gradient(picked, value, gradient, (X, labels), G[:, 0], options={"factor": factor})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((VALUE, GRADIENTS[:2], (X, W, B), G), "2 gradients"),
        ((VALUE, GRADIENTS, (X, W, B, B), G), "4 inputs"),
        ((VALUE, {"z": X}, (X, W, B), G), "a gradient of 'z'"),
        ((VALUE, GRADIENTS, (X, W, B), G[0]), "cotangents[0].shape=(6,)"),
    ],
)
def test_mistakes_are_one_line(arguments: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        gradlaw.assert_gradient(own.layer_norm, *arguments)
    assert said in str(caught.value)


@gradlaw.checks(
    (own.forward, own.backward), own.SIGNATURE, dtype=("float32", "bfloat16"), compute="float32", examples=5
)
def test_layer_norm(x: Any, w: Any, b: Any) -> Any:
    """A definition that is a test."""
    return own.layer_norm(x, w, b)


def test_a_decorated_definition_is_called_as_it_was() -> None:
    assert test_layer_norm.__doc__ == "A definition that is a test."
    assert set(test_layer_norm.check().cells) == {"float32", "bfloat16"}


def test_a_decorated_definition_fails_as_check_does(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    @gradlaw.checks((lambda x: (x, None), lambda saved, g: 2 * g), "x: d")
    def identity(x: Any) -> Any:
        return xp.reshape(x, x.shape)

    with pytest.raises(gradlaw.Violation, match="identity/gradient@float32"):
        identity("float32")
