"""The law ``modularity``: what it compares with is the program that the target runs."""

from __future__ import annotations

import numpy as np

from gradlaw_properties import reference_target
from gradlaw_properties.laws.modularity import written_out
from gradlaw_properties.trial import Trial
from gradlaw_spec import Case, Program, Step, load_primitives


def test_a_composition_is_written_out_down_to_primitives():
    """Else its admissible set knows nothing of what overflows on the way through ``count``, which targets compose."""
    step = Step(("y",), "mean", ("x",), {"axis": None, "keepdims": False})
    one, most = np.array(2.0), np.array(np.finfo(np.float64).max)
    program = Program(("x",), (step,), ("y",))
    case = Case(subject="mean", program=program, values={"x": most}, cotangents=(one,), dtype="float64")
    written = written_out(Trial(reference_target(), case))
    assert written.primitives <= load_primitives().keys()
    assert "mean" not in written.primitives
