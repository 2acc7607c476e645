"""``gradlaw.record``: a bounded sample of what a kernel is given where it is used, in a file that checks can judge."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Final

from gradlaw.own.given import owner_of
from gradlaw.own.kernels import library
from gradlaw.own.samples import Sample, short, written
from gradlaw_spec import SpecError

CALLS: Final = 16
"""So many calls are kept."""
MOST_BYTES: Final = 16_384
"""A call with more bytes is not kept: judging an element costs a fraction of a millisecond."""


@dataclass
class Recorder:
    """Keeps some of the calls of a kernel, each as likely as another, and writes them when one is new."""

    path: Path
    calls: int
    most_bytes: int
    samples: list[Sample] = field(default_factory=list)
    seen: int = 0
    too_large: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(0))

    def place(self, arguments: Any) -> int | None:
        """Return where the next call is to be kept; None where it is not."""
        size = sum(getattr(one, "nbytes", 0) for one in arguments)
        if size > self.most_bytes:
            self.too_large += 1
            return None
        self.seen += 1
        place = self.seen - 1 if self.seen <= self.calls else self.random.randrange(self.seen)
        return place if place < self.calls else None

    def keep(self, place: int, arguments: Any, options: Mapping[str, Any], cotangents: Any) -> None:
        """Keep a call, and write the file; what is given are numbers and NumPy arrays."""
        sample = Sample(tuple(map(short, arguments)), dict(options), tuple(map(short, cotangents)))
        if place < len(self.samples):
            self.samples[place] = sample
        else:
            self.samples.append(sample)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        beside.write_bytes(written(self.samples))
        beside.replace(self.path)


def record(kernel: Any, path: str | Path, *, calls: int = CALLS, most_bytes: int = MOST_BYTES) -> Any:
    """Return a kernel that does what ``kernel`` does, and keeps a sample of its inputs and cotangents in a file.

    ``kernel`` is a torch function, a jax function, or a pair ``(forward, backward)`` in NumPy. At most ``calls`` calls
    are kept, each as likely as another, none of more than ``most_bytes``; arrays are copied, float64 and float32
    rounded to 12 binary digits. ``gradlaw check-function FILE.py:TEST --recorded PATH`` judges them, as does
    ``gradlaw.check(…, recorded=PATH)``. A call counts once its gradient is computed. Raises SpecError for no kernel.
    """
    recorder = Recorder(Path(path), calls, most_bytes)
    if isinstance(kernel, tuple):
        return library("numpy").recorded(kernel, recorder)
    if not callable(kernel):
        expected = "a torch function, a jax function, or a pair (forward, backward)"
        raise SpecError("record", f"a kernel of type {type(kernel).__name__}", expected, "Give the kernel.")
    made: dict[str, Callable[..., Any]] = {}

    def recording(*arguments: Any, **options: Any) -> Any:
        names = [owner_of(one) for one in arguments if hasattr(one, "dtype")]
        name = next((one for one in names if one != "numpy"), "numpy")
        if name == "numpy":  # nothing that is differentiated
            return kernel(*arguments, **options)
        if name not in made:
            made[name] = library(name).recorded(kernel, recorder)
        return made[name](*arguments, **options)

    return wraps(kernel)(recording) if hasattr(kernel, "__name__") else recording
