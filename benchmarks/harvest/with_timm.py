"""timm: activations with hand-written backward passes, to save memory."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from subjects import subject

from gradlaw import xp

# The package's own __init__ needs torchvision's compiled operators, which not every build of torch loads.
_found = importlib.util.find_spec("timm")
assert _found is not None
assert _found.origin is not None
_spec = importlib.util.spec_from_file_location("me", Path(_found.origin).parent / "layers" / "activations_me.py")
assert _spec is not None
assert _spec.loader is not None
me = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(me)


def hard_sigmoid(x: Any) -> Any:
    return xp.clip(x + 3, 0.0, 6.0) / 6


SUBJECTS = [
    subject("swish_me", lambda x: x * xp.sigmoid(x), me.swish_me),
    subject("mish_me", lambda x: x * xp.tanh(xp.softplus(x)), me.mish_me),
    subject("hard_sigmoid_me", hard_sigmoid, me.hard_sigmoid_me),
    subject("hard_swish_me", lambda x: x * hard_sigmoid(x), me.hard_swish_me),
    subject("hard_mish_me", lambda x: 0.5 * x * xp.clip(x + 2, 0.0, 2.0), me.hard_mish_me),
]
