"""Strategies: what they draw is valid, reaches what they are for, and depends on nothing but the seed."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis.strategies import SearchStrategy

from gradlaw_properties.strategies import primitive_cases, program_cases
from gradlaw_properties.strategies.layouts import Palette, layouts
from gradlaw_reference import RULES, evaluate
from gradlaw_spec import (
    DTYPES,
    Array,
    Case,
    Interval,
    Kink,
    Primitive,
    Slice,
    Step,
    decode_case,
    encode_case,
    load_primitives,
    value_dtypes,
)
from gradlaw_spec.attributes import holds
from gradlaw_spec.written import written_array

PAGES: Final[Mapping[str, Primitive]] = load_primitives()
NO_HEALTH_CHECKS: Final = list(HealthCheck)
SCALAR_PAGES: Final = MappingProxyType({name: page for name, page in PAGES.items() if page.level == "scalar"})


def drawn(cases: SearchStrategy[Case], examples: int = 50, number: int = 0) -> list[Case]:
    """Return the cases that a seed draws."""
    found: list[Case] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=NO_HEALTH_CHECKS,
    )
    @given(cases)
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def over_runs(name: str, runs: int = 6, examples: int = 60) -> list[Case]:
    """Return cases of several runs, each with its own palette of shapes."""
    page = PAGES[name]
    return [case for run in range(runs) for case in drawn(primitive_cases(page, "float64", seed=run), examples, run)]


def inside(values: Array, domain: tuple[Interval, ...]) -> bool:
    """Read the domain of a page, independently of the strategies."""
    allowed = np.zeros(values.shape, bool)
    for interval in domain:
        above = values >= interval.lower if interval.lower_closed else values > interval.lower
        below = values <= interval.upper if interval.upper_closed else values < interval.upper
        allowed |= above & below & (values % 1 != interval.hole if interval.broken else True)
    return bool(allowed.all())


def arrays(case: Case) -> dict[str, Array]:
    return dict(case.values)


def attribute(cases: list[Case], name: str) -> set[Any]:
    return {case.program.steps[0].attributes[name] for case in cases}


def hits(kink: Kink, page: Primitive, case: Case) -> bool:
    """Whether some element of a case is on a kink."""
    step, values = case.program.steps[0], arrays(case)
    if not holds(kink.when, step.attributes):
        return False
    operands = dict(zip((operand.name for operand in page.operands), step.operands, strict=True))
    if kink.corner:
        return bool((evaluate(case.program, values)[step.name] == 0).any())
    if kink.where.ties:
        x = values[case.program.inputs[0]]
        x = np.abs(x) if kink.joint == "signed-shares" else x
        if page.shapes != "reduction":
            return len(np.unique(x)) < x.size
        extreme = evaluate(case.program, values)[step.name]
        return int((x == extreme.ravel()[:1]).sum()) > 1 if x.size else False
    left, right = kink.where.operand, kink.where.other
    x = values[str(operands[left])]
    if right in operands:
        return operands[left] != operands[right] and bool((x == values[str(operands[right])]).any())
    bound = right if isinstance(right, float) else step.attributes[right]
    return bound is not None and bool((x == np.asarray(bound).astype(x.dtype)).any())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_cases_are_valid(name: str, dtype: str) -> None:
    page = PAGES[name]
    sequence = page.operands[0].kind == "sequence"
    for case in drawn(primitive_cases(page, dtype), 30):
        values = arrays(case)
        step, *judged = case.program.steps
        assert step.primitive == name
        assert bool(judged) == any(result.judged for result in page.results)
        for position, used in enumerate(step.operands):
            operand = page.operands[0 if sequence else position]
            value = values[str(used)]
            if operand.kind in ("real", "sequence"):
                assert used in case.program.inputs
                assert value.dtype == DTYPES[dtype].numpy
                assert np.isfinite(value.astype(np.float64)).all()
                assert page.regions or inside(value.astype(np.float64), operand.domain)
            else:
                assert used in case.program.data
        if page.regions:
            given = {
                operand.name: values[str(used)].astype(np.float64)
                for operand, used in zip(page.operands, step.operands, strict=True)
            }
            assert np.logical_or.reduce([page.claims(operand.name, given) for operand in page.operands]).all()
        assert case.dtype == dtype
        known, started = evaluate(case.program, values), dict.fromkeys(case.program.inputs, dtype)
        for output, cotangent in zip(case.program.outputs, case.cotangents, strict=True):
            assert cotangent.shape == known[output].shape
            assert cotangent.dtype.name == value_dtypes(case.program, started)[output]
            assert np.isfinite(cotangent.astype(np.float64)).all()
        assert decode_case(encode_case(case)) == case


@pytest.mark.parametrize("name", sorted(PAGES))
def test_numbers_are_written_as_the_dtype_has_them(name: str) -> None:
    for case in drawn(primitive_cases(PAGES[name], "bfloat16"), 20):
        for array in (*case.arrays(case.program.inputs), *case.cotangents):
            written = [float.fromhex(str(value)) for value in written_array(array).values]
            assert written == array.astype(np.float64).ravel().tolist()


FEW: Final = 4
"""Of more choices of an attribute, each is rare in one run."""
KINKS: Final = [(name, kink) for name, page in PAGES.items() for kink in page.kinks]


@pytest.mark.parametrize(("name", "kink"), KINKS, ids=[f"{name} {kink.where}" for name, kink in KINKS])
def test_kinks_are_hit(name: str, kink: Kink) -> None:
    many = any(len(attribute.choices) > FEW for attribute in PAGES[name].attributes)
    cases = over_runs(name) if many else drawn(primitive_cases(PAGES[name], "float32"))
    assert sum(hits(kink, PAGES[name], case) for case in cases) >= 3


@pytest.mark.parametrize("name", sorted(PAGES))
def test_boundary_values_are_reached(name: str) -> None:
    page = PAGES[name]
    cases = over_runs(name, 4 if page.shapes == "elementwise" else 8)  # the ends of the range are rarer elsewhere
    for position, operand in enumerate(page.operands):
        seen: set[float] = set()
        for case in cases:
            if operand.kind == "real" and len(set(case.program.steps[0].operands)) == len(page.operands):
                seen.update(arrays(case)[str(case.program.steps[0].operands[position])].ravel().tolist())
        assert operand.kind != "real" or set(map(float, operand.boundary)) <= seen
        if operand.kind == "real" and operand.domain == (Interval.read("(-inf, inf)"),):
            facts = DTYPES["float64"]
            assert {0.0, 1.0, -1.0, facts.smallest_subnormal, facts.smallest_normal, facts.largest} <= seen


def sizes(case: Case) -> list[int]:
    return [array.size for array in case.values.values()]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_shapes_of_a_run_are_few_and_vary(name: str) -> None:
    page = PAGES[name]
    cases = drawn(primitive_cases(page, "float64"), 120)
    shapes = {array.shape for case in cases for array in case.values.values()}
    assert max(max(sizes(case)) for case in cases) >= 36
    assert any(1 in shape for shape in shapes)
    assert max(map(len, shapes)) <= 5
    along_an_axis = page.shapes in ("along-axis", "signature", "windows") or any(
        item.kind in ("axis", "count") for item in page.attributes
    )
    assert () in shapes or along_an_axis
    numbers = {
        attribute.name
        for attribute in page.attributes
        if attribute.numeric or attribute.choices or attribute.kind in ("lower", "upper")
    }
    layouts = set()
    for case in cases:
        step = case.program.steps[0]
        attributes = str({name: value for name, value in step.attributes.items() if name not in numbers})
        layouts.add((tuple(array.shape for array in case.values.values()), step.operands, attributes))
    assert len(layouts) <= 12


@pytest.mark.parametrize("name", sorted(PAGES))
def test_some_run_has_an_empty_array(name: str) -> None:
    assert any(0 in sizes(case) for case in over_runs(name))


@pytest.mark.parametrize("name", [name for name in sorted(SCALAR_PAGES) if len(PAGES[name].operands) == 2])
def test_operands_broadcast_both_ways_and_meet_themselves(name: str) -> None:
    cases = over_runs(name, 4)
    pairs = [tuple(case.values[str(item)].shape for item in case.program.steps[0].operands) for case in cases]
    outputs = [case.cotangents[0].shape for case in cases]
    assert any(first != out and second != out for (first, second), out in zip(pairs, outputs, strict=True))
    assert any((first == out) != (second == out) for (first, second), out in zip(pairs, outputs, strict=True))
    assert any(len(case.program.inputs) == 1 for case in cases)


PAIRED: Final = sorted(
    name
    for name, page in PAGES.items()
    if page.shapes in ("elementwise", "signature") and [operand.kind for operand in page.operands] == ["real", "real"]
)


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_operand_is_stretched_in_every_run(name: str, number: int) -> None:
    page, stretched = PAGES[name], set()
    own = tuple(map(len, page.signature.operands)) or (0, 0)  # how many axes are not in front
    for layout in layouts(page, ("float64",), scalar=False, seed=number):
        shapes = {slot.name: slot.shape for slot in layout.slots}
        front = [
            shapes[used][: max(0, len(shapes[used]) - kept)] for used, kept in zip(layout.operands, own, strict=True)
        ]
        full = np.broadcast_shapes(*front)
        for used, lengths in zip(layout.operands, front, strict=True):
            behind = zip(reversed(lengths), reversed(full), strict=False)
            stretched |= {used for length, there in behind if length == 1 < there}
    assert stretched == {operand.name for operand in page.operands}


@pytest.mark.parametrize("name", ["index_add", "index_copy", "index_max"])
@pytest.mark.parametrize("number", range(6))
def test_updates_go_along_the_first_and_the_last_axis_in_every_run(name: str, number: int) -> None:
    axes = set()
    for layout in layouts(PAGES[name], ("float64",), scalar=False, seed=number):
        shape = layout.slots[0].shape
        if len(shape) > 1 and min(shape) > 1:
            axes.add(int(str(layout.attributes["axis"])) % len(shape) > 0)
    assert axes == {False, True}


@pytest.mark.parametrize("name", ["det", "eigh", "matrix_norm"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_matrices_stand_along_two_axes_in_every_run(name: str, number: int) -> None:
    drawn = layouts(PAGES[name], ("float64",), scalar=False, seed=number)
    shapes = {layout.slots[0].shape for layout in drawn}
    assert any(len(shape) == 4 and min(shape) > 1 for shape in shapes)


@pytest.mark.parametrize("number", range(6))
def test_a_contraction_of_one_operand_turns_axes_and_meets_on_a_diagonal_in_every_run(number: int) -> None:
    drawn = layouts(PAGES["einsum"], ("float64",), scalar=False, seed=number)
    texts = {str(layout.attributes["subscripts"]) for layout in drawn}
    assert texts & {"ij->ji", "ijk->ki"}
    assert texts & {"ii->", "ii->i"}
    assert texts & {"ij->", "ij->i"}


def test_bounds_of_clip() -> None:
    bounds = [case.program.steps[0].attributes for case in over_runs("clip", 2)]
    pairs = [(item["min"], item["max"]) for item in bounds]
    assert any(lower is None for lower, _ in pairs)
    assert any(upper is None for _, upper in pairs)
    assert all(lower is not None or upper is not None for lower, upper in pairs)
    both = [pair for pair in pairs if None not in pair]
    assert all(lower < upper for lower, upper in both)  # type: ignore[operator]


def test_attributes_of_reductions_and_movement() -> None:
    axes = attribute(over_runs("sum"), "axis")
    assert None in axes
    assert any(isinstance(axis, tuple) for axis in axes)
    assert any(isinstance(axis, int) and axis < 0 for axis in axes)
    assert any(isinstance(axis, int) and axis >= 0 for axis in axes)
    assert attribute(over_runs("max", 2), "keepdims") == {False, True}
    assert any(-1 in shape for shape in attribute(over_runs("reshape"), "shape"))
    along = [page for page in PAGES.values() if any(item.kind in ("axis", "new-axis") for item in page.attributes)]
    assert len(along) > 3
    for page in along:
        for item in page.attributes:
            if item.kind in ("axis", "new-axis"):
                found = attribute(over_runs(page.name), item.name)
                assert min(found) < 0 <= max(found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["expand_dims", "moveaxis", "cumulative_sum", "stack", "concat"])
def test_an_axis_of_a_large_array_is_counted_from_both_ends(name: str, seed: int) -> None:
    """DeZero's expand_dims puts an axis of -1 before the last; of seed 0, no case had one where that matters."""
    found = layouts(PAGES[name], ("float64",), scalar=False, seed=seed)
    largest = max(found, key=lambda item: item.size * (item.size < 10**6))
    axes = [item.attributes for item in found if item.slots == largest.slots]
    for attribute in PAGES[name].attributes:
        signs = {int(given[attribute.name]) < 0 for given in axes}
        assert signs == {False, True}


@pytest.mark.parametrize("seed", range(4))
def test_some_index_is_an_integer_or_a_slice_alone(seed: int) -> None:
    """Neograd takes no other, and forgets to record it: every case of seed 0 was unsupported."""
    found = layouts(PAGES["getitem"], ("float64",), scalar=False, seed=seed)
    alone = [item.attributes["index"] for item in found if item.slots[0].shape == (Palette.of(seed).vector,)]
    assert len(set(map(str, alone))) > 1
    assert all(len(index) == 1 and index[0] != "ellipsis" for index in alone)


def test_indices() -> None:
    items = {item for index in attribute(over_runs("getitem", 10), "index") for item in index}
    assert {"newaxis", "ellipsis"} <= items
    assert any(isinstance(item, int) and item < 0 for item in items)
    steps = {item.step for item in items if isinstance(item, Slice)}
    assert any(step is not None and step < 0 for step in steps)
    assert any(step is not None and step > 1 for step in steps)
    taken = [arrays(case)["indices"].tolist() for case in over_runs("take", 2)]
    assert any(len(set(places)) < len(places) for places in taken)
    assert all(place >= 0 for places in taken for place in places)


def test_sequences() -> None:
    cases = over_runs("concat") + over_runs("stack")
    assert {len(case.program.steps[0].operands) for case in cases} == {1, 2, 3}
    assert any(len(case.program.inputs) < len(case.program.steps[0].operands) for case in cases)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cotangents(dtype: str) -> None:
    given = [case.cotangents[0].astype(np.float64) for case in drawn(primitive_cases(PAGES["add"], dtype), 200)]
    assert not any((g == 1).all() for g in given if g.size)
    assert any((g < 0).any() and (g == 0).any() and (g > 0).any() for g in given)
    largest = max(np.abs(g).max() for g in given if g.size)
    smallest = min(np.abs(g[g != 0]).min() for g in given if (g != 0).any())
    assert largest >= 2.0**10
    assert smallest <= 2.0**-10
    ones = drawn(primitive_cases(PAGES["add"], dtype, cotangents="ones"), 20)
    assert all((case.cotangents[0] == 1).all() for case in ones)


@pytest.mark.parametrize("name", sorted(SCALAR_PAGES))
def test_scalar_cases_are_0d(name: str) -> None:
    for case in drawn(primitive_cases(PAGES[name], "float64", scalar=True), 30):
        assert all(array.shape == () for array in (*case.values.values(), *case.cotangents))


def test_most_cases_differ() -> None:
    for name in ("exp", "add", "sum"):
        cases = drawn(primitive_cases(PAGES[name], "float32"))
        assert len({encode_case(replace(case, seed=0)) for case in cases}) >= 40
    programs = drawn(program_cases(PAGES, "float32"))
    assert len({str(case.program) for case in programs}) >= 35


def strategies() -> list[tuple[str, Callable[[], SearchStrategy[Case]]]]:
    return [
        ("pow", lambda: primitive_cases(PAGES["pow"], "float32")),
        ("clip", lambda: primitive_cases(PAGES["clip"], "float32")),
        ("program", lambda: program_cases(PAGES, "float32")),
    ]


@pytest.mark.parametrize(("what", "cases"), strategies(), ids=[what for what, _ in strategies()])
def test_a_seed_draws_the_same_cases(
    what: str, cases: Callable[[], SearchStrategy[Case]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn(cases(), 30)
    random.seed(5)
    np.random.seed(5)
    # Hypothesis draws integers that it finds in the source of what is loaded, up to 1024 a file.
    (tmp_path / f"neighbour_{what}.py").write_text(f"CONSTANTS = {list(range(101, 65_000, 70))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    import_module(f"neighbour_{what}")
    assert drawn(cases(), 30) == before
    assert drawn(cases(), 30, number=1) != before


def test_runs_differ_in_their_shapes() -> None:
    def shapes(run: int) -> set[tuple[int, ...]]:
        cases = drawn(primitive_cases(PAGES["exp"], "float64", seed=run))
        return {case.cotangents[0].shape for case in cases}

    assert len({frozenset(shapes(run)) for run in range(4)}) > 1


def test_a_new_page_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    log = PAGES["log"]
    narrow = replace(log.operands[0], domain=(Interval.read("[1, 2]"), Interval.read("(4, 5)")), boundary=(1.25,))
    page = replace(log, name="narrow_log", operands=(narrow,))
    monkeypatch.setitem(RULES, "narrow_log", RULES["log"])
    values = np.concatenate([arrays(case)["x"].ravel() for case in drawn(primitive_cases(page, "float64"), 100)])
    assert inside(values, narrow.domain)
    assert {1.0, 2.0, 1.25, math.nextafter(4, 5), math.nextafter(5, 4)} <= set(values.tolist())
    assert len(set(values.tolist())) > 100


# --- programs -------------------------------------------------------------------------------------


def uses(case: Case) -> dict[str, int]:
    named = [item for step in case.program.steps for item in step.operands if isinstance(item, str)]
    return {name: named.count(name) for name in set(named)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_programs_are_valid(dtype: str) -> None:
    limit = 1e3 if dtype in ("float64", "float32") else 50.0
    for case in drawn(program_cases(PAGES, dtype), 150):
        program = case.program
        assert 1 <= len(program.steps) <= 12
        assert program.inputs
        assert set(case.values) == {*program.inputs, *program.data}
        known = evaluate(program, arrays(case))
        for step in program.steps:
            assert (np.abs(known[step.name]) <= limit).all()
            check_domain(step, known)
            assert step.name in program.outputs or uses(case)[step.name], "no output needs this step"
        for name, cotangent in zip(program.outputs, case.cotangents, strict=True):
            assert cotangent.shape == known[name].shape
        assert decode_case(encode_case(case)) == case


def check_domain(step: Step, known: Mapping[str, Array]) -> None:
    page = PAGES[step.primitive]
    values = [np.asarray(known[item] if isinstance(item, str) else item, np.float64) for item in step.operands]
    for operand, value, others in zip(page.operands, values, itertools.repeat(step.operands), strict=False):
        integer_power = page.value == "x1 ** x2" and isinstance(others[1], int)
        if operand.kind == "real":
            assert inside(value, operand.domain) or (integer_power and (value != 0).all())


def test_programs_vary() -> None:
    cases = drawn(program_cases(PAGES, "float64"), 20 * len(PAGES))
    steps = [step for case in cases for step in case.program.steps]
    missing = {name for name, page in PAGES.items() if not page.results} - {step.primitive for step in steps}
    windows = {name for name, page in PAGES.items() if page.shapes == "windows"}
    assert missing <= windows, "few programs have arrays of three axes and more"
    assert any(count > 1 for case in cases for name, count in uses(case).items() if name not in case.program.inputs)
    assert sum(len(case.program.steps) >= 4 for case in cases) > 150
    assert any(len(case.program.outputs) == 2 for case in cases)
    assert any(name not in uses(case) for case in cases for name in case.program.inputs)
    kinds = {case.values[name].dtype.name for case in cases for name in case.program.data}
    assert kinds == {"bool", "int64", "float64"}
    scalars = [(step, place) for step in steps for place, item in enumerate(step.operands) if not isinstance(item, str)]
    for name in ("subtract", "divide", "pow"):
        assert {place for step, place in scalars if step.primitive == name} == {0, 1}


def test_negative_numbers_are_raised_to_powers() -> None:
    cases = drawn(program_cases({name: PAGES[name] for name in ("pow", "subtract")}, "float64"), 100)
    assert any(has_negative_base(step, case) for case in cases for step in case.program.steps)


def has_negative_base(step: Step, case: Case) -> bool:
    if step.primitive != "pow" or not isinstance(step.operands[0], str):
        return False
    return bool((evaluate(case.program, arrays(case))[step.operands[0]] < 0).any())


def test_scalar_programs_are_0d() -> None:
    for case in drawn(program_cases(SCALAR_PAGES, "float64", scalar=True), 100):
        assert all(value.shape == () for value in evaluate(case.program, arrays(case)).values())


def test_programs_have_no_more_steps_than_asked() -> None:
    for case in drawn(program_cases(PAGES, "float64", max_steps=3), 100):
        last = [step for step in case.program.steps if step.primitive == "astype" and step.name in case.program.outputs]
        assert len(case.program.steps) - len(last) <= 3


def smallest(cases: SearchStrategy[Case], condition: Callable[[Case], bool]) -> Case:
    quiet = settings(max_examples=2000, database=None, deadline=None, suppress_health_check=NO_HEALTH_CHECKS)
    return find(cases, condition, settings=quiet, random=random.Random(0))


def test_programs_shrink_to_the_fewest_steps() -> None:
    case = smallest(program_cases(PAGES, "float64"), lambda case: "tanh" in case.program.primitives)
    assert len(case.program.steps) <= 2
    few = {name: page for name, page in PAGES.items() if page.rational or name == "exp"}
    two = smallest(program_cases(few, "float64"), lambda case: {"exp", "matmul"} <= case.program.primitives)
    assert len(two.program.steps) <= 3


def test_values_shrink_to_short_decimals() -> None:
    case = smallest(primitive_cases(PAGES["sin"], "float64"), lambda case: bool((arrays(case)["x"] == 0).any()))
    values = arrays(case)["x"].ravel()
    assert values.size <= 5
    assert np.array_equal(values * 20, np.round(values * 20))
