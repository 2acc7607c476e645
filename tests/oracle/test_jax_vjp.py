"""JAX as an independent oracle of the reference: what ``jax.vjp`` returns lies in the admissible sets.

JAX's functions are called directly, one for each primitive, so that nothing here rests on an adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from gradlaw_properties.compose import expand
from gradlaw_properties.judge import Outcome, combine, judge
from gradlaw_properties.strategies import primitive_cases, program_cases
from gradlaw_reference import Certified, Data, certify, certify_pullback
from gradlaw_spec import DTYPES as DTYPE_FACTS
from gradlaw_spec import Array, Case, Program, Slice, Step, interpret, load_primitives

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
jax.config.update("jax_enable_x64", True)

DTYPES: Final = ("float64", "float32")
EXAMPLES: Final = 12
FLUSHES: Final = True
"""XLA runs on CPUs with subnormal numbers flushed to zero: ``jnp.float32(1e-39) * 1`` is 0."""


def _getitem(x: Any, index: tuple[Any, ...]) -> Any:
    named = {"newaxis": None, "ellipsis": Ellipsis}
    return x[
        tuple(
            slice(item.start, item.stop, item.step)
            if isinstance(item, Slice)
            else named[item]
            if isinstance(item, str)
            else item
            for item in index
        )
    ]


ENGINE: Final = import_module("gradlaw.engines.jax")


def jax_function(name: str) -> Callable[..., Any] | None:
    """Return JAX's function of a primitive, as its target has it; None where JAX has none."""
    if any(attribute.kind == "index" for attribute in load_primitives()[name].attributes):
        return _getitem
    if name == "ldexp":
        return lambda x, *, n: x * 2.0**n  # the gradient of jnp.ldexp has powers of two that are some ulps off
    return ENGINE.SPELLING.functions.get(name)  # type: ignore[no-any-return]


ACCURACIES: Final[Mapping[str, int]] = MappingProxyType(
    {
        **ENGINE.target.accuracies,
        # In float64 XLA loses six bits where the operand is near -0.4.
        **dict.fromkeys(("log1p", "atanh", "xlog1py"), 256),
        # XLA computes exp(x - log 2) and exp(x log 2): the rounding of the exponent grows with it, to 710 units.
        **dict.fromkeys(("sinh", "cosh", "exp2"), 800),
        "erfc": 600,  # far out, where it is small
    }
)
"""At what JAX's values are less accurate than the pages ask (jax 0.10 on a CPU; ``benchmarks/accuracy.py``)."""


FUNCTIONS: Final = {name: found for name in load_primitives() if (found := jax_function(name)) is not None}


WRONG_VALUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "divide": "XLA multiplies by the reciprocal of a divisor that broadcasts: 0 where that is subnormal",
        "atan2": "XLA's value is nan where both operands are subnormal, on its own: atan2(0, 0) is 0",
    }
)
"""Where JAX's value is another one somewhere (jax 0.10 on a CPU); its gradients are judged."""


WRONG_FAR: Final[Mapping[str, str]] = MappingProxyType(
    {"hypot": "JAX squares a quotient: where that or its gradient over- or underflows, nan or inf comes back"}
)
"""Where JAX's gradient is wrong for numbers that are very large or small; moderate ones are judged."""


WRONG_AT_ZERO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pow": "JAX computes 0 * 0**-1, nan, for the base's gradient of 0**0",
        "xlogy": "JAX computes 0 / 0, nan, for x2's gradient at (0, 0)",
        "xlog1py": "JAX computes 0 / 0, nan, for x2's gradient at (0, -1)",
    }
)
"""Where JAX's gradient is wrong at two zeros (a subnormal base is one, flushed); other points are judged."""


def has_two_zeros(case: Case) -> bool:
    """Whether both operands are 0, or flushed to it, at some element of a case that JAX gets wrong there."""
    if case.subject not in WRONG_AT_ZERO:
        return False
    first, second = (np.abs(case.values[str(name)]) for name in case.program.steps[0].operands)
    if case.subject == "xlog1py":
        second = np.abs(1 + case.values[str(case.program.steps[0].operands[1])])
    smallest = DTYPE_FACTS[case.dtype].smallest_normal
    return bool(((first < smallest) & (second < smallest)).any())


WRONG_AT_CORNERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "std": "JAX divides by the deviation: nan where it is 0, in one element too, where the slope is 0",
        "vector_norm": "JAX divides by the norm: nan where it is 0",
        "matrix_norm": "JAX divides by the norm: nan where it is 0",
        "det": "JAX returns zeros for a matrix of more than three rows with a zero pivot before the last",
    }
)
"""Where JAX's gradient is wrong where the value is 0, or may be; other points are judged."""


def has_corners(case: Case, truth: Certified) -> bool:
    """Whether a step whose gradient JAX gets wrong at 0 may be 0 at some element."""
    values = [truth.steps[step.name] for step in case.program.steps if step.primitive in WRONG_AT_CORNERS]
    return any(ball.contains(0) for value in values for ball in value.ravel())


WRONG_NEAR_ZERO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "i0": "JAX subtracts two scaled functions of nearly one size: digits are lost, and the second order at 0",
        "i1": "JAX's gradient has sign(x) in it, so that the second order at 0 is wrong",
    }
)
"""Where the gradient of one operand is wrong near 0; what belongs to larger numbers is judged."""


WRONG_SOMEWHERE: Final[Mapping[str, Callable[[Array], Array]]] = MappingProxyType(
    {
        "digamma": lambda x: (x < 0) | (x > 1) & (x < 2) | (x > 256),
        "polygamma": lambda x: (x < 0) | (x > 1) & (x < 2) | (x > 256),
        "gammaln": lambda x: x < 3,
        # the norm is scaled to twice what the approximation is good for (log2 rounded down)
        "expm": lambda x: (
            np.zeros(x.shape, bool) | (np.abs(x).sum(axis=-2, keepdims=True) > 3.9).any(-1, keepdims=True)
        ),
        "log_ndtr": lambda x: (x > 0) | (x < -20),  # the logarithm of nearly 1, and a series of three terms
    }
)
"""Where JAX's value or gradient of one operand is wrong; what belongs to other numbers is judged."""


def away_from_wrong(
    case: Case, sets: Iterable[Data], wrong: Mapping[str, Callable[[Array], Array]]
) -> tuple[Data, ...]:
    """Return sets, of which those of a case that JAX gets wrong somewhere are opened there."""
    named = [wrong[name] for name in case.program.primitives if name in wrong]
    if not named:
        return tuple(sets)
    there = named[0](case.values[case.program.inputs[0]].astype(np.float64))
    return tuple(np.where(there, np.full(there.shape, arb("nan"), dtype=object), one) for one in sets)


def away_from_zero(case: Case, sets: Iterable[Data]) -> tuple[Data, ...]:
    """Return sets of gradients, of which those of a case that JAX gets wrong near 0, or elsewhere, are opened there."""
    near = dict.fromkeys(WRONG_NEAR_ZERO, lambda x: np.abs(x) < 1)
    return away_from_wrong(case, sets, {**near, **WRONG_SOMEWHERE})


WRONG_OF_NOTHING: Final[Mapping[str, str]] = MappingProxyType(
    {"det": "JAX raises IndexError at a matrix without elements"}
)
"""Where JAX's gradient is wrong for empty arrays."""


def is_empty(case: Case) -> bool:
    """Whether a case that JAX gets wrong for empty arrays has one."""
    return not case.program.primitives.isdisjoint(WRONG_OF_NOTHING) and any(not x.size for x in case.values.values())


def is_moderate(case: Case) -> bool:
    """Whether all real numbers of a case are 0 or of moderate size."""
    reals = [np.abs(array.astype(np.float64)) for array in (*case.values.values(), *case.cotangents)]
    return all(bool(((array == 0) | ((array > 2.0**-12) & (array < 2.0**12))).all()) for array in reals)


def jax_program(program: Program, data: Mapping[str, Array]) -> Callable[..., tuple[Any, ...]]:
    """Return a program as a function of JAX arrays; what JAX does not have is composed."""
    pages, written = load_primitives(), expand(program, frozenset(FUNCTIONS))
    assert written is not None, f"JAX has none of {program.primitives - FUNCTIONS.keys()}, nor what they are made of"

    def call(step: Step, operands: tuple[Any, ...]) -> Any:
        sequence = pages[step.primitive].operands[0].kind == "sequence"
        arguments = [list(operands)] if sequence else operands
        numbers = [float(item) if isinstance(item, int) else item for item in arguments]  # xlogy takes no integers
        kinds = {attribute.name: attribute.kind for attribute in pages[step.primitive].attributes}
        attributes = {
            name: float(value) if kinds[name] == "number" else value  # quantile takes no integers either
            for name, value in step.attributes.items()
        }
        return FUNCTIONS[step.primitive](*numbers, **attributes)

    def function(*inputs: Any) -> tuple[Any, ...]:
        given = dict(zip(program.inputs, inputs, strict=True))
        known = interpret(written, {**given, **{name: jnp.asarray(data[name]) for name in program.data}}, call)
        return tuple(known[name] for name in program.outputs)

    return function


def jax_vjp(case: Case) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    values = {name: case.values[name] for name in (*case.program.inputs, *case.program.data)}
    primals = tuple(jnp.asarray(values[name]) for name in case.program.inputs)
    outputs, pullback = jax.vjp(jax_program(case.program, values), *primals)
    gradients = pullback(tuple(map(jnp.asarray, case.cotangents)))
    return tuple(map(np.asarray, outputs)), tuple(map(np.asarray, gradients))


def certified(case: Case) -> Certified:
    values = {name: case.values[name] for name in (*case.program.inputs, *case.program.data)}
    return certify(case.program, values, dtype=case.dtype, flushes_subnormals=FLUSHES, accuracies=ACCURACIES)


def compare(case: Case) -> Outcome:
    """Judge JAX's values and gradients of a case."""
    if not (case.program.primitives.isdisjoint(WRONG_FAR) or is_moderate(case)):
        return Outcome()
    if has_two_zeros(case) or is_empty(case):
        return Outcome()
    truth = certified(case)
    if has_corners(case, truth):
        return Outcome()
    outputs, gradients = jax_vjp(case)
    sets = away_from_zero(case, truth.gradients(case.cotangents))
    pairs = [*zip(case.program.inputs, gradients, sets, strict=True)]
    if case.program.primitives.isdisjoint(WRONG_VALUES):
        judged = away_from_wrong(case, truth.outputs, WRONG_SOMEWHERE)
        pairs += zip(case.program.outputs, outputs, judged, strict=True)
    return combine(judge(name, got, allowed, case.dtype) for name, got, allowed in pairs)


def agree(cases: SearchStrategy[Case], number: int) -> Outcome:
    """Compare on examples of a strategy; the first disagreement is shrunk and raised."""
    outcomes: list[Outcome] = []

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def run(case: Case) -> None:
        outcome = compare(case)
        assert not outcome.violated, outcome.problem
        outcomes.append(outcome)

    run()
    return combine(outcomes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(load_primitives()))
def test_gradients_of_a_primitive_are_admissible(name: str, dtype: str) -> None:
    outcome = agree(primitive_cases(load_primitives()[name], dtype), 1)
    assert outcome.points - outcome.inconclusive > EXAMPLES, "hardly any set was narrow enough to say anything"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("run", range(3))
def test_gradients_of_programs_are_admissible(run: int, dtype: str) -> None:
    left_out = {*WRONG_VALUES, *WRONG_FAR, *WRONG_NEAR_ZERO, *WRONG_SOMEWHERE}
    accurate = {name: page for name, page in load_primitives().items() if name not in left_out}
    outcome = agree(program_cases(accurate, dtype, seed=run), run)
    assert outcome.points - outcome.inconclusive > EXAMPLES


def test_what_is_said_of_inaccurate_values_still_holds() -> None:
    """Once this fails, JAX has become more accurate: shorten ``INACCURATE_VALUES``."""
    dividends, divisors = np.arange(1, 6, dtype=np.float32), np.array([[3], [7]], np.float32)
    assert (np.asarray(jnp.divide(dividends, divisors)) != dividends / divisors).any()
    value = arb(float(jnp.log1p(np.float64(-0.4))))
    assert abs(value - (1 + arb(-0.4)).log()) > 2.0**-49


def test_a_wrong_gradient_is_not_admissible() -> None:
    """The comparison can fail: a cotangent that is off by one part in 2**40 is seen in float64."""

    def disagrees(case: Case) -> bool:
        sets = certified(case).gradients(tuple(cotangent * (1 + 2.0**-40) for cotangent in case.cotangents))
        named = zip(case.program.inputs, jax_vjp(case)[1], sets, strict=True)
        return any(judge(name, got, allowed, case.dtype).violated for name, got, allowed in named)

    found: list[bool] = []

    @seed(0)
    @settings(max_examples=10, database=None, deadline=None, phases=(Phase.generate,))
    @given(primitive_cases(load_primitives()["tanh"], "float64"))
    def run(case: Case) -> None:
        found.append(disagrees(case))

    run()
    assert any(found)


@pytest.mark.parametrize("name", sorted(load_primitives()))
def test_second_order_gradients_of_a_primitive_are_admissible(name: str) -> None:
    """What ``jax.vjp`` of ``jax.vjp`` returns at moderate numbers lies in the sets."""
    points = 0

    @seed(2)
    @settings(
        max_examples=2 * EXAMPLES,  # fewer of them are moderate
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(primitive_cases(load_primitives()[name], "float64"))
    def run(case: Case) -> None:
        nonlocal points
        wrong = has_two_zeros(case) or is_empty(case) or has_equal_sizes(case) or has_corners(case, certified(case))
        if wrong or not is_moderate(case):
            return
        outcome = compare_second_order(case)
        assert not outcome.violated, outcome.problem
        points += outcome.points - outcome.inconclusive

    run()
    assert points > 10, "hardly any set was narrow enough to say anything"


WRONG_TWICE: Final[Mapping[str, str]] = MappingProxyType(
    {"hypot": "JAX takes the larger operand by a maximum, whose second order is lost at a tie: the Hessian is 0 there"}
)
"""Where the gradient of JAX's gradient is wrong at two operands of one size; other points are judged."""


def has_equal_sizes(case: Case) -> bool:
    """Whether both operands have one size at some element of a case that JAX gets wrong there."""
    if case.subject not in WRONG_TWICE:
        return False
    first, second = (np.abs(case.values[str(name)]) for name in case.program.steps[0].operands)
    return bool((first == second).any())


def compare_second_order(case: Case) -> Outcome:
    """Judge what JAX gives inputs and cotangent when its pullback is pulled back."""
    values = {name: case.values[name] for name in (*case.program.inputs, *case.program.data)}
    inputs = tuple(jnp.asarray(values[name]) for name in case.program.inputs)
    given = tuple(map(jnp.asarray, case.cotangents))
    function = jax_program(case.program, values)

    def gradients(*variables: Any) -> Any:
        return jax.vjp(function, *variables[: len(inputs)])[1](variables[len(inputs) :])

    directions = tuple(np.where(np.arange(array.size).reshape(array.shape) % 3, -0.5, 1.5) for array in inputs)
    found = jax.vjp(gradients, *inputs, *given)[1](tuple(map(jnp.asarray, directions)))
    sets = certify_pullback(
        case.program, values, case.cotangents, dtype=case.dtype, flushes_subnormals=FLUSHES, accuracies=ACCURACIES
    ).gradients(directions)
    opened = away_from_zero(case, sets)
    names = (*case.program.inputs, *(f"cotangent of {name}" for name in case.program.outputs))
    named = zip(names, map(np.asarray, found), opened, strict=True)
    return combine(judge(what, got, allowed, case.dtype) for what, got, allowed in named)
