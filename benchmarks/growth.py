"""(b) Growth of a certified check from 10 to 10^6 elements: time an element, and peak memory.

Run: ``python benchmarks/growth.py``. Each size runs in a process of its own, so that the peak is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

from gradlaw_reference import admissible
from gradlaw_spec import load_primitives, parse_formula

FORMULA = "maximum(tanh(x * y + z), exp(-x) / (square(y) + 1.5))"
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)


def measure(size: int) -> None:
    program = parse_formula(FORMULA, ("x", "y", "z"), load_primitives().keys())
    draw = np.random.Generator(np.random.PCG64(0))
    values = {name: draw.normal(size=size) for name in program.inputs}
    begin = time.perf_counter()
    admissible(program, values, (np.ones(size),), dtype="float64")
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {size:,} | {seconds:.4g} | {seconds / size * 1e6:.3g} | {peak:.2f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        print("| elements | seconds | µs an element | peak memory, GiB |\n|---|---|---|---|", flush=True)
        for number in SIZES:
            subprocess.run([sys.executable, __file__, str(number)], check=True)
