"""Scripts: at most 20 lines of Python that show a violation.

For a built-in engine they are in its own code, without gradlaw; for any other they go through its adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from gradlaw.messages import first_line
from gradlaw.reports.code import array_text
from gradlaw.reports.dialects import AUTOGRAD, JAX, MICROGRAD, TORCH, Dialect
from gradlaw_properties import replay
from gradlaw_properties.compose import expand
from gradlaw_reference import FLOAT64, evaluate, using
from gradlaw_spec import Array, Case, Cell, Program, Pull, Target, Witness
from gradlaw_spec.target import Arrays, Gradients, Values

MOST_LINES: Final = 20
SHOW: Final = 'print("gradient of", name, d if d is None else (d.dtype, d.tolist()))'


@dataclass(frozen=True, slots=True)
class Run:
    """A program that was run on a target: at which values, and from which cotangents it was pulled back."""

    program: Program
    values: Mapping[str, Array]
    cotangents: tuple[Arrays, ...]

    def same_program(self, other: Run) -> bool:
        """Whether another run has the same program at the same values, bit for bit."""
        if self.program != other.program or self.values.keys() != other.values.keys():
            return False
        return all(_same(self.values[name], other.values[name]) for name in self.values)


def _same(first: Array, second: Array) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


def run_of(case: Case) -> Run:
    """Return a case's own run."""
    return Run(case.program, case.values, (case.cotangents,))


def runs_of(witness: Witness, target: Target) -> tuple[Run, ...]:
    """Replay a witness and return the runs that its law made, equal programs at equal values together.

    A law derives more from a case than its own run: a second cotangent, a cut, a rewired step.
    """
    found: list[Run] = []

    def pullback(program: Program, values: Values, keep: list[Any] | None = None) -> tuple[Arrays, Pull]:
        copies = {name: values[name].copy() for name in (*program.inputs, *program.data)}
        outputs, pull = target.pullback(program, values, keep)

        def recorded(cotangents: Arrays) -> Gradients:
            found.append(Run(program, copies, (tuple(map(np.copy, cotangents)),)))
            return pull(cotangents)

        return outputs, recorded

    replay(witness, replace(target, pullback=pullback))
    merged: list[Run] = []
    for run in found:
        for position, earlier in enumerate(merged):
            if earlier.same_program(run):
                known = earlier.cotangents
                new = tuple(g for g in run.cotangents if not any(all(map(_same, g, h)) for h in known))
                merged[position] = replace(earlier, cotangents=(*known, *new))
                break
        else:
            merged.append(run)
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Block:
    """The code of one run: lines before its steps, its steps, lines after; steps may share lines."""

    before: tuple[str, ...]
    steps: tuple[str, ...]
    after: tuple[str, ...]
    indent: str = ""

    def lines(self, most: int) -> tuple[str, ...]:
        """Return the code; where it would have more lines than ``most``, the steps share lines."""
        room = max(1, most - len(self.before) - len(self.after))
        each = max(1, -(-len(self.steps) // room))
        chunks = [self.steps[start : start + each] for start in range(0, len(self.steps), each)]
        return (*self.before, *(self.indent + "; ".join(chunk) for chunk in chunks), *self.after)


def script_of(cell: Cell, witness: Witness, target: Target, text: str) -> str:
    """Return a script that runs what a cell's law ran on its witness.

    ``text`` is the name or place that the target was loaded by.
    """
    header = (f"# {cell.address} with {target.name} {target.version}", f"# {first_line(cell.message)}")
    own = run_of(witness.case)
    program = expand(own.program, target.primitives)
    plain = own if program is None else replace(own, program=program)
    ordered = sorted(runs_of(witness, target) or (own,), key=lambda run: not run.same_program(plain))
    return write_script(header, ordered, text, target.primitives)


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
    dialects: dict[str, tuple[Dialect, Callable[[Dialect, Run], Block]]] = {
        "torch": (TORCH, _torch),
        "jax": (JAX, _functional),
        "autograd": (AUTOGRAD, _functional),
        "micrograd": (MICROGRAD, _micrograd),
    }
    if text in dialects and used <= dialects[text][0].primitives.keys():
        dialect, write = dialects[text]
        return dialect.imports, dialect.extras, lambda run: write(dialect, run)
    imports = ("import numpy as np", "from gradlaw import load_target", "from gradlaw_spec import Program, Step")
    return imports, {"Slice(": "from gradlaw_spec import Slice"}, lambda run: _adapter(text, run)


def _calls(dialect: Dialect, run: Run) -> tuple[str, ...]:
    """Return each step as an assignment in the engine's code."""
    with using(FLOAT64), np.errstate(all="ignore"):
        known = evaluate(run.program, run.values)
    dtype = next((run.values[name].dtype.name for name in run.program.inputs), "float64")
    lines = []
    for step in run.program.steps:
        first = step.operands[0]
        ndim = known[first].ndim if isinstance(first, str) else 0
        lines.append(f"{step.name} = {dialect.call(step, dtype, ndim)}")
    return tuple(lines)


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _cotangents(literal: Callable[[Array], str], run: Run) -> str:
    return f"[{', '.join(_tuple([literal(one) for one in given]) for given in run.cotangents)}]"


def _names(run: Run) -> str:
    return f'"{" ".join(run.program.inputs)}".split()'


def _torch(dialect: Dialect, run: Run) -> Block:
    program = run.program
    before = [f"{name} = {dialect.literal(run.values[name])}.requires_grad_()" for name in program.inputs]
    before += [f"{name} = {dialect.literal(run.values[name])}" for name in program.data]
    after = [f'print("value", {name}.dtype, {name}.tolist())' for name in program.outputs]
    outputs, inputs = _tuple(program.outputs), _tuple(program.inputs)
    after += [
        f"for g in {_cotangents(dialect.literal, run)}:",
        f"    gradients = torch.autograd.grad({outputs}, {inputs}, g, retain_graph=True, allow_unused=True)",
        f"    for name, d in zip({_names(run)}, gradients):",
        f"        {SHOW}",
    ]
    return Block(tuple(before), _calls(dialect, run), tuple(after))


def _functional(dialect: Dialect, run: Run) -> Block:
    """Write a run of JAX or autograd; a function with several outputs returns a tuple."""
    program = run.program
    single = len(program.outputs) == 1
    result = program.outputs[0] if single else _tuple(program.outputs)
    primals = _tuple([dialect.literal(run.values[name]) for name in program.inputs])
    given = "g[0]" if single else "g"
    if dialect is AUTOGRAD:
        result = result if single else f"builtins.tuple({result})"
        positions = repr(tuple(range(len(program.inputs))))
        pull = f"pullback, value = make_vjp(f, argnum={positions})(*{primals})"
    else:
        pull = f"value, pullback = jax.vjp(f, *{primals})"
    before = [f"{name} = {dialect.literal(run.values[name])}" for name in program.data]
    before.append(f"def f({', '.join(program.inputs)}):")
    values = "(value,)" if single else "value"
    after = (
        f"    return {result}",
        pull,
        f'print("value", *((v.dtype, v.tolist()) for v in {values}))',
        f"for g in {_cotangents(dialect.literal, run)}:",
        f"    for name, d in zip({_names(run)}, pullback({given})):",
        f"        {SHOW}",
    )
    return Block(tuple(before), _calls(dialect, run), after, "    ")


def _micrograd(dialect: Dialect, run: Run) -> Block:
    program = run.program
    before = [f"for g in {_cotangents(array_text, run)}:"]
    before += [f"    {name} = {dialect.literal(run.values[name])}" for name in program.inputs]
    before += [f"    {name} = {array_text(run.values[name])}" for name in program.data]
    total = " + ".join(f"{name} * g[{position}]" for position, name in enumerate(program.outputs))
    values = ", ".join(f"{name}.data" for name in program.outputs)
    gradients = ", ".join(f'"gradient of {name}", {name}.grad' for name in program.inputs)
    after = (f"    ({total}).backward()", f'    print("value", {values}, {gradients})')
    return Block(tuple(before), _calls(dialect, run), after, "    ")


def _numpy(array: Array) -> str:
    if array.size == 0:
        return f'np.zeros({array.shape}, dtype="{array.dtype.name}")'
    return f'np.array({array_text(array)}, dtype="{array.dtype.name}")'


def _adapter(text: str, run: Run) -> Block:
    """Write a run through the target's adapter: the program as data, each step under its own name."""
    program = run.program
    before = [f"{name} = {_numpy(run.values[name])}" for name in (*program.inputs, *program.data)]
    steps = tuple(
        f"{step.results[0]} = Step({step.results!r}, {step.primitive!r}, {step.operands!r}, {dict(step.attributes)!r})"
        for step in program.steps
    )
    names = _tuple([step.results[0] for step in program.steps])
    values = ", ".join(f"{name}={name}" for name in (*program.inputs, *program.data))
    after = (
        f"program = Program({program.inputs!r}, {names}, {program.outputs!r}, {program.data!r})",
        f"values, pull = load_target({text!r}).pullback(program, dict({values}))",
        'print("value", *((v.dtype, v.tolist()) for v in values))',
        f"for g in {_cotangents(_numpy, run)}:",
        f"    for name, d in zip({_names(run)}, pull(g)):",
        f"        {SHOW}",
    )
    return Block(tuple(before), steps, after)
