"""Calls of a kernel that were recorded, and the file that they are kept in."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from gradlaw_spec import DTYPES, Array, SpecError
from gradlaw_spec.files import read_plain_file

DIGITS: Final = 12
"""So many binary digits of a float64 or float32 are kept, so that a failure is read in short decimals."""


class Written(msgspec.Struct):
    """A call in the file: what stands for each argument and cotangent, and the options."""

    arguments: list[str | float | bool | None]
    """The dtype of an array, or a number."""
    cotangents: list[str]
    options: dict[str, Any] = {}


@dataclass(frozen=True)
class Sample:
    """What a kernel was given in a call: arguments in order, options by name, and a cotangent for each output."""

    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    cotangents: tuple[Array, ...]


def short(value: Any) -> Any:
    """Return a number as it is, and an array as a copy with few digits."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.kind in "iu":
        return value.astype(np.int64)
    if value.dtype not in (np.float64, np.float32):
        return np.array(value)
    mantissa, exponent = np.frexp(value)
    return np.asarray(np.ldexp(np.round(mantissa * 2**DIGITS) / 2**DIGITS, exponent), dtype=value.dtype)


def written(samples: list[Sample]) -> bytes:
    """Return samples as a file: arrays of NumPy's format, and what they are as JSON."""
    arrays: dict[str, Array] = {}
    plain = []
    for number, sample in enumerate(samples):
        for kind, values in (("argument", sample.arguments), ("cotangent", sample.cotangents)):
            for place, value in enumerate(values):
                if isinstance(value, np.ndarray):  # NumPy's format has no bfloat16
                    plainly = value.view(np.uint16) if value.dtype.name == "bfloat16" else value
                    arrays[f"{number}.{kind}.{place}"] = plainly
        names = [one.dtype.name if isinstance(one, np.ndarray) else one for one in sample.arguments]
        plain.append(Written(names, [one.dtype.name for one in sample.cotangents], dict(sample.options)))
    arrays["calls"] = np.frombuffer(msgspec.json.encode(plain), dtype=np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def read_samples(path: str | Path) -> tuple[Sample, ...]:
    """Read what `record` wrote; raise SpecError for anything else."""
    content = read_plain_file(Path(path), "a file that gradlaw.record wrote")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            plain = msgspec.json.decode(arrays["calls"].tobytes(), type=list[Written])
            return tuple(_sample(number, one, arrays) for number, one in enumerate(plain))
    except (ValueError, KeyError, OSError, EOFError, msgspec.MsgspecError) as error:
        cure = "Record it again."
        raise SpecError("recorded", f"{str(path)!r}: {error}", "a file that gradlaw.record wrote", cure) from None


def _sample(number: int, plain: Written, arrays: Any) -> Sample:
    def array(kind: str, place: int, name: str) -> Array:
        found = arrays[f"{number}.{kind}.{place}"]
        return found.view(DTYPES[name].numpy) if name == "bfloat16" else np.asarray(found)

    return Sample(
        tuple(
            array("argument", place, one) if isinstance(one, str) else one for place, one in enumerate(plain.arguments)
        ),
        plain.options,
        tuple(array("cotangent", place, name) for place, name in enumerate(plain.cotangents)),
    )
