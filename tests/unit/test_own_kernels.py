"""Kernels as people write them, and the classes of what a check once said wrongly of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradlaw
from gradlaw import xp
from gradlaw_spec import SpecError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_products_may_be_grouped_otherwise_than_in_the_definition(dtype: str) -> None:
    w, x, y, g = (np.array([item], dtype) for item in (1.0, -3.7, -3.5, 3.0))
    for of_w in ((g * y) * x, (g * x) * y, g * (x * y)):  # g * y alone is exact
        gradlaw.assert_gradient(lambda w, x, y: w * x * y, None, of_w, (w, x, y), g, wrt=("w",))
    two_away = np.nextafter(np.nextafter(g * x * y, np.inf, dtype=dtype), np.inf, dtype=dtype)
    with pytest.raises(gradlaw.Violation):
        gradlaw.assert_gradient(lambda w, x, y: w * x * y, None, two_away, (w, x, y), g, wrt=("w",))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_common_factor_may_be_multiplied_after_the_sum(dtype: str) -> None:
    random = np.random.default_rng(0)
    x, a, g = (random.standard_normal(500).astype(dtype) for _ in range(3))

    def definition(x: Any, a: Any) -> Any:  # its steps add g to g·a
        return x + x * a

    one = x.dtype.type(1)
    for of_x in (g * (one + a), g + g * a):
        gradlaw.assert_gradient(definition, None, of_x, (x, a), g, wrt=("x",))
    wrong = g * (one + a) * (one + 4 * np.finfo(dtype).eps)
    with pytest.raises(gradlaw.Violation):
        gradlaw.assert_gradient(definition, None, wrong, (x, a), g, wrt=("x",))


def test_cotangents_that_are_only_added_leave_nothing_to_a_factor() -> None:
    x, g = np.float32([3.7]), np.float32([0.1])
    gradlaw.assert_gradient(lambda x: x + x, None, 2 * g, (x,), g)
    with pytest.raises(gradlaw.Violation):
        gradlaw.assert_gradient(lambda x: x + x, None, np.nextafter(2 * g, np.float32(1)), (x,), g)


def test_a_distance_is_tried_where_it_is_zero() -> None:
    def distances(x: Any, y: Any) -> Any:
        return xp.vector_norm(x[:, None] - y[None], axis=-1)

    def forward(x: Any, y: Any) -> Any:
        apart = x[:, None] - y[None]
        root = np.sqrt((apart * apart).sum(-1))
        return root, (apart, root)

    def backward(saved: Any, g: Any) -> Any:
        apart, root = saved
        with np.errstate(invalid="ignore", divide="ignore"):  # which users who make NaN do not look at
            shares = (g / root)[..., None] * apart
        return shares.sum(1), -shares.sum(0)

    with pytest.raises(gradlaw.Violation, match="got nan"):
        gradlaw.check(distances, (forward, backward), "x: n d, y: m d")


def test_an_index_array_beside_whole_axes() -> None:
    def picked(x: Any, labels: Any) -> Any:
        return x[:, labels]

    def forward(x: Any, labels: Any) -> Any:
        return x[:, labels], (x, labels)

    def backward(saved: Any, g: Any) -> Any:
        x, labels = saved
        gradient = np.zeros_like(x)
        np.add.at(gradient, (slice(None), labels), g)
        return gradient

    gradlaw.check(picked, (forward, backward), "x: n d, labels: int m < d", examples=10)


def test_a_vector_is_one_column_of_solve() -> None:
    def solved(a: Any, x: Any) -> Any:
        return xp.solve(a, x)

    def forward(a: Any, x: Any) -> Any:
        value = np.linalg.solve(a, x)
        return value, (a, value)

    def backward(saved: Any, g: Any) -> Any:
        a, value = saved
        of_x = np.linalg.solve(a.T, g)
        return -np.outer(of_x, value), of_x

    assert gradlaw.check(solved, (forward, backward), "a: n n, x: n", dtype="float64", examples=5).points > 0
    assert xp.solve(2 * np.eye(2), np.ones(2)).tolist() == [0.5, 0.5]


def test_a_product_with_a_power_of_two_is_exact_in_every_order() -> None:
    x, g = np.float32([3.7]), np.float32([0.1])
    gradlaw.assert_gradient(lambda x: 4 * x / 2, None, 2 * g, (x,), g)
    with pytest.raises(gradlaw.Violation):
        gradlaw.assert_gradient(lambda x: 4 * x / 2, None, np.nextafter(2 * g, np.float32(1)), (x,), g)


def test_an_axis_is_padded_by_itself() -> None:
    def padded(x: Any) -> Any:
        return xp.pad(x, pad_width=((0, 0), (2, 1)))

    kernel = (lambda x: (np.pad(x, ((0, 0), (2, 1))), None), lambda saved, g: np.array(g[:, 2:-1]))
    gradlaw.check(padded, kernel, "x: n d", examples=10)
    assert xp.pad(np.ones((1, 2)), ((1, 0),)).tolist() == [[0, 0, 0], [0, 1, 1]]


@pytest.mark.parametrize("width", [((0, 0), (1, 1), (1, 1)), ((1, -1),), ((1, 2, 3),)])
def test_margins_that_fit_no_axes_are_told(width: Any) -> None:
    with pytest.raises(SpecError, match="a pair of counts, or one for each of the 2 axes"):
        xp.pad(np.ones((2, 2)), width)


def test_an_attribute_that_is_no_integer_is_told() -> None:
    def wrong(x: Any) -> Any:
        return xp.sum(x, axis=((0,), (1,)))

    with pytest.raises(SpecError, match="expected integers"):
        gradlaw.check(wrong, (lambda x: (x, None), lambda saved, g: g), "x: n d")


def pooled(share: Any) -> Any:
    def backward(saved: Any, g: Any) -> Any:
        met = saved == saved.max(-1, keepdims=True)
        return (share(met) * g[..., None]).reshape(len(g), -1).astype(saved.dtype)

    def forward(x: Any) -> Any:
        windows = x.reshape(len(x), -1, 2)
        return windows.max(-1), windows

    return forward, backward


def max_pool(x: Any) -> Any:
    return xp.max(xp.reshape(x, (x.shape[0], 2, 2)), axis=-1)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_ties_that_get_the_cotangent_twice_or_never_are_found(dtype: str) -> None:
    for share in (lambda met: met, lambda met: met * (met.sum(-1, keepdims=True) == 1)):
        with pytest.raises(gradlaw.Violation, match="a tie is shared out once"):
            gradlaw.check(max_pool, pooled(share), "x: n 4", dtype=dtype)


def test_ties_may_be_shared_out_in_any_way() -> None:
    def first(met: Any) -> Any:
        return met & (np.cumsum(met, -1) == 1)

    for share in (first, lambda met: met / met.sum(-1, keepdims=True, dtype=np.float32)):
        gradlaw.check(max_pool, pooled(share), "x: n 4", dtype=("float32", "bfloat16"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_follows_a_tie_may_bend(dtype: str) -> None:
    def forward(x: Any) -> Any:
        top = x.max(-1, keepdims=True)
        return (top * top)[..., 0], x

    def backward(x: Any, g: Any) -> Any:
        met = x == x.max(-1, keepdims=True)
        first = met & (np.cumsum(met, -1) == 1)
        return (first * (g[..., None] * x * 2)).astype(x.dtype)

    def twice(x: Any, g: Any) -> Any:
        return ((x == x.max(-1, keepdims=True)) * (g[..., None] * x * 2)).astype(x.dtype)

    gradlaw.check(lambda x: xp.max(x, axis=-1) ** 2, (forward, backward), "x: n 3", dtype=dtype)
    with pytest.raises(gradlaw.Violation, match="a tie is shared out once"):
        gradlaw.check(lambda x: xp.max(x, axis=-1) ** 2, (forward, twice), "x: n 3", dtype=dtype)


@pytest.mark.parametrize("share", [(0, 1), (1, 0), (0.5, 0.5)])
def test_what_is_equal_once_it_is_computed_belongs_to_inputs_that_are_not(share: tuple[float, float]) -> None:
    """Products tie at x = (1, 2, 1): nothing is said of what the two elements that are 1 get together."""
    weights = np.array([[0.5, 1, 2]])
    x, tied = np.array([[1.0, 2, 1]]), np.array([[0.0, *share]])

    gradlaw.assert_gradient(
        lambda x: xp.max(x * weights, axis=-1), np.array([2.0]), [tied * weights], [x], np.array([1.0])
    )


def test_a_kernel_may_refuse_where_its_definition_has_no_value() -> None:
    def backward(saved: Any, g: Any) -> Any:
        return -(saved.swapaxes(-1, -2) @ g @ saved.swapaxes(-1, -2))

    def forward(a: Any) -> Any:
        inverse = np.linalg.inv(a)
        return inverse, inverse

    def never(a: Any) -> Any:
        if a.size and a.ravel()[0] < 0:
            raise np.linalg.LinAlgError("no number below zero")
        return forward(a)

    gradlaw.check(xp.inv, (forward, backward), "a: 2 2", examples=20)  # NumPy raises at singular matrices
    with pytest.raises(gradlaw.Violation, match="no number below zero"):
        gradlaw.check(xp.inv, (never, backward), "a: 2 2", examples=20)


STEP = np.float32(0.25)


def quantised(clipped: bool) -> Any:
    def forward(x: Any) -> Any:
        steps = np.round(x / STEP)
        return np.clip(steps, -8, 7) * STEP, (steps >= -8) & (steps <= 7)

    return forward, lambda inside, g: g * inside if clipped else g


def straight_through(x: Any) -> Any:
    steps = np.round(xp.data(x) / STEP)
    rounded = np.clip(steps, -8, 7) * STEP
    return xp.where(rounded == steps * STEP, x + xp.stop_gradient(rounded - x), rounded)


def test_numbers_of_inputs_are_data_so_that_a_straight_through_gradient_can_be_said() -> None:
    gradlaw.check(straight_through, quantised(clipped=True), "x: n d", examples=20)
    with pytest.raises(gradlaw.Violation, match="/gradient@float32"):
        gradlaw.check(straight_through, quantised(clipped=False), "x: n d", examples=20)
    assert xp.data([1, 2]).tolist() == [1, 2]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_comparisons_of_inputs_are_data_in_the_dtype_that_is_computed_in(dtype: str) -> None:
    def leaky(x: Any, y: Any) -> Any:
        return xp.where((x > 0.1) & (x != y), x, y)

    def forward(x: Any, y: Any) -> Any:
        chosen = (x.astype(np.float32) > np.float32(0.1)) & (x != y)
        return np.where(chosen, x, y), chosen

    def backward(chosen: Any, g: Any) -> Any:
        zero = np.zeros_like(g)
        return np.where(chosen, g, zero), np.where(chosen, zero, g)

    gradlaw.check(leaky, (forward, backward), "x: n, y: n", dtype=dtype, compute="float32", examples=20)


def test_a_question_names_a_value_by_what_it_is_made_of() -> None:
    def forward(a: Any) -> Any:
        power = np.exp(-a)
        return 1 / (1 + power), power.astype(np.float16)

    def backward(saved: Any, g: Any) -> Any:
        power = saved.astype(g.dtype)
        return g * power / (1 + power) ** 2

    with pytest.raises(
        gradlaw.Violation, match=r"inside if exp\(negative\(a\)\) is stored in float16 or bfloat16: is it\?"
    ):
        gradlaw.check(lambda a: 1 / (1 + xp.exp(-a)), (forward, backward), "a: n", domain={"a": "[-4, 4]"})


def test_a_small_miss_is_asked_as_an_accuracy_first() -> None:
    def forward(x: Any) -> Any:
        return np.nextafter(np.tanh(x), np.float32(0)), np.tanh(x)

    with pytest.raises(gradlaw.Violation, match=r"inside if tanh is accurate to \d+ units only"):
        gradlaw.check(xp.tanh, (forward, lambda y, g: g * (1 - y) * (1 + y)), "x: n", accuracies={"tanh": 1})


TANH = (lambda x: (np.tanh(x), np.tanh(x)), lambda y, g: g * (1 - y) * (1 + y))


@pytest.mark.parametrize(
    ("definition", "signature", "asked", "said"),
    [
        (np.tanh, "x: n", {}, "Use gradlaw.xp"),
        (lambda x: x.sum(-1), "x: n", {}, "Use gradlaw.xp"),
        (lambda x, y: x * y, "x: n", {}, "expected the arguments x"),
        (xp.tanh, "x: float32 n", {}, "Say dtype='float32'"),
        (xp.tanh, "x: n", {"domain": {"x": 3}}, "an interval such as"),
        (xp.tanh, "x: n", {"wrt": ()}, "Name real inputs"),
        (xp.tanh, "x: n", {"engine": "tf"}, "engine='tf'"),
        (xp.tanh, "x: n", {"examples": -1}, "a number from 1"),
        (lambda x: x * len(xp.sum(x)), "x: n", {}, "It is a single number"),
    ],
)
def test_mistakes_of_whoever_asks_are_told(definition: Any, signature: str, asked: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        gradlaw.check(definition, TANH, signature, **asked)


def test_what_others_write_is_understood() -> None:
    result = gradlaw.check(
        xp.tanh, TANH, "x: n", dtype=np.float32, compute=np.dtype("float32"), examples=3, also=xp.tanh
    )
    assert list(result.cells) == ["float32"]
    assert xp.einsum("ij,j->i", np.ones((1, 2)), np.ones(2)).tolist() == [2]
    rows = (lambda x: (x.sum(0), len(x)), lambda count, g: np.broadcast_to(g, (count, *g.shape)).copy())
    gradlaw.check(lambda x: sum(row for row in x), rows, "x: n d", examples=5)
