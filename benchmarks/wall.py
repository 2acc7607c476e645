"""(c) Wall time of ``gradlaw check`` in float64 and float32 with default examples, as a process.

Run: ``python benchmarks/wall.py [TARGET …]`` (default: micrograd torch jax). Prints a Markdown table.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOALS = {"micrograd": 10, "torch": 60, "jax": 120}


def main(targets: list[str]) -> None:
    print("| target | cells | seconds | goal |\n|---|---|---|---|", flush=True)
    for target in targets:
        addresses = [] if target == "micrograd" else ["*@float64", "*@float32"]
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            begin = time.perf_counter()
            command = [sys.executable, "-m", "gradlaw", "check", target, *addresses, "--json", str(report)]
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - begin
            cells = len(json.loads(report.read_text())["cells"])
        print(f"| {target} | {cells} | {seconds:.1f} | {GOALS.get(target, '')} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(GOALS))
