"""Joint sets: at a kink where several elements meet, their gradients are judged together, and not one by one.

The share of each of two equal operands may be anything from 0 to the cotangent, but together they are the cotangent; at
the origin the gradient of a length may point anywhere, but it is no longer than the cotangent. A number of the engine's
stands for every exact number of which it may be the rounding: what is asked is whether some of these are in the set. It
is computed in fractions. Source: spec clause *kinks/joint-set*.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from flint import arb, fmpq

from gradlaw_properties.judge import Outcome, combine
from gradlaw_properties.needs import DISTINCT_INPUTS
from gradlaw_properties.trial import Trial
from gradlaw_reference.arithmetic.corners import at_corner, spread
from gradlaw_spec import Array, Kink, dtype
from gradlaw_spec.primitive import Joint

ROUNDINGS: Final = 2
"""A share is rounded, and so is its product with the cotangent."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How far rounding may carry a number from an exact one: ``|v - s| <= unit |s| + tail``."""

    unit: Fraction
    tail: Fraction

    @staticmethod
    def of(trial: Trial) -> Grid:
        """Return that of a target in a trial's dtype."""
        facts = dtype(trial.case.dtype)
        tail = max(facts.tiny(trial.target.flushes_subnormals), ROUNDINGS / 2 * facts.smallest_subnormal)
        return Grid(ROUNDINGS * Fraction(facts.unit_roundoff), Fraction(tail))

    def sizes(self, number: float) -> tuple[Fraction, Fraction]:
        """Return the smallest and the largest size of an exact number of which this may be the rounding."""
        size = abs(Fraction(number))
        return max(Fraction(0), (size - self.tail) / (1 + self.unit)), (size + self.tail) / (1 - self.unit)

    def ends(self, number: float) -> tuple[Fraction, Fraction]:
        """Return the smallest and the largest exact number of which this may be the rounding."""
        least, most = self.sizes(number)
        if abs(Fraction(number)) <= self.tail:
            return -most, most
        return (least, most) if number > 0 else (-most, -least)


def arranged(vector: Sequence[float], cotangents: Sequence[float], grid: Grid) -> bool:
    """Whether a vector may be the rounding of means of cotangents, of which each is shared out whole.

    So many of its elements have no larger sum than as many of the cotangents, and no smaller one. Source: R. Rado, An
    inequality, J. London Math. Soc. 27 (1952).
    """
    if not all(map(math.isfinite, vector)):
        return False
    ends = [grid.ends(number) for number in vector]
    given = sorted(map(Fraction, cotangents))
    least, most = sorted(lower for lower, _ in ends), sorted(upper for _, upper in ends)
    counts = range(1, len(given) + 1)
    return all(sum(least[-n:]) <= sum(given[-n:]) and sum(given[:n]) <= sum(most[:n]) for n in counts)


def member(joint: Joint, vector: Sequence[float], cotangent: float, grid: Grid, counted: int | float = 1) -> bool:
    """Whether a vector may be the rounding of a cotangent times an element of the set.

    Its vectors have the length 1/√counted; of a dual ball, ``counted`` is the order.
    """
    if not all(map(math.isfinite, vector)):
        return False
    exact = Fraction(cotangent)
    ends = [grid.ends(number) for number in vector]
    if joint == "shares":
        low, high = min(exact, Fraction(0)), max(exact, Fraction(0))
        clipped = [(max(lower, low), min(upper, high)) for lower, upper in ends]
        if any(lower > upper for lower, upper in clipped):
            return False
        return sum(lower for lower, _ in clipped) <= exact <= sum(upper for _, upper in clipped)
    if joint == "signed-shares":
        return sum(grid.sizes(number)[0] for number in vector) <= abs(exact)
    if joint == "dual-ball":
        return not _dual_norm([grid.sizes(number)[0] for number in vector], counted) > _ball(abs(exact))
    level = sum(lower for lower, _ in ends) <= 0 <= sum(upper for _, upper in ends)
    inside = Fraction(counted) * sum(grid.sizes(number)[0] ** 2 for number in vector) <= exact**2
    return inside and (level or joint != "centred-ball")


def _ball(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))


def _dual_norm(sizes: Sequence[Fraction], order: float) -> arb:
    """Return the norm of numbers of these sizes, of the order p/(p - 1)."""
    exponent = arb(order) / (arb(order) - 1)
    return sum((_ball(size) ** exponent for size in sizes if size), arb(0)) ** (1 / exponent)


def words(joint: Joint, cotangent: float, counted: int | float) -> str:
    """Say which vectors a set has."""
    if joint == "shares":
        return f"shares of {cotangent!r}, from 0 to all of it, that add up to it"
    if joint == "signed-shares":
        return f"numbers whose sizes add up to at most {abs(cotangent)!r}"
    if joint == "dual-ball":
        return f"a vector whose norm of the order {counted:g}/{counted - 1:g} is at most {abs(cotangent)!r}"
    length = f"a vector of length at most {abs(cotangent)!r}"
    return length if joint == "ball" else f"{length} / √{counted:g} whose elements add up to 0"


def judge_joint(trial: Trial) -> Outcome:
    """Judge the gradients of all elements that meet at a kink of a primitive together; nothing where none do."""
    page = trial.page
    if page is None or not any(kink.joint for kink in page.kinks) or not DISTINCT_INPUTS.of_case(trial):
        return Outcome()
    if not trial.runnable.primitives <= {page.name}:
        return Outcome()  # the target has no such primitive, and its composition is judged step by step
    grid = Grid.of(trial)
    outcomes: list[Outcome] = []
    for kink in page.kinks_at(trial.step.attributes):
        if kink.joint == "orders":
            outcomes += _judge_orders(trial, grid)
            continue
        for joint, where, vector, cotangent in _meetings(trial, kink) if kink.joint else ():
            problem, counted = "", kink.counted(len(vector), trial.step.attributes)
            if not member(joint, vector, cotangent, grid, counted):
                allowed = words(joint, cotangent, counted)
                problem = f"gradient{where} at the kink {kink.where}: got {vector!r} together; allowed {allowed}"
            outcomes.append(Outcome(1, 0, problem))
    return combine(outcomes)


def _meetings(trial: Trial, kink: Kink) -> Iterator[tuple[Joint, list[int], list[float], float]]:
    """Yield each place where elements meet at a kink: their joint set, the place, their gradients, the cotangent."""
    shape, got = trial.cotangents[0].shape, trial.pull()
    if trial.page is not None and trial.page.shapes == "elementwise":
        if any(value.shape != shape for value in trial.inputs):
            return
        met = _together(trial, kink)
        for place in map(tuple, np.argwhere(met).tolist()):
            yield (
                kink.joint,
                list(place),
                [float(gradient[place]) for gradient in got],
                float(trial.cotangents[0][place]),
            )
        return
    x, attributes = trial.inputs[0], trial.step.attributes
    labels = spread(np.arange(trial.cotangents[0].size).reshape(shape), x.shape, attributes)
    chosen = _of_reduction(trial, kink)
    for label, cotangent in enumerate(trial.cotangents[0].ravel().tolist()):
        here = chosen & (labels == label)
        if here.sum() > (0 if kink.corner else 1):
            at = [int(i) for i in np.unravel_index(label, shape)]
            signs = np.sign(x[here].astype(np.float64)) if kink.joint == "signed-shares" else np.zeros(1)
            joint: Joint = "shares" if signs.all() else kink.joint  # of numbers with the sign of their elements
            vector = got[0][here].astype(np.float64) * np.where(signs == 0, 1, signs)
            yield joint, at, vector.tolist(), float(cotangent)


def _judge_orders(trial: Trial, grid: Grid) -> Iterator[Outcome]:
    """Judge the gradients of equal elements of a sorted row: together they share the cotangents of their places."""
    attributes = trial.step.attributes
    axis: Any = attributes["axis"]
    x, got, given = (
        np.moveaxis(array.astype(np.float64), axis, -1)
        for array in (trial.inputs[0], trial.pull()[0], trial.cotangents[0])
    )
    given = given[..., ::-1] if attributes["descending"] else given
    smallest = dtype(trial.case.dtype).smallest_normal if trial.target.flushes_subnormals else 0.0
    for place in np.ndindex(*x.shape[:-1]):
        row = x[place]
        for number in np.unique(row[(row == 0) | (np.abs(row) >= smallest)]).tolist():
            here, first = row == number, int((row < number).sum())
            last = first + int(here.sum())
            if last - first < 2 or (number == 0 and (np.abs(row[row != 0]) < smallest).any()):
                continue
            vector, cotangents = got[place][here].tolist(), given[place][first:last].tolist()
            problem = ""
            if not arranged(vector, cotangents, grid):
                problem = f"gradient{list(place)} of equal elements: got {vector!r}; allowed {cotangents!r}, shared"
            yield Outcome(1, 0, problem)


def _together(trial: Trial, kink: Kink) -> Array:
    """Return where the operands of an elementwise primitive meet: they are equal, or the value is 0."""
    if kink.corner:
        return at_corner(kink, trial.certified.outputs[0], trial.cotangents[0].shape, {})
    first, second = (value.astype(np.float64) for value in trial.inputs)
    smallest = dtype(trial.case.dtype).smallest_normal if trial.target.flushes_subnormals else 0.0
    return np.asarray((first == second) & ((first == 0) | (np.abs(first) >= smallest)))


def _of_reduction(trial: Trial, kink: Kink) -> Array:
    """Return which elements of a reduction meet: all of those whose value is 0, or those that are as extreme as it."""
    x, attributes = trial.inputs[0].astype(np.float64), trial.step.attributes
    value = trial.certified.outputs[0]
    if kink.corner:
        return at_corner(kink, value, x.shape, attributes)
    x = np.abs(x) if kink.joint == "signed-shares" else x
    extreme = spread(np.asarray(value.astype(np.float64)), x.shape, attributes)
    smallest = dtype(trial.case.dtype).smallest_normal if trial.target.flushes_subnormals else 0.0
    return np.asarray((x == extreme) & ((x == 0) | (np.abs(x) >= smallest)))
