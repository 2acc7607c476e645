"""The reference on trial without any engine: the mean value law, ``(f(x + hv) - f(x)) / h`` in ``f'([x, x + hv]) v``.

In ball arithmetic both sides are rigorous enclosures, so a right rule can never fail, and at 400 bits with
h = 2**-120 a rule that is off by 1e-30 does. At a kink the right side is the set of slopes that the page allows.
The same law holds under rounding, in a model so fine that its sets still pin thirty digits: what it pins there is what
judges an engine, the rule and each of the page's alternatives to it. Source: R. E. Moore, R. B. Kearfott and
M. J. Cloud, Introduction to Interval Analysis (2009).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, Phase, given, seed, settings

from gradlaw_properties.strategies import primitive_cases
from gradlaw_reference import RULES, Array, Ball, Data, Rounding, Rule, Tape, run, using, vjp
from gradlaw_spec import Case, Kink, Primitive, Program, load_primitives
from gradlaw_spec.attributes import holds

PRECISION: Final = 400
STEP: Final = 2.0**-120
NARROW: Final = 100
"""A set this many bits narrow pins a gradient to thirty digits."""
EXAMPLES: Final = 10
ELEMENTS: Final = 3
"""Outputs looked at in each case."""
PAGES: Final = load_primitives()


@dataclass
class Found:
    """What the law found: comparisons, those with a set that pins thirty digits, and refutations."""

    points: int = 0
    narrow: int = 0
    refuted: int = 0


def exact(value: Any) -> Data:
    return np.asarray(np.frompyfunc(lambda x: arb(float(x)), 1, 1)(value), dtype=object)


def joined(first: Data, second: Data) -> Data:
    return np.asarray(np.frompyfunc(lambda x, y: x.union(y), 2, 1)(first, second), dtype=object)


def differentiate(program: Program, values: Mapping[str, Any], rules: Mapping[str, Rule]) -> Any:
    """Return a program's pullback under some rules, in the current arithmetic."""

    def function(*inputs: Array) -> tuple[Array, ...]:
        known = run(program, {**values, **dict(zip(program.inputs, inputs, strict=True))})
        return tuple(known[name] for name in program.outputs)

    return vjp(function, *(values[name] for name in program.inputs), tape=Tape(rules=rules))[1]


class Fine(Rounding):
    """The rounding model of a format that has float64's range and 360 bits."""

    def __init__(self) -> None:
        super().__init__("float64", precision=PRECISION)
        self.dtype = replace(self.dtype, unit_roundoff=2.0**-360)

    def of(self, dtype: str | None) -> Rounding:
        return self  # what is cast stays as fine


EXACT: Final = Ball(precision=PRECISION)
ARITHMETICS: Final = {"exact": EXACT, "rounding": Fine()}


def mean_value(
    case: Case, random: np.random.Generator, rules: Mapping[str, Rule] = RULES, arithmetic: Ball = EXACT
) -> Found:
    """Compare slopes along a random direction with the gradient on the segment, at a few outputs."""
    program, found = case.program, Found()
    values: dict[str, Any] = {name: case.values[name] for name in (*program.inputs, *program.data)}
    with using(EXACT):
        start = {name: exact(values[name]) for name in program.inputs}
        ways = {name: exact(random.integers(-8, 9, size=values[name].shape) / 4) for name in program.inputs}
        end = {name: np.asarray(start[name] + ways[name] * arb(STEP), dtype=object) for name in program.inputs}
        box = {name: joined(start[name], end[name]) for name in program.inputs}
        before, after = (run(program, {**values, **point}) for point in (start, end))
    with using(arithmetic):
        pullback = differentiate(program, {**values, **box}, rules)
        for output in program.outputs:
            first, second = before[output].data, after[output].data
            for place in random.permutation(first.size)[:ELEMENTS].tolist():
                index = np.unravel_index(place, first.shape)
                slope = (second[index] - first[index]) / arb(STEP)
                cotangents = {name: np.zeros(before[name].shape) for name in program.outputs}
                cotangents[output][index] = 1
                gradients = zip(program.inputs, pullback(tuple(cotangents.values())), strict=True)
                allowed = sum((arb(0) + np.sum(g.data * ways[name]) for name, g in gradients), arb(0))
                if slope.is_finite() and allowed.is_finite():
                    found.points += 1
                    found.narrow += allowed == 0 or allowed.rel_accuracy_bits() >= NARROW
                    found.refuted += not allowed.overlaps(slope)
    return found


def examined(page: Primitive, rules: Mapping[str, Rule] = RULES, arithmetic: Ball = EXACT) -> Found:
    """Hold a primitive to the law at cases of its strategy."""
    total, random = Found(), np.random.Generator(np.random.PCG64(7))

    @seed(3)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(primitive_cases(page, "float64", seed=3))
    def look(case: Case) -> None:
        found = mean_value(case, random, rules, arithmetic)
        total.points += found.points
        total.narrow += found.narrow
        total.refuted += found.refuted

    look()
    return total


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_rule_holds(name: str, arithmetic: str) -> None:
    found = examined(PAGES[name], arithmetic=ARITHMETICS[arithmetic])
    assert found.refuted == 0
    assert found.narrow >= EXAMPLES // 2, f"only {found.narrow} of {found.points} sets say anything"


def off_by(tiny: str, flat: bool = False) -> Callable[[Rule], Rule]:
    """Return how a rule is made wrong: by so small a part, where it is flat of the cotangent."""

    def wrapped(local: Callable[..., Array]) -> Callable[..., Array]:
        def wrong(*operands: Any, **attributes: Any) -> Array:
            right = local(*operands, **attributes)
            part = Array(np.asarray(arb(tiny), dtype=object))
            return right + (operands[0] if flat else right) * part

        return wrong

    return lambda rule: replace(rule, vjp=tuple(wrapped(local) for local in rule.vjp))


FLAT: Final = "0 * g"
"""The gradient of a step function."""


def only(rule: Rule) -> Rule:
    """Return a rule without the page's alternatives, which would keep the set right if the rule is wrong."""
    return replace(rule, alternatives=(), writer=None)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("name", sorted(PAGES.keys() & RULES.keys()))
def test_a_rule_off_by_1e_minus_30_is_refused(name: str, arithmetic: str) -> None:
    flat = all(operand.vjp in ("", FLAT) for operand in PAGES[name].operands)
    wrong = only(off_by("1e-30", flat)(RULES[name]))
    assert examined(PAGES[name], {**RULES, name: wrong}, ARITHMETICS[arithmetic]).refuted > 0


ALTERNATIVES: Final = [
    (name, position, number)
    for name, rule in sorted(RULES.items())
    if name in PAGES
    for position, formulas in enumerate(rule.alternatives)
    for number in range(len(formulas))
]


@pytest.mark.parametrize(("name", "position", "number"), ALTERNATIVES)
def test_every_alternative_holds(name: str, position: int, number: int) -> None:
    rule = RULES[name]
    vjp = (*rule.vjp[:position], rule.alternatives[position][number], *rule.vjp[position + 1 :])
    found = examined(PAGES[name], {**RULES, name: only(replace(rule, vjp=vjp))}, ARITHMETICS["rounding"])
    assert found.refuted == 0
    assert found.narrow >= EXAMPLES // 2, f"only {found.narrow} of {found.points} sets say anything"
    assert examined(PAGES[name], {**RULES, name: only(off_by("1e-30")(replace(rule, vjp=vjp)))}).refuted > 0


def test_under_rounding_the_rule_itself_judges() -> None:
    zero = replace(RULES["tanh"], vjp=(lambda g, value, x: g * 0,), alternatives=())
    found = examined(PAGES["tanh"], {**RULES, "tanh": zero}, ARITHMETICS["rounding"])
    assert found.refuted > 0


def number(side: float | str, case: Case) -> Any:
    """Return what stands on the right of a kink: an operand's values, an attribute's or a number; None for nothing."""
    if isinstance(side, float):
        return side
    return case.values[side] if side in case.values else case.program.steps[0].attributes.get(side)


def on_kink(case: Case, kink: Kink) -> Case | None:
    """Move the whole case onto a kink; None where this case has no such."""
    name = case.program.inputs[0]
    values = case.values[name]
    if not values.size:
        return None
    (step,), there = case.program.steps, {key: choices[0] for key, choices in kink.when.items()}
    if not holds(kink.when, step.attributes):
        case = replace(
            case, program=replace(case.program, steps=(replace(step, attributes={**step.attributes, **there}),))
        )
    target = values.ravel()[:1] if kink.where.ties else number(kink.where.other, case)
    if target is None or np.broadcast_shapes(np.shape(target), values.shape) != values.shape:
        return None
    moved = np.broadcast_to(target, values.shape).astype(np.float64)
    return replace(case, values={**case.values, name: moved})


def of_vectors(kink: Kink) -> bool:
    """Whether a kink's set is one of vectors: ``test_joint_sets`` holds that to the gradients around it."""
    return kink.corner or (kink.joint == "signed-shares" and not kink.where.ties)


KINKS: Final = [(name, kink) for name, page in PAGES.items() for kink in page.kinks if not of_vectors(kink)]


@pytest.mark.parametrize(("name", "kink"), KINKS, ids=[f"{name} {kink.where}" for name, kink in KINKS])
def test_slopes_on_either_side_of_a_kink_are_in_its_set(name: str, kink: Kink) -> None:
    total, wide, random = Found(), [0], np.random.Generator(np.random.PCG64(11))

    @seed(5)
    @settings(
        max_examples=4 * EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(primitive_cases(PAGES[name], "float64", seed=5))
    def look(case: Case) -> None:
        moved = on_kink(case, kink)
        if moved is not None:
            found = mean_value(moved, random)
            total.points += found.points
            total.refuted += found.refuted
            wide[0] += found.points - found.narrow

    look()
    assert total.refuted == 0
    assert wide[0] >= EXAMPLES, "hardly any case was on the kink"
