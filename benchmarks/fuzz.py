"""A campaign of random input for each reader: ``python benchmarks/fuzz.py --cases 1000000 [--seed N] [--reader NAME]``.

Prints how many inputs each reader took and refused, and each input on which it raised what it should not.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
import warnings
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import NonInteractiveExampleWarning

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))

from readers import READERS, refused

BATCH = 5_000
"""Cases that Hypothesis makes in one go."""


def campaign(name: str, cases: int, start: int) -> int:
    """Run one reader on so many inputs; print the counts, and return how many defects there were."""
    strategy, read = READERS[name]
    counts = {True: 0, False: 0}
    defects: dict[str, int] = {}

    def one(content: object) -> None:
        try:
            counts[refused(read, content)] += 1
        except Exception:
            lines = traceback.format_exc().splitlines()
            key = f"{lines[-1][:200]} ({lines[-3].strip() if len(lines) > 3 else ''})"
            if key not in defects:
                print(f"{name}: {content!r:.2000}\n  {key}", flush=True)
            defects[key] = defects.get(key, 0) + 1

    begin = time.perf_counter()
    done = 0
    while done < cases:
        batch = min(BATCH, cases - done)
        configured = settings(
            max_examples=batch,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        seed(start + done)(configured(given(strategy)(one)))()
        done += batch
    seconds = time.perf_counter() - begin
    found = sum(defects.values())
    total = counts[True] + counts[False] + found
    print(
        f"{name}: {total} inputs, {counts[False]} taken, {counts[True]} refused, {found} defects, {seconds:.0f} s",
        flush=True,
    )
    return len(defects)


def main() -> None:
    """Run the campaign that was asked for; exit with 1 where there were defects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=[*READERS], action="append")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", NonInteractiveExampleWarning)
    names = asked.reader or [*READERS]
    found = sum(campaign(name, asked.cases // len(names), asked.seed) for name in names)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
