"""(a) The table of costs: runs ``test_cost.py`` once and prints its medians, and their ratios, as Markdown.

Run: ``python benchmarks/cost_table.py``
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CERTIFIED, TORCH, FAST = "gradlaw certified check", "torch forward and backward", "gradcheck fast"


def medians() -> dict[str, list[float]]:
    """Run the benchmarks and return the median microseconds of each, one a size."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "cost.json"
        tests = Path(__file__).with_name("test_cost.py")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:gradlaw", str(tests), f"--benchmark-json={report}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, list[float]] = {}
        for entry in json.loads(report.read_text())["benchmarks"]:
            name = entry["name"].partition("[")[0].split("_", 2)[2].replace("_", " ")
            found.setdefault(name.replace("check grads", "check_grads"), []).append(1e6 * entry["stats"]["median"])
    return found


def main() -> None:
    found = medians()
    print("| | 1 element | 4 elements | 16 elements |\n|---|---|---|---|")
    for name, row in found.items():
        print(f"| {name} | {' | '.join(f'{median:,.0f} µs' for median in row)} |")
    for other in (TORCH, FAST):
        ratios = (mine / theirs for mine, theirs in zip(found[CERTIFIED], found[other], strict=True))
        print(f"| certified check ÷ {other} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |")


if __name__ == "__main__":
    main()
