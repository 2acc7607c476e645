"""`gradlaw.check`: clean kernels pass in every dtype, and each planted bug is told by the law that it breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import own_kernels as own
import pytest
from hypothesis import strategies as st

import gradlaw
from gradlaw import xp
from gradlaw_spec import SpecError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found_by(backward: Any, forward: Any = own.forward, **options: Any) -> gradlaw.Violation:
    with pytest.raises(gradlaw.Violation) as caught:
        gradlaw.check(own.layer_norm, (forward, backward), own.SIGNATURE, compute="float32", **options)
    return caught.value


def test_what_a_test_file_asks_of_numpy_does_not_reach_the_sets() -> None:
    with np.errstate(all="raise"):
        result = gradlaw.check(own.layer_norm, (own.forward, own.backward), own.SIGNATURE, compute="float32")
        with pytest.raises(FloatingPointError):
            np.float64(1e300) * np.float64(1e300)
    assert result.points


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_clean_kernel_is_not_blamed(dtype: str) -> None:
    result = gradlaw.check(
        own.layer_norm, (own.forward, own.backward), own.SIGNATURE, dtype=dtype, compute="float32", examples=80
    )
    assert result.points > 40_000
    assert result.undecided < result.points / 20


@pytest.mark.parametrize(
    ("backward", "law"),
    [
        (own.eps_forgotten, "gradient"),
        (own.mean_forgotten, "gradient"),
        (own.last_row_only, "gradient"),
        (own.cotangent_ignored, "gradient"),
        (own.absolute_cotangent, "gradient"),
        (own.all_zeros, "gradient"),
        (own.wrong_shape, "shape"),
        (own.wrong_dtype, "dtype"),
        (own.cotangent_overwritten, "purity"),
        (own.input_overwritten, "purity"),
        (own.saved_overwritten, "replay"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_planted_bug_is_told_by_its_law(backward: Any, law: str, dtype: str) -> None:
    assert f"layer_norm/{law}@{dtype}: violation" in str(found_by(backward, dtype=dtype))


def test_a_kernel_that_depends_on_earlier_calls_is_told() -> None:
    assert "layer_norm/determinism@float32: violation" in str(found_by(own.depends_on_the_call()))


def test_a_kernel_without_an_order_of_sums_is_judged_by_sets() -> None:
    given = {"compute": "float32", "examples": 10, "deterministic": False}
    gradlaw.check(own.layer_norm, (own.forward, own.depends_on_the_call()), own.SIGNATURE, **given)
    with pytest.raises(gradlaw.Violation):
        gradlaw.check(own.layer_norm, (own.forward, own.mean_forgotten), own.SIGNATURE, **given)


@pytest.mark.parametrize("forward", [own.one_pass, own.stored_in_bfloat16])
def test_statistics_without_digits_are_found(forward: Any) -> None:
    found_by(own.backward, forward, examples=80)


def test_the_text_has_all_that_is_needed() -> None:
    text = str(found_by(own.mean_forgotten))
    lines = text.splitlines()
    assert lines[1].startswith("  MUST truth/gradient: ")
    assert any(line.startswith("    x = [[") and "# float32 (" in line for line in lines)
    assert "admissible [" in text
    assert "Replay: run the test again; it begins with .gradlaw" in text
    script = [line.removeprefix("    ") for line in lines[lines.index("    import runpy") - 1 : -2]]
    assert len(script) <= 20
    paths = os.pathsep.join([*sys.path, str(Path(own.__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(script)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    got = text.split("got ")[1].split(";")[0]
    assert done.returncode == 0, done.stderr
    assert str(np.float32(got))[:6] in done.stdout


def test_a_witness_is_tried_first_and_forgotten_when_it_is_mended() -> None:
    found_by(own.mean_forgotten)
    (kept,) = Path(".gradlaw/own").glob("*.json")
    assert "layer_norm/gradient@float32" in str(found_by(own.mean_forgotten, examples=1))
    gradlaw.check(own.layer_norm, (own.forward, own.backward), own.SIGNATURE, compute="float32", examples=1)
    assert not kept.exists()


def test_a_witness_of_another_definition_without_a_name_is_not_tried() -> None:
    wrong = (lambda x, y: (x * y, (x, y)), lambda saved, g: (g * saved[1], g * saved[1]))
    with pytest.raises(gradlaw.Violation):
        gradlaw.check(lambda x, y: x * y, wrong, "x: d, y: d")
    (kept,) = Path(".gradlaw/own").glob("*.json")
    gradlaw.check(lambda z: z * 2, (lambda z: (z * 2, None), lambda saved, g: g * 2), "z: d", examples=5)
    assert kept.exists()


def test_a_witness_of_another_signature_is_forgotten() -> None:
    def definition(*values: Any) -> Any:
        return values[0] * 2

    wrong = (lambda x, y: (x * 2, y), lambda y, g: (g * 3, 0 * y))
    with pytest.raises(gradlaw.Violation):
        gradlaw.check(definition, wrong, "x: d, y: d")
    gradlaw.check(definition, (lambda z: (z * 2, None), lambda saved, g: g * 2), "z: d", examples=5)
    assert not list(Path(".gradlaw/own").glob("*.json"))


def test_the_same_seed_finds_the_same() -> None:
    first = str(found_by(own.eps_forgotten))
    for kept in Path(".gradlaw/own").glob("*.json"):
        kept.unlink()
    assert str(found_by(own.eps_forgotten)) == first


def scaled(x: Any, labels: Any, mask: Any, scale: float, power: int = 1) -> Any:
    picked = x[np.arange(x.shape[0]), labels]
    return xp.where(mask, picked * scale, 0.0) ** power


def scaled_forward(x: Any, labels: Any, mask: Any, scale: float, power: int = 1) -> tuple[Any, Any]:
    rows = np.arange(len(x))
    product = x[rows, labels] * np.asarray(scale, dtype=x.dtype)
    output = np.where(mask, product, 0).astype(x.dtype) ** power
    return output, (x, labels, mask, np.asarray(scale, dtype=x.dtype), power, product)


def scaled_backward(saved: Any, cotangent: Any) -> Any:
    x, labels, mask, scale, power, product = saved
    inner = cotangent if power == 1 else 2 * product * cotangent
    gradient = np.zeros_like(x)
    gradient[np.arange(len(x)), labels] = np.where(mask, inner * scale, 0)
    return gradient


def test_labels_masks_numbers_and_options() -> None:
    signature = "x: batch v, labels: int batch < v, mask: bool batch, scale: float"
    options = {"power": st.sampled_from([1, 2])}
    kernel = (scaled_forward, scaled_backward)
    gradlaw.check(scaled, kernel, signature, options=options, domain={"scale": "[-4, 4]"})

    def forgets_power(saved: Any, cotangent: Any) -> Any:
        return scaled_backward((*saved[:4], 1, saved[5]), cotangent)

    with pytest.raises(gradlaw.Violation, match="power = 2"):
        gradlaw.check(scaled, (scaled_forward, forgets_power), signature, options=options)


def test_a_domain_is_kept() -> None:
    def forward(x: Any) -> tuple[Any, Any]:
        assert (x > 0).all()
        return np.log(x), x

    gradlaw.check(lambda x: xp.log(x), (forward, lambda x, g: g / x), "x: d", domain={"x": "(0, inf)"})


def test_only_what_is_differentiated_has_gradients() -> None:
    kernel = (lambda x, y: (x * y, (x, y)), lambda saved, g: g * saved[1])
    gradlaw.check(lambda x, y: x * y, kernel, "x: d, y: d", wrt="x")


def test_several_outputs_have_a_cotangent_each() -> None:
    kernel = (lambda x: ((x * 2, -x), None), lambda saved, g: 2 * g[0] - g[1])
    gradlaw.check(lambda x: (x * 2, -x), kernel, "x: d")
    wrong = (kernel[0], lambda saved, g: 2 * g[0] + g[1])
    with pytest.raises(gradlaw.Violation, match="cotangent 1 = "):
        gradlaw.check(lambda x: (x * 2, -x), wrong, "x: d")


def test_a_row_that_is_masked_out_is_exact() -> None:
    def definition(x: Any, mask: Any) -> Any:
        return xp.exp(xp.where(mask, x, -xp.inf))

    def forward(x: Any, mask: Any) -> tuple[Any, Any]:
        y = np.exp(np.where(mask, x, np.array(-np.inf, x.dtype)))
        return y, y

    result = gradlaw.check(definition, (forward, lambda y, g: g * y), "x: a d, mask: bool a d", examples=20)
    assert result.undecided < result.points / 10


def test_a_kernel_that_raises_is_told() -> None:
    def forward(x: Any) -> tuple[Any, Any]:
        if len(x) == 1:
            raise IndexError("of one row")
        return x * 2, None

    with pytest.raises(gradlaw.Violation, match="the kernel raises IndexError: of one row"):
        gradlaw.check(lambda x: x * 2, (forward, lambda saved, g: g * 2), "x: batch d")


def test_a_kernel_may_refuse() -> None:
    def forward(x: Any) -> tuple[Any, Any]:
        if len(x) == 1:
            raise NotImplementedError("one row")
        return x * 2, None

    gradlaw.check(lambda x: x * 2, (forward, lambda saved, g: g * 2), "x: batch d")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kernel": 3}, "kernel of type int"),
        ({"kernel": (own.forward,)}, "a tuple of 1"),
        ({"wrt": "z"}, "wrt='z'"),
        ({"domain": {"z": "(0, 1)"}}, "domain of 'z'"),
        ({"domain": {"x": "0..1"}}, "x='0..1'"),
        ({"dtype": "float8"}, "dtype='float8'"),
        ({"engine": "tinygrad"}, "engine='tinygrad'"),
    ],
)
def test_mistakes_are_one_line(arguments: dict[str, Any], said: str) -> None:
    given = {"kernel": (own.forward, own.backward), **arguments}
    if "engine" in arguments:
        given["kernel"] = own.forward
    kernel = given.pop("kernel")
    with pytest.raises(SpecError) as caught:
        gradlaw.check(own.layer_norm, kernel, own.SIGNATURE, **given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_importing_gradlaw_imports_nothing_of_it() -> None:
    code = "import gradlaw, sys; assert not [m for m in sys.modules if m.startswith(('gradlaw.own', 'hypothesis'))]"
    subprocess.run([sys.executable, "-c", code], check=True)
