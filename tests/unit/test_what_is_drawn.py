"""What strategies draw: each kind of number is there, and nothing outside of what is claimed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradlaw_properties.strategies import primitive_cases, program_cases
from gradlaw_properties.strategies.cases import _place
from gradlaw_properties.strategies.domains import Domain, boundary, rounded
from gradlaw_properties.strategies.layouts import layouts
from gradlaw_properties.strategies.manners import is_dull, windows_of
from gradlaw_properties.strategies.specials import Dependent, specials
from gradlaw_properties.strategies.values import Source, cotangent, definite, generator, raw_bulk, room
from gradlaw_spec import DTYPES, Array, load_primitives

FACTS = DTYPES["float32"]
PAGES = load_primitives()


def drawn(kind: str, size: int = 200) -> Array:
    return np.abs(cotangent(kind, 3, 0, (size,), FACTS))  # type: ignore[arg-type]


def test_cotangents_of_each_kind() -> None:
    tiny, large, small = (drawn(kind)[drawn(kind) > 0] for kind in ("tiny", "large", "small"))
    assert (tiny < FACTS.smallest_normal).any()
    assert (tiny > FACTS.smallest_normal).any()
    assert large.min() > 2.0 ** (room(FACTS) - 5)
    assert small.max() < 2.0 ** (5 - room(FACTS))
    assert (drawn("sparse") == 0).mean() > 0.5 > (drawn("short") == 0).mean()


@pytest.mark.parametrize("kind", ["short", "normal", "sparse", "large", "small", "tiny"])
@pytest.mark.parametrize("size", [1, 2])
def test_no_cotangent_is_ones(kind: str, size: int) -> None:
    for seed in range(60):
        assert not (cotangent(kind, seed, 0, (size,), FACTS) == 1).all()  # type: ignore[arg-type]


def test_operands_of_each_kind() -> None:
    sizes = np.abs(raw_bulk("magnitudes", 3, generator(3, 0), 200, FACTS))
    assert sizes.min() < 2.0**-10
    assert sizes.max() > 2.0**10
    ties = raw_bulk("ties", 3, generator(3, 0), 60, FACTS)
    assert (ties[1:] == ties[:-1]).any()
    assert (ties[1:] != ties[:-1]).any()
    extreme = np.abs(raw_bulk("extreme", 3, generator(3, 0), 400, FACTS))
    assert extreme.min() < FACTS.smallest_normal
    assert extreme.max() > FACTS.largest * 2.0**-20


def test_what_is_rounded_is_finite() -> None:
    assert rounded(np.array([1e300, -1e300]), FACTS).tolist() == [FACTS.largest, -FACTS.largest]


@pytest.mark.parametrize("name", ["atanh", "log", "acosh", "asin"])
def test_both_ends_of_a_domain_are_boundary_values(name: str) -> None:
    (operand,) = PAGES[name].operands
    table, domain = boundary(PAGES[name], (operand,), FACTS), Domain.of(operand)
    assert domain.contains(table).all()
    for interval in operand.domain:
        for end, inwards in ((interval.lower, math.inf), (interval.upper, -math.inf)):
            if math.isfinite(end):
                near = float(np.nextafter(np.float32(end), np.float32(inwards)))
                assert near in table.tolist() or end in table.tolist()


def test_boundary_values_are_placed_in_every_operand() -> None:
    page = PAGES["atan2"]
    sources = [Source.of(page, (operand,), FACTS) for operand in page.operands]
    arrays = [np.full(2, 7.0), np.full(3, 7.0)]
    _place(arrays, [source.table for source in sources], [(place, 0) for place in (1, 4)])
    assert [(array == 7).tolist() for array in arrays] == [[True, False], [True, True, False]]


def test_an_attribute_at_which_there_is_a_kink_comes_first() -> None:
    page = PAGES["clip"]
    source = Source.of(page, page.operands[:1], FACTS)
    assert 0.375 not in source.table
    assert source.with_numbers([0.375]).table[0] == 0.375


def test_definite_matrices_are() -> None:
    matrices = generator(3, 0).standard_normal((20, 3, 3))
    for matrix in definite(matrices):
        assert np.linalg.eigvalsh(matrix + matrix.T).min() > 0


@pytest.mark.parametrize(("name", "expected"), [("det", True), ("inv", False), ("cholesky", False)])
def test_singular_matrices_are_drawn_where_something_is_claimed(name: str, expected: bool) -> None:
    page = PAGES[name]
    every = layouts(page, ("float32",), scalar=False, seed=0)
    found = [point for layout in every for point in specials(page, layout, FACTS)]
    assert any(isinstance(point, Dependent) for point in found) is expected


@pytest.mark.parametrize("name", ["cholesky"])
def test_cases_of_definite_operands_are_definite(name: str) -> None:
    from test_strategies import drawn as cases_of

    for case in cases_of(primitive_cases(PAGES[name], "float64")):
        for value in case.values.values():
            if value.size:
                ends = np.linalg.eigvalsh(value / 2 + np.swapaxes(value, -1, -2) / 2)
                assert (ends[..., 0] >= -1e-12 * ends[..., -1]).all(), "but for the rounding of the diagonal"


def test_no_index_occurs_twice_where_that_is_claimed() -> None:
    from test_strategies import drawn as cases_of

    names = [name for name, page in PAGES.items() if any(operand.distinct for operand in page.operands)]
    for name in names:
        for case in cases_of(primitive_cases(PAGES[name], "float64"))[:40]:
            for index in (case.values[item] for item in case.program.data):
                assert len(set(index.ravel().tolist())) == index.size


def test_programs_have_two_outputs_and_fixed_inputs_at_times() -> None:
    from test_strategies import drawn as cases_of

    chosen = {name: PAGES[name] for name in ("add", "multiply", "tanh")}
    cases = cases_of(program_cases(chosen, "float64"))
    assert {len(case.program.outputs) for case in cases} == {1, 2}
    assert {len(case.program.data) for case in cases} == {0, 1}
    assert {len(case.program.inputs) for case in cases} >= {1, 2, 3}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["unfold", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d"])
def test_windows_overlap_and_hold_three_elements_in_every_run(name: str, seed: int) -> None:
    """Paddle's unfold writes where it should add, and its avg_pool2d divides by 9 in float32: a run must show both."""
    page = PAGES[name]
    drawn = [
        windows_of(page, item.attributes, item.slots[0].shape)
        for item in layouts(page, ("float32",), scalar=False, seed=seed)
    ]
    assert 8 * sum("overlapping" in item for item in drawn) >= len(drawn)
    assert 12 * sum("windows of more" in item for item in drawn) >= len(drawn)
    assert 3 * sum(map(is_dull, drawn)) < len(drawn)
