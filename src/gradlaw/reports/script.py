"""Scripts: at most 20 lines of Python that show a violation.

For a built-in engine they are in its own code, without gradlaw; for any other they go through its adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

import numpy as np

from gradlaw.engines.spelling import (
    SHOW,
    SHOW_TANGENT,
    Block,
    Run,
    Spelling,
    Way,
    cotangents_text,
    names_text,
    outputs_text,
    same_array,
    starts_text,
    tangents_text,
    tuple_text,
)
from gradlaw.messages import first_line
from gradlaw.reports.code import array_text, number_text
from gradlaw.targets.loading import BUILT_IN
from gradlaw_properties import replay
from gradlaw_properties.compose import expand
from gradlaw_spec import PROGRAM, Array, Case, Cell, Program, Pull, Step, Target, Verdict, Witness
from gradlaw_spec.target import Arrays, Gradients, Pullback, Start, Values, Walked

MOST_LINES: Final = 20


def run_of(case: Case) -> Run:
    """Return a case's own run."""
    return Run(case.program, case.values, (case.cotangents,))


def runs_of(witness: Witness, target: Target) -> tuple[Run, ...]:
    """Replay a witness and return the runs that its law made, equal programs at equal values together.

    A law derives more from a case than its own run: a second cotangent, a cut, a rewired step.
    """
    found: list[Run] = []

    def noted(pullback: Pullback, way: Way) -> Pullback:
        def run(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
            copies = _copied(program, values)
            outputs, pull = pullback(program, values, keep)

            def recorded(cotangents: Arrays) -> Gradients:
                found.append(Run(program, copies, (tuple(map(np.copy, cotangents)),), way=way))
                return pull(cotangents)

            return outputs, recorded

        return run

    def walks(program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        assert target.walks is not None
        if not anew:
            copies = _copied(program, values)
            found.append(Run(program, copies, tuple(start or () for start in starts), one_record=True))
        return target.walks(program, values, starts, anew=anew)

    def second_order(program: Program, values: Values, cotangents: Arrays, directions: Arrays) -> Gradients:
        assert target.second_order is not None
        copies = _copied(program, values)
        given, along = tuple(map(np.copy, cotangents)), tuple(map(np.copy, directions))
        found.append(Run(program, copies, (given,), directions=(along,)))
        return target.second_order(program, values, cotangents, directions)

    def jvp(program: Program, values: Values, tangents: Arrays) -> Gradients:
        assert target.jvp is not None
        copies = _copied(program, values)
        found.append(Run(program, copies, (), tangents=(tuple(map(np.copy, tangents)),)))
        return target.jvp(program, values, tangents)

    def batched(program: Program, values: Values, cotangents: Arrays) -> Gradients:
        assert target.batched is not None
        copies = _copied(program, values)
        found.append(Run(program, copies, (tuple(map(np.copy, cotangents)),), way="batched"))
        return target.batched(program, values, cotangents)

    watched = replace(
        target,
        compiled=None if target.compiled is None else noted(target.compiled, "compiled"),
        batched=None if target.batched is None else batched,
        jvp=None if target.jvp is None else jvp,
        pullback=noted(target.pullback, "plain"),
        walks=None if target.walks is None else walks,
        second_order=None if target.second_order is None else second_order,
    )
    replay(witness, watched)
    if repeated := tuple(run for run in found if run.one_record):
        return repeated[:1]
    merged: list[Run] = []
    for run in found:
        for position, earlier in enumerate(merged):
            if earlier.same_program(run):
                if run.beyond_pullback:
                    merged[position] = _with_start(earlier, run)
                    break
                known = earlier.cotangents
                new = tuple(g for g in run.cotangents if not any(all(map(_same_start, g, h)) for h in known))
                merged[position] = replace(earlier, cotangents=(*known, *new))
                break
        else:
            merged.append(run)
    return tuple(merged)


def _copied(program: Program, values: Values) -> Values:
    """Return copies of what a program is run on: an engine may write into it."""
    return {name: values[name].copy() for name in (*program.inputs, *program.data)}


def _with_start(earlier: Run, later: Run) -> Run:
    """Return a run of a pullback that is differentiated from what a later run starts from too."""
    return replace(
        earlier,
        cotangents=(*earlier.cotangents, *later.cotangents),
        directions=(*earlier.directions, *later.directions),
        tangents=(*earlier.tangents, *later.tangents),
    )


def script_of(cell: Cell, witness: Witness, target: Target, text: str) -> str:
    """Return a script that runs what a cell's law ran on its witness.

    ``text`` is the name or place that the target was loaded by.
    """
    header = (f"# {cell.address} with {target.name} {target.version}", f"# {first_line(cell.message)}")
    own = run_of(witness.case)
    program = expand(own.program, target.primitives)
    plain = own if program is None else replace(own, program=program)
    runs = runs_of(witness, target) or (own,)
    if any(run.beyond_pullback or run.same_program(plain) for run in runs):
        ordered = sorted(runs, key=lambda run: not (run.beyond_pullback or run.same_program(plain)))
    else:  # the law ran parts of the case, and there may be room for one: that which is wrong
        ordered = sorted(runs, key=lambda run: not _is_wrong(run, witness, target))
    return write_script(header, ordered, text, target.primitives)


def _is_wrong(run: Run, witness: Witness, target: Target) -> bool:
    """Whether a gradient of a run is outside of its admissible set."""
    parts = (
        replace(witness.case, subject=PROGRAM, program=run.program, values=run.values, cotangents=_whole(cotangents))
        for cotangents in run.cotangents
        if not run.one_record
    )
    found = (replay(replace(witness, case=part, law="gradient"), target) for part in parts)
    return any(cell.verdict is Verdict.VIOLATION for cell in found)


def _same_start(first: Array | None, second: Array | None) -> bool:
    return first is second or (first is not None and second is not None and same_array(first, second))


def _whole(cotangents: tuple[Array | None, ...]) -> Arrays:
    return tuple(one for one in cotangents if one is not None)


def plain_script(cell: Cell, case: Case, text: str, primitives: frozenset[str]) -> str:
    """Return the script of a case's own run, for a cell whose target cannot be asked (it crashed)."""
    header = (f"# {cell.address} with {text}", f"# {first_line(cell.message)}")
    return write_script(header, [run_of(case)], text, primitives)


def write_script(header: Sequence[str], runs: Sequence[Run], text: str, primitives: frozenset[str]) -> str:
    """Write as many runs as fit, with the primitives that the target has; the first one is always there."""
    runnable = [replace(run, program=expand(run.program, primitives) or run.program) for run in runs]
    names: frozenset[str] = frozenset().union(*(run.program.primitives for run in runnable))
    imports, extras, write = _writer(text, names)
    lines: list[str] = []
    most = MOST_LINES - len(header) - len(imports) - len(extras)
    for position, run in enumerate(runnable):
        block = write(run)
        room = most - len(lines)
        if position and len(block.before) + len(block.after) + min(len(block.steps), 1) > room:
            break
        lines += block.lines(room)
    code = "\n".join(lines)
    used = [line for name, line in extras.items() if name in code]
    return "\n".join((*header, *imports, *used, code)) + "\n"


def _writer(text: str, used: frozenset[str]) -> tuple[tuple[str, ...], Mapping[str, str], Callable[[Run], Block]]:
    """Return the import lines and the writer of a run, by the name or place that the target was loaded by.

    A script is in the engine's own code where all of its primitives are known in it, else it goes through the adapter.
    """
    spelling = _spelling(text)
    if spelling is not None and all(spelling.template(primitive) is not None for primitive in used):
        return spelling.imports, spelling.extras, lambda run: spelling.block(spelling, run)
    imports = ("import numpy as np", "from gradlaw import load_target", "from gradlaw_spec import Program, Step")
    return imports, {"Slice(": "from gradlaw_spec import Slice"}, lambda run: _adapter(text, run)


def _spelling(text: str) -> Spelling | None:
    """Return how a built-in engine is written, if it is one that says so and can be imported."""
    if text not in BUILT_IN:
        return None
    try:
        module = import_module(f"gradlaw.engines.{text}")
    except Exception:  # the engine's, whatever it is: the script does without
        return None
    return getattr(module, "SPELLING", None)


def _numpy(array: Array) -> str:
    if array.size == 0:
        return f'np.zeros({array.shape}, dtype="{array.dtype.name}")'
    return f'np.array({array_text(array)}, dtype="{array.dtype.name}")'


def _attributes(step: Step) -> str:
    """Write the attributes of a step as data; an infinite one has no name in Python."""
    pairs = step.attributes.items()
    written = (f"{name!r}: {number_text(x, 'float64') if isinstance(x, float) else repr(x)}" for name, x in pairs)
    return f"{{{', '.join(written)}}}"


def _adapter(text: str, run: Run) -> Block:
    """Write a run through the target's adapter: the program as data, each step under its own name."""
    program = run.program
    before = [f"{name} = {_numpy(run.values[name])}" for name in (*program.inputs, *program.data)]
    run_by = f"load_target({text!r})"
    steps = tuple(
        f"{step.results[0]} = Step({step.results!r}, {step.primitive!r}, {step.operands!r}, {_attributes(step)})"
        for step in program.steps
    )
    names = tuple_text([step.results[0] for step in program.steps])
    values = ", ".join(f"{name}={name}" for name in (*program.inputs, *program.data))
    made = f"program = Program({program.inputs!r}, {names}, {program.outputs!r}, {program.data!r})"
    if run.one_record:
        walks = (
            f"walked = {run_by}.walks(program, dict({values}), {cotangents_text(_numpy, run)})",
            "for gradients in walked.gradients:",
            f"    for name, d in zip({names_text(run)}, gradients):",
            f"        {SHOW}",
            "print(walked.refusal)",
        )
        return Block(tuple(before), steps, (made, *walks))
    if run.tangents:
        pushed = (
            f"for t in {tangents_text(_numpy, run)}:",
            f"    pushed = {run_by}.jvp(program, dict({values}), t)",
            f"    for name, d in zip({outputs_text(run)}, pushed):",
            f"        {SHOW_TANGENT}",
        )
        return Block(tuple(before), steps, (made, *pushed))
    if run.directions:
        second = (
            f"for g, u in {starts_text(_numpy, run)}:",
            f"    second = {run_by}.second_order(program, dict({values}), g, u)",
            f"    for name, d in zip({names_text(run)}, second):",
            f"        {SHOW}",
        )
        return Block(tuple(before), steps, (made, *second))
    if run.way == "batched":
        batch = (
            f"for g in {cotangents_text(_numpy, run)}:",
            f"    for name, d in zip({names_text(run)}, {run_by}.batched(program, dict({values}), g)):",
            f"        {SHOW}",
        )
        return Block(tuple(before), steps, (made, *batch))
    pullback = "compiled" if run.way == "compiled" else "pullback"
    after = (
        made,
        f"values, pull = {run_by}.{pullback}(program, dict({values}))",
        'print("value", *((v.dtype, v.tolist()) for v in values))',
        f"for g in {cotangents_text(_numpy, run)}:",
        f"    for name, d in zip({names_text(run)}, pull(g)):",
        f"        {SHOW}",
    )
    return Block(tuple(before), steps, after)
