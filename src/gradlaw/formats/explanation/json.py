"""An explanation as JSON, both ways: the program, every number on its wires, and what an engine made of it."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
import numpy as np

from gradlaw.circuits.explanation import Explanation
from gradlaw_spec import SpecError

FORMAT: Final = "JSON, every number on the wires; infinities and nan are strings."


def render(explanation: Explanation) -> bytes:
    """Return an explanation as indented JSON; an array is its shape, dtype and elements."""
    return msgspec.json.format(msgspec.json.encode(explanation, enc_hook=_written), indent=1) + b"\n"


def read_explanation(content: bytes) -> Explanation:
    """Return the explanation that `render` wrote; raise SpecError for anything else."""
    try:
        return msgspec.json.decode(content, type=Explanation, dec_hook=_read)
    except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
        cure = "Write it again with --format=json."
        raise SpecError("explanation", str(error), "an explanation in JSON", cure) from None


def _written(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(type(value).__name__)
    elements = [_number(element) for element in value.ravel().tolist()]
    return {"shape": list(value.shape), "dtype": value.dtype.name, "elements": elements}


def _number(element: Any) -> Any:
    return str(element) if isinstance(element, float) and not math.isfinite(element) else element


def _read(kind: Any, written: Any) -> Any:
    return np.array(written["elements"], written["dtype"]).reshape(written["shape"])
