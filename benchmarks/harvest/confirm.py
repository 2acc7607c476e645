"""Run the script of each defect in ``known/packages``, where its package is installed.

Run: ``python benchmarks/harvest/confirm.py [package]``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEND = "import sys; sys.path.insert(0, {folder!r}); import with_liger\n"
"""Liger's kernels run on a CPU where Triton's interpreter is mended first."""


def main() -> None:
    for path in sorted((ROOT / "known" / "packages").glob("*.toml")):
        if len(sys.argv) > 1 and path.stem != sys.argv[1]:
            continue
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["deviation"]:
            start = MEND.format(folder=str(Path(__file__).parent)) if path.stem == "liger_kernel" else ""
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", start + entry["script"]],
                env={**os.environ, "TRITON_INTERPRET": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            said = done.stdout.strip() or done.stderr.strip().splitlines()[-1]
            print(f"{path.stem}: {entry['id']}\n  " + said.replace("\n", "\n  "), flush=True)


if __name__ == "__main__":
    main()
