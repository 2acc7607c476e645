"""Judge functions of packages: a line each, and the texts of alarms in a folder.

Run: ``python benchmarks/harvest/run.py with_mygrad [function] [--texts FOLDER]``.

Each package is a module beside this one, with SUBJECTS. The packages are installed by hand, on a CPU.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("TRITON_INTERPRET", "1")

import gradlaw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("only", nargs="?", default="")
    parser.add_argument("--texts", type=Path, help="a folder for the text of each alarm")
    parser.add_argument("--dtype", default="float32")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    elements = 0
    for one in import_module(asked.package).SUBJECTS:
        if asked.only and one.name != asked.only:
            continue
        begin = time.perf_counter()
        declared = {"dtype": asked.dtype, "examples": 30, **one.declared}
        try:
            result = gradlaw.check(one.definition, one.kernel, one.signature, **declared)
            elements += result.points
            said = f"clean, {result.points} elements, {100 * result.undecided / max(result.points, 1):.2g} % undecided"
        except gradlaw.Violation as violation:
            text = str(violation)
            lines = [line.strip() for line in text.splitlines()]
            finding = next((line for line in lines[2:] if "got " in line or "found" in line), lines[0])
            severity = violation.cell.severity.value if violation.cell is not None and violation.cell.severity else ""
            law = lines[0].rpartition("/")[2]
            said = f"ALARM {law} {severity}: {finding[:150]}"
            if asked.texts:
                asked.texts.mkdir(parents=True, exist_ok=True)
                (asked.texts / f"{asked.package}.{one.name.replace(' ', '_')}.txt").write_text(text, encoding="utf-8")
        except Exception as error:
            said = f"ERROR {type(error).__name__}: {str(error)[:300]}"
        print(f"{asked.package}.{one.name}: {said} ({time.perf_counter() - begin:.1f} s)", flush=True)
    print(f"{asked.package}: {elements} elements of clean functions", flush=True)


if __name__ == "__main__":
    main()
