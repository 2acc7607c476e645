"""The largest error of each elementwise primitive's value in the engines, in unit roundoffs: what k has to admit.

Run: ``python benchmarks/accuracy.py [PRIMITIVE …] [--targets=torch,jax] [--within=4]``. Prints a Markdown table
with, for each dtype, the error and the operands at which it was found; subnormal and overflowing values are left out.
"""

from __future__ import annotations

import sys

import numpy as np

from gradlaw import load_target
from gradlaw_properties.strategies.attributes import numeric
from gradlaw_properties.strategies.domains import Domain
from gradlaw_properties.strategies.picks import Chooser
from gradlaw_reference import Ball, using
from gradlaw_spec import DTYPES, Array, Dtype, Primitive, Program, Step, Target, load_primitives

POINTS = 20_000
FIRST = Chooser(0)
"""Attributes that are numbers have their defaults."""


def operand_values(page: Primitive, position: int, of: Dtype, within: float) -> Array:
    """Return many operands: near 0, of moderate size, over the whole range; inside the operand's domain."""
    draw = np.random.Generator(np.random.PCG64([position, len(page.name)]))
    quarter = POINTS // 4
    farthest = np.log2(of.largest)
    numbers = np.concatenate(
        [
            draw.normal(scale=2, size=quarter),
            draw.uniform(-25, 25, size=quarter),
            draw.choice([-1, 1], size=quarter) * np.exp2(draw.uniform(-14, 11, size=quarter)),
            draw.choice([-1, 1], size=quarter) * np.exp2(draw.uniform(-farthest + 2, farthest, size=quarter)),
        ]
    ).astype(of.numpy)
    folded = Domain.of(page.operands[position]).fold(numbers.astype(np.float64)).astype(of.numpy)
    kept = Domain.of(page.operands[position]).contains(folded.astype(np.float64))
    kept &= np.abs(folded.astype(np.float64)) <= within
    return np.where(kept, folded, 1).astype(of.numpy)


def largest_error(
    target: Target, page: Primitive, of: Dtype, within: float = np.inf, choose: Chooser = FIRST
) -> tuple[float, tuple[float, ...]]:
    """Return the largest error of a target's values in unit roundoffs, and the operands at which it is."""
    operands = tuple(operand_values(page, position, of, within) for position in range(len(page.operands)))
    names = tuple(operand.name for operand in page.operands)
    attributes = numeric(page, choose) if page.attributes else {}
    program = Program(names, (Step(("y",), page.name, names, attributes),), ("y",))
    got = target.run(program, dict(zip(names, operands, strict=True)))[0].astype(np.float64)
    ball = Ball()
    with using(ball):
        constants = [ball.constant(float(of.numpy.type(number))) for number in attributes.values()]
        exact = ball.elementary(page.name, *(ball.asarray(operand) for operand in operands), *constants)
        sizes = np.abs(exact.astype(np.float64))
        errors = np.array([abs(float(e - ball.asarray(y).item())) for e, y in zip(exact, got, strict=True)])
    usable = np.isfinite(got) & (sizes > 4 * of.smallest_normal) & (sizes < of.largest / 2)
    units = np.where(usable, errors / np.where(usable, sizes * of.unit_roundoff, 1), 0.0)
    worst = int(np.argmax(units))
    return float(units[worst]), (
        *(float(one[worst]) for one in operands),
        *(float(str(one)) for one in attributes.values()),
    )


def main(arguments: list[str]) -> None:
    names = [item for item in arguments if not item.startswith("--")]
    chosen = next((item.partition("=")[2] for item in arguments if item.startswith("--targets=")), "torch,jax,autograd")
    within = next((float(item.partition("=")[2]) for item in arguments if item.startswith("--within=")), np.inf)
    pages = [
        page
        for page in load_primitives().values()
        if page.rounding in ("correct", "elementwise")
        and page.numbers == len(page.operands) + len(page.attributes)
        and (not names or page.name in names)
    ]
    targets = [load_target(name) for name in chosen.split(",")]
    print("| primitive | k | engine | " + " | ".join(DTYPES) + " |")
    print("|---|---|---|" + "---|" * len(DTYPES))
    for page in pages:
        for target in targets:
            if page.name not in target.primitives:
                continue
            cells = []
            for name, of in DTYPES.items():
                if name not in target.dtypes:
                    cells.append("")
                    continue
                choices = range(8 if page.attributes else 1)
                error, place = max(largest_error(target, page, of, within, Chooser(number)) for number in choices)
                cells.append(f"{error:.2f} at {', '.join(f'{x:.6g}' for x in place)}")
            print(f"| {page.name} | {page.accuracy} | {target.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
