"""What was once told of engines that are right: each alarm's cause is mended, and stays mended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradlaw
from gradlaw_properties.engines import reference_target
from gradlaw_properties.examine import judge_case, replay
from gradlaw_properties.judge import Outcome
from gradlaw_properties.laws import all_laws
from gradlaw_properties.laws.chain import cut
from gradlaw_properties.trial import Trial, UnsupportedCase
from gradlaw_reference import RULES, Tape
from gradlaw_spec import Case, Program, SpecError, Step, Target, Witness, parse_computation

REFERENCE = reference_target()


def case_of(
    text: str, dtype: str = "float64", cotangent: Any = None, data: dict[str, Any] | None = None, **values: Any
) -> Case:
    """Return the case of a computation; ``data`` is not differentiated."""
    program = parse_computation(text)
    fixed = data or {}
    program = replace(program, inputs=tuple(name for name in program.inputs if name not in fixed), data=tuple(fixed))
    arrays = {name: np.asarray(value, dtype) for name, value in {**values, **fixed}.items()}
    shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    given = np.ones(shape, dtype) if cotangent is None else np.asarray(cotangent, dtype)
    subject = program.steps[0].primitive if len(program.steps) == 1 else "program"
    return Case(subject=subject, program=program, values=arrays, cotangents=(given,), dtype=dtype, seed=3)


def law(name: str, target: Target, case: Case) -> Outcome:
    return judge_case(all_laws()[name], Trial(target, case))


def lacking(*names: str) -> Target:
    return replace(REFERENCE, primitives=REFERENCE.primitives - set(names))


@pytest.mark.parametrize("name", ["value", "gradient"])
@pytest.mark.parametrize("text", ["y = softplus(x) * x", "y = expm1(x) * x", "y = log1p(x) * x"])
def test_what_is_composed_is_judged_as_the_composition(name: str, text: str) -> None:
    """An engine without softplus computes log(1 + exp(x)), which loses digits that softplus keeps."""
    case = case_of(text, x=[-0.9, -30.3, 1e-9, 1e-12])
    target = lacking("softplus", "expm1", "log1p")
    assert law(name, target, case).problem == ""
    exact = replace(target, primitives=REFERENCE.primitives)
    judged_as_fused = Trial(exact, case)
    judged_as_fused.__dict__["runnable"] = Trial(target, case).runnable  # runs the composition, as a primitive's
    judged_as_fused.__dict__["certified"] = Trial(exact, case).certified
    assert judge_case(all_laws()["value"], judged_as_fused).problem != "", "the composition is no softplus"


def test_chain_does_not_pull_back_from_what_no_input_reaches() -> None:
    steps = (
        Step(("t1",), "negative", ("c",)),
        Step(("t2",), "add", ("t1", "x")),
        Step(("t3",), "multiply", ("t2", "t2")),
    )
    program = Program(("x",), steps, ("t3",), ("c",))
    for place in (1, 2):
        first, second = cut(program, place)
        assert "t1" not in second.inputs
        assert set(second.inputs) <= {"x", "t2"}
        assert set(first.outputs) >= set(second.data) - {"c"}

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        for name in program.outputs:
            made = [step for step in program.steps if name in step.results]
            if made and not reaches(program, name):
                raise RuntimeError(f"backward of {name}, which is a constant")
        return REFERENCE.pullback(program, values, keep)

    def reaches(program: Program, name: str) -> bool:
        if name in program.inputs:
            return True
        operands = [item for step in program.steps if name in step.results for item in step.operands]
        return any(reaches(program, item) for item in operands if isinstance(item, str))

    case = Case(
        subject="program",
        program=program,
        values={"x": np.array(2.0), "c": np.array(3.0)},
        cotangents=(np.array(1.0),),
        dtype="float64",
    )
    for seed in range(8):
        assert law("chain", replace(REFERENCE, pullback=pullback), replace(case, seed=seed)).problem == ""


def test_chain_does_not_go_on_from_a_value_of_the_wrong_shape() -> None:
    """DeZero's expand_dims puts an axis of -1 before the last: the law was at an end, and the whole run with it."""

    def run(program: Program, values: Any) -> Any:
        return tuple(np.stack([output, output]) for output in REFERENCE.run(program, values))

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        raise ValueError("operands could not be broadcast together")

    case = case_of("sin(exp(x))", x=[1.0, 2.0])
    assert law("chain", replace(REFERENCE, run=run, pullback=pullback), case).problem == ""


def test_a_detached_operation_is_linear() -> None:
    """Its gradient is 0 for every cotangent: wrong, but not for this law."""

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = REFERENCE.pullback(program, values, keep)
        return outputs, lambda cotangents: tuple(np.zeros_like(values[name]) for name in program.inputs)

    for seed in range(10):
        case = replace(case_of("x + y", "bfloat16", cotangent=[1.1, 0.3], x=[1.0, 2.0], y=[3.0, 4.0]), seed=seed)
        assert law("linearity", replace(REFERENCE, pullback=pullback), case).problem == ""


class Variable:
    """A value of an engine that lacks ``number ** variable`` and the like."""

    __array_ufunc__ = None

    def __init__(self, data: Any, parents: Any = ()) -> None:
        self.data, self.parents = np.asarray(data), parents

    def __add__(self, other: Any) -> Variable:
        other = other if isinstance(other, Variable) else Variable(other)
        return Variable(self.data + other.data, ((self, lambda g: g), (other, lambda g: g)))

    __radd__ = __add__


def identity_engine() -> Target:
    """Return an engine whose plain run computes with bare NumPy arrays."""

    def pullback(function: Any, primals: Any) -> Any:
        variables = [Variable(primal) for primal in primals]
        output = function(*variables)

        def pull(cotangent: Any) -> Any:
            received = {id(output): np.asarray(cotangent)}
            waiting = [output]
            while waiting:
                node = waiting.pop()
                for parent, local in node.parents:
                    received[id(parent)] = received.get(id(parent), 0) + local(received[id(node)])
                    waiting.append(parent)
            return tuple(received.get(id(variable)) for variable in variables)

        return output, pull

    import operator

    return gradlaw.functional_target(
        name="identity",
        version="1",
        levels=("scalar",),
        dtypes=("float64",),
        array=lambda array: array,
        numpy=lambda value: getattr(value, "data", value) if isinstance(value, Variable) else value,
        pullback=pullback,
        primitives={"add": operator.add, "pow": operator.pow, "multiply": operator.mul},
    )


def test_what_only_numpy_computes_is_unsupported() -> None:
    target = identity_engine()
    assert law("gradient", target, case_of("x + y", x=1.0, y=2.0)).problem == ""
    for text in ("2 ** x", "x * y"):
        values = {"x": 1.5, "y": 2.0} if "y" in text else {"x": 1.5}
        with pytest.raises(UnsupportedCase, match="TypeError"):
            law("gradient", target, case_of(text, **values))


def test_an_adapter_may_say_that_it_does_not_do_a_case() -> None:
    def refuses(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = REFERENCE.pullback(program, values, keep)

        def pull(cotangents: Any) -> Any:
            raise gradlaw.Unsupported("backward over a tuple of axes")

        return outputs, pull

    with pytest.raises(UnsupportedCase, match="tuple of axes"):
        law("gradient", replace(REFERENCE, pullback=refuses), case_of("sum(x)", x=1.0))


@pytest.mark.parametrize("text", ["relu(x)", "maximum(x, y)", "minimum(x, y)", "clip(x, min=0, max=2)", "max(x)"])
def test_who_flushes_compares_subnormal_numbers_as_zeros(text: str) -> None:
    """Either operand comes out: both are zero to the comparison, and neither is changed by it."""
    program = parse_computation(text)
    x = np.array([-5e-324, 5e-324]) if text == "max(x)" else np.array(-5e-324)
    values = {"x": x, "y": np.array(1e-310)} if "y" in program.inputs else {"x": x}
    for output in (-5e-324, 0.0, 5e-324 if text == "max(x)" else 1e-310 if "y" in values else -5e-324):
        target = replace(
            REFERENCE,
            flushes_subnormals=True,
            run=lambda program, values, output=output: (np.array(output),),
            pullback=lambda program, values, keep=None, output=output: ((np.array(output),), lambda cotangents: ()),
        )
        subject, cotangents = program.steps[0].primitive, (np.array(1.0),)
        case = Case(subject=subject, program=program, values=values, cotangents=cotangents, dtype="float64")
        assert law("value", target, case).problem == ""


def test_the_weighted_sum_that_starts_backward_is_none_of_the_engines_doing() -> None:
    def nans(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = REFERENCE.pullback(program, values, keep)
        return outputs, lambda cotangents: tuple(np.full_like(values[name], np.nan) for name in program.inputs)

    case = case_of("x * y", cotangent=4.0, x=1.797e308, y=0.5)
    summed = replace(REFERENCE, pullback=nans, cotangent="weighted-sum")
    outcome = law("gradient", summed, case)
    assert (outcome.problem, outcome.points) == ("", outcome.inconclusive)
    assert law("gradient", replace(summed, cotangent="argument"), case).problem != ""
    assert law("gradient", summed, case_of("x * y", cotangent=2.0, x=3.0, y=0.5)).problem != ""


def test_modularity_does_not_accuse_a_primitive_of_what_its_parts_do() -> None:
    wrong_exp = replace(RULES["exp"], vjp=(lambda g, value, x: g * value * 1.5,))
    wrong_softplus = replace(RULES["softplus"], vjp=(lambda g, value, x: g * 1.5,))
    case = case_of("softplus(x)", x=[0.5, -1.0])
    parts = reference_target(tape=lambda: Tape(rules={**RULES, "exp": wrong_exp}))
    whole = reference_target(tape=lambda: Tape(rules={**RULES, "softplus": wrong_softplus}))
    assert law("modularity", parts, case).problem == ""
    assert law("modularity", whole, case).problem != ""


def test_modularity_does_not_accuse_a_primitive_of_a_part_without_gradient() -> None:
    """In DeZero softmax is right; the maximum that its composition begins with refuses an axis of -2."""

    def refuses(g: Any, value: Any, x: Any, **attributes: Any) -> Any:
        raise ValueError("cannot reshape array of size 8 into shape (2, 2, 4)")

    no_exp = replace(RULES["exp"], vjp=(refuses,))
    target = reference_target(tape=lambda: Tape(rules={**RULES, "exp": no_exp}))
    assert law("modularity", target, case_of("softplus(x)", x=[0.5, -1.0])).problem == ""


def test_a_witness_under_a_law_that_does_not_speak_of_its_subject_is_refused() -> None:
    witness = Witness(case_of("max(x)", cotangent=1.0, x=1.0), "kinks", "reference")
    with pytest.raises(SpecError, match="kinks"):
        replay(witness, REFERENCE)


def test_a_law_that_moves_a_case_shows_where_it_moved_it() -> None:
    def nans(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = REFERENCE.pullback(program, values, keep)
        return outputs, lambda cotangents: tuple(np.full_like(values[name], np.nan) for name in program.inputs)

    outcome = law("zero-stops", replace(REFERENCE, pullback=nans), case_of("sqrt(x)", x=4.0))
    assert outcome.problem != ""
    assert outcome.case is not None
    assert (float(outcome.case.values["x"]), float(outcome.case.cotangents[0])) == (0.0, 0.0)


class HandsAllToBoth(Tape):
    """Gives the whole cotangent to both operands of a maximum where they are one value."""

    def pull(self, node: Any, position: int, cotangent: Any) -> Any:
        parents = [parent for _, parent in node.parents]
        if node.rule.name == "maximum" and len(parents) == 2 and parents[0] == parents[1]:
            return cotangent
        return super().pull(node, position, cotangent)


def test_a_value_on_both_sides_of_a_maximum_gets_the_cotangent_once() -> None:
    case = case_of("maximum(x, y)", cotangent=[1.0, -2.0], x=[1.0, 2.0], y=[3.0, 0.5])
    assert law("max-routes", REFERENCE, case).problem == ""
    assert law("max-routes", reference_target(tape=HandsAllToBoth), case).problem != ""


@pytest.mark.parametrize("name", ["gradient", "linearity"])
@pytest.mark.parametrize(
    ("cotangent", "x", "y"),
    [(-0.0018, 4.0, 4.0), (-1027.0, 0.02, -0.03)],  # what is divided first is subnormal, or overflows
)
def test_who_divides_the_cotangent_of_atan2_first(name: str, cotangent: float, x: float, y: float) -> None:
    """TensorFlow and MLX compute g/(x1² + x2²), and then its product with the other operand."""

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = REFERENCE.pullback(program, values, keep)
        x1, x2 = (values[name] for name in program.inputs)

        def pull(cotangents: Any) -> Any:
            with np.errstate(over="ignore"):
                share = cotangents[0] / (x1 * x1 + x2 * x2)
                return np.asarray(share * x2), np.asarray(share * -x1)

        return outputs, pull

    case = case_of("atan2(x, y)", "float16", cotangent=cotangent, x=x, y=y)
    assert law(name, replace(REFERENCE, pullback=pullback), case).problem == ""


@pytest.mark.parametrize("name", ["gradient", "linearity", "modularity"])
@pytest.mark.parametrize("x", [3.4, 1.1, -1.5, -4.0])
def test_who_divides_the_product_of_hardswish_by_six(name: str, x: float) -> None:
    """As its paper writes it, and MLX computes it: above 3 the cotangent is divided by 6, and multiplied by it."""

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, composed = REFERENCE.pullback(program, values, keep)

        def pull(cotangents: Any) -> Any:
            if program.steps[0].primitive != "hardswish":
                return composed(cotangents)
            share, point, six = cotangents[0] / np.float32(6), values["x"], np.float32(6)
            clipped = np.minimum(np.maximum(point + np.float32(3), np.float32(0)), six)
            return (np.asarray(share * clipped + share * point * (0 < clipped < six), np.float32),)

        return outputs, pull

    case = case_of("hardswish(x)", "float32", cotangent=-0.2, x=x)
    assert law(name, replace(REFERENCE, pullback=pullback), case).problem == ""


def test_no_cotangent_is_handed_to_a_value_of_another_shape() -> None:
    """Paddle reads on behind a cotangent that is too small: six laws told of it, each time of other numbers."""
    handed: list[Any] = []

    def wider(outputs: Any) -> Any:
        return tuple(np.stack([output, output]) for output in outputs)

    def pullback(program: Program, values: Any, keep: Any = None) -> Any:
        outputs, _ = REFERENCE.pullback(program, values, keep)

        def pull(cotangents: Any) -> Any:
            handed.append(cotangents)
            return tuple(np.random.default_rng().normal(size=values[name].shape) for name in program.inputs)

        return wider(outputs), pull

    target = replace(REFERENCE, run=lambda program, values: wider(REFERENCE.run(program, values)), pullback=pullback)
    case = case_of("exp(x)", x=[1.0, 2.0])
    for name in ("gradient", "determinism", "linearity", "zero-cotangent", "liveness"):
        assert law(name, target, case).problem == ""
    assert not handed
    assert "found shape=(2, 2); expected (2,)" in law("value", target, case).problem
