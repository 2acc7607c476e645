"""Numbers: boundary values first, short decimals, then everything else; all inside a domain and a dtype."""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np

from gradlaw_spec import Array, Dtype, Operand, dtype

Kind = Literal["short", "boundary", "normal", "repeated", "scaled", "extreme"]
KINDS: tuple[Kind, ...] = ("short", "boundary", "normal", "boundary", "repeated", "scaled", "extreme")


@cache
def intervals(domain: tuple[str, ...]) -> tuple[tuple[float, float, bool, bool], ...]:
    """Read a domain: its intervals as lower and upper end, and whether each end belongs to it."""
    found = []
    for text in domain:
        lower, upper = (float(end) for end in text.strip("()[] ").split(","))
        found.append((lower, upper, text.strip()[0] == "[", text.strip()[-1] == "]"))
    return tuple(found)


def inside(values: Array, domain: tuple[str, ...]) -> Array:
    """Say of each number whether it is in the domain, and finite."""
    numbers = values.astype(np.float64)
    found = np.zeros(numbers.shape, dtype=bool)
    for lower, upper, with_lower, with_upper in intervals(domain):
        above = numbers >= lower if with_lower else numbers > lower
        below = numbers <= upper if with_upper else numbers < upper
        found |= above & below
    return found & np.isfinite(numbers)


@cache
def short_decimals(domain: tuple[str, ...], name: str) -> Array:
    """Return short decimals of the domain, the simplest first."""
    numbers = [1.0, 2.0, 0.5, -1.0, -2.0, -0.5, 3.0, -3.0, 0.0]
    numbers += [sign * k / 4 for k in range(1, 17) for sign in (1, -1)]
    numbers += [sign * k / 10 for k in range(1, 40) for sign in (1, -1)]
    rounded = np.array(list(dict.fromkeys(numbers))).astype(dtype(name).numpy)
    return rounded[inside(rounded, domain)]


@cache
def boundary_values(operand: Operand, name: str) -> Array:
    """Return the values at which an operand's gradients tend to break: ends, zeros, subnormals, its page's."""
    facts = dtype(name)
    numbers = [0.0, -0.0, 1.0, -1.0, *operand.boundary]
    numbers += [facts.smallest_subnormal, facts.smallest_normal, facts.largest]
    numbers += [-facts.smallest_subnormal, -facts.smallest_normal, -facts.largest]
    for lower, upper, _, _ in intervals(operand.domain):
        for end, beyond in ((lower, math.inf), (upper, -math.inf)):
            if math.isfinite(end):
                edge = np.array(end).astype(facts.numpy)
                numbers += [float(edge), float(np.nextafter(edge, np.array(beyond).astype(facts.numpy)))]
    with np.errstate(over="ignore"):
        rounded = np.array(numbers).astype(facts.numpy)
    return rounded[inside(rounded, operand.domain)]


def _raw(kind: Kind, size: int, draw: np.random.Generator, facts: Dtype) -> Array:
    signs = draw.choice([-1.0, 1.0], size=size)
    if kind == "normal":
        return draw.normal(scale=1.5, size=size)
    if kind == "scaled":
        power = 8 if facts.name == "float16" else 20
        return signs * np.exp2(draw.integers(-power, power + 1, size=size)) * draw.uniform(1, 2, size=size)
    smallest, largest = math.log2(facts.smallest_subnormal), math.log2(facts.largest)
    return signs * np.exp2(draw.uniform(smallest, largest, size=size))


def bulk(kind: Kind, seed: int, shape: tuple[int, ...], operand: Operand, name: str) -> Array:
    """Return numbers of one kind inside an operand's domain, from a seed; seed 0 gives the simplest.

    Of the kind ``boundary``, about half of the numbers are the operand's boundary values.
    """
    facts, domain = dtype(name), operand.domain
    size = math.prod(shape)
    decimals = short_decimals(domain, name)
    if seed == 0 and kind == "short":
        return np.resize(decimals[:4], size).reshape(shape).astype(facts.numpy)
    draw = np.random.Generator(np.random.PCG64(seed))
    simple = decimals[draw.integers(0, 4 if kind == "repeated" else len(decimals), size=size)]
    if kind in ("short", "repeated"):
        return simple.reshape(shape)
    if kind == "boundary":
        edges = boundary_values(operand, name)
        chosen = edges[draw.integers(0, len(edges), size=size)]
        return np.where(draw.random(size) < 0.5, chosen, simple).reshape(shape)
    with np.errstate(over="ignore"):
        numbers = _raw(kind, size, draw, facts).astype(facts.numpy)
    mirrored = np.where(inside(numbers, domain), numbers, -numbers)
    return np.where(inside(mirrored, domain), mirrored, simple).astype(facts.numpy).reshape(shape)


def cotangent(kind: Kind | Literal["sparse", "ones"], seed: int, shape: tuple[int, ...], name: str) -> Array:
    """Return a cotangent: signed, with zeros, not uniform; scaled and tiny ones among the kinds."""
    facts = dtype(name)
    if kind == "ones":
        return np.ones(shape, dtype=facts.numpy)
    draw = np.random.Generator(np.random.PCG64([seed, 1]))
    size = math.prod(shape)
    if kind == "sparse":
        numbers = np.where(draw.random(size) < 0.3, draw.choice([-2.0, 0.5, 3.0], size=size), 0.0)
    elif kind in ("short", "repeated"):
        numbers = draw.choice([1.0, -2.0, 0.5, -0.75, 3.0, 0.0, -1.5], size=size)
    elif kind == "normal":
        numbers = draw.normal(size=size)
    else:
        power = draw.integers(-8, 9) if facts.name == "float16" else draw.integers(-20, 21)
        numbers = draw.normal(size=size) * 2.0 ** float(power)
    return numbers.astype(facts.numpy).reshape(shape)
