"""Values: the bulk of an array from a seed, boundary values at drawn places, cotangents."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from gradlaw_properties.strategies.domains import Domain, boundary, rounded
from gradlaw_spec import Array, Dtype, Operand, Primitive

Bulk = Literal["short", "normal", "magnitudes", "ties", "extreme"]
Cotangent = Literal["short", "normal", "sparse", "large", "small", "tiny"]
_BULKS: Final[dict[Bulk, int]] = {"short": 6, "normal": 3, "ties": 3, "magnitudes": 2, "extreme": 1}
_COTANGENTS: Final[dict[Cotangent, int]] = {"short": 6, "normal": 3, "sparse": 2, "large": 2, "small": 2, "tiny": 1}
BULKS: Final[tuple[Bulk, ...]] = tuple(kind for kind, weight in _BULKS.items() for _ in range(weight))
"""How the bulk of the operands is made, each kind as often as it is to be drawn."""
COTANGENTS: Final[tuple[Cotangent, ...]] = tuple(kind for kind, weight in _COTANGENTS.items() for _ in range(weight))
SIMPLE: Final = np.array([1, 0.5, 2, -1, 1.5, -0.5, 3, -2, 0.25])
"""What the bulk shrinks to, over and over."""
SIMPLE_COTANGENTS: Final = np.array([2, -1, 0.5, 3, -0.5, -2, 0, 1])
SHARED, COTANGENT = 100, 200
"""Streams of random numbers beside those of the operands 0, 1, …: what operands share, and the cotangents' first."""
SCALE: Final = 20
"""Values and cotangents are scaled by up to 2**±20, where the dtype has room for it."""


@dataclass(frozen=True)
class Source:
    """What a real operand's values are made from: its domain and boundary values in a dtype."""

    domain: Domain
    table: Array
    fallback: Array
    facts: Dtype

    @cached_property
    def moderate(self) -> Array:
        """The boundary values without those near the ends of the dtype's range; all, where there are no others."""
        size = np.abs(self.table)
        inner = (size == 0) | ((size >= self.facts.smallest_normal**0.5) & (size <= self.facts.largest**0.5))
        return self.table[inner] if inner.any() else self.table

    @staticmethod
    def of(page: Primitive, operands: tuple[Operand, ...], facts: Dtype) -> Source:
        """Read the source of a variable from the page of the primitive that uses it as these operands."""
        domain = Domain.of(*operands)
        table = boundary(page, operands, facts)
        candidates = (rounded(values, facts) for values in (SIMPLE, domain.fold(SIMPLE), table))
        allowed = (values[domain.contains(values)] for values in candidates)
        return Source(domain, table, next(values for values in allowed if values.size), facts)

    def with_numbers(self, numbers: Iterable[float]) -> Source:
        """Add values at which this case has a kink (an attribute's), before all others."""
        extra = rounded(np.array(list(numbers), dtype=np.float64), self.facts)
        extra = extra[self.domain.contains(extra)]
        return Source(self.domain, np.concatenate([extra, self.table]), self.fallback, self.facts)

    def admit(self, values: Array) -> Array:
        """Move values into the domain and the dtype (kept as float64)."""
        inside = rounded(self.domain.fold(values), self.facts)
        if self.domain.whole:
            return inside
        allowed = self.domain.contains(inside)
        return inside if allowed.all() else np.where(allowed, inside, np.resize(self.fallback, inside.shape))

    def bulk(self, kind: Bulk, seed: int, stream: int, size: int) -> Array:
        """Return that many flat values; those of kind ``short`` and seed 0 are the simplest."""
        if kind == "short" and seed == 0:
            return np.resize(self.fallback, size)
        return self.admit(raw_bulk(kind, seed, generator(seed, stream), size, self.facts))


def exponent(number: float) -> int:
    """Return the exponent of the largest power of two that is not above a positive number."""
    return math.frexp(number)[1] - 1


def room(facts: Dtype) -> int:
    """Return the exponent of the largest scale that a dtype has room for."""
    return min(SCALE, exponent(facts.largest) - 5)


def generator(seed: int, stream: int) -> np.random.Generator:
    """Return the source of one array's numbers: each of its own, so that a smaller array keeps its first elements."""
    return np.random.Generator(np.random.PCG64([seed, stream]))


def _quarters(uniform: Array) -> Array:
    return np.asarray(np.floor(uniform * 25 - 12) / 4)


def short_decimals(seed: int, uniform: Array) -> Array:
    """Return quarters or tenths with a sign, 0 included, from numbers in [0, 1)."""
    return _quarters(uniform) if seed % 2 else np.asarray(np.floor(uniform * 81 - 40) / 10)


def raw_bulk(kind: Bulk, seed: int, random: np.random.Generator, size: int, facts: Dtype) -> Array:
    """Return that many float64 values of a kind, in no domain yet."""
    if kind == "normal":
        return 2 * random.standard_normal(size)
    if kind == "ties":
        few = _quarters(generator(seed, SHARED).random(3))
        return few[random.integers(0, 3, size)]
    first, second = random.random((size, 2)).T
    if kind == "short":
        return short_decimals(seed, first)
    if kind == "magnitudes":
        lowest, highest = -room(facts), room(facts)
    else:
        lowest, highest = exponent(facts.smallest_subnormal), exponent(facts.largest)
    scaled = np.asarray((4 * first - 2) * 2.0 ** np.floor(lowest + second * (highest + 1 - lowest)))
    if kind == "extreme":
        return scaled
    return np.where((np.arange(size) + seed) % 2 == 0, scaled, short_decimals(seed, second))  # large beside small


def cotangent(kind: Cotangent, seed: int, position: int, shape: tuple[int, ...], facts: Dtype) -> Array:
    """Return a cotangent as float64 numbers of the dtype: signed, with zeros, never only ones."""
    size = math.prod(shape)
    random = generator(seed, COTANGENT + position)
    first, second = random.random((size, 2)).T
    if kind == "short" and seed == 0:
        values = np.resize(SIMPLE_COTANGENTS, size)
    elif kind == "normal":
        values = random.standard_normal(size)
    else:
        values = short_decimals(seed, first)
    if kind == "sparse":
        values = np.where(second < 0.7, 0.0, values)
    elif kind == "tiny":
        values = values * facts.smallest_normal * 2.0 ** np.floor(7 * second - 3)
    elif kind in ("large", "small"):
        values = values * 2.0 ** (room(facts) if kind == "large" else -room(facts))
    values = rounded(values, facts)
    if size and (values == 1).all():
        values = -2 * values
    return values.reshape(shape)


def regular(matrices: Array) -> Array:
    """Return matrices of full rank: each number on a diagonal outweighs what is beside it in its row."""
    with np.errstate(over="ignore"):
        rows = np.sum(np.abs(matrices), axis=-1, keepdims=True)
        more = np.where(rows == 0, 1.0, rows) * np.where(matrices < 0, -1.0, 1.0)
        return np.asarray(np.where(np.eye(*matrices.shape[-2:]) == 1, matrices + more, matrices))


def definite(matrices: Array) -> Array:
    """Return matrices whose symmetric parts are positive definite: each diagonal outweighs what is beside it."""
    main = np.eye(matrices.shape[-1], dtype=bool)
    sizes = np.abs(matrices / 2 + np.swapaxes(matrices, -1, -2) / 2)
    with np.errstate(over="ignore"):
        diagonal = np.sum(np.where(main, np.abs(matrices), sizes), axis=-1)
    return np.asarray(np.where(main, np.where(diagonal == 0, 1.0, diagonal)[..., np.newaxis], matrices))


def typed(values: Array, shape: tuple[int, ...], facts: Dtype) -> Array:
    """Return float64 values that the dtype has as an array of it."""
    return values.astype(facts.numpy).reshape(shape)
