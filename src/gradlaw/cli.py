"""The command line: ``gradlaw check``, ``sweep``, ``replay``, ``explain``, ``targets``, ``primitives``, ``laws``, …

Exit status: 0 no violation, 1 violations, 2 wrong usage, 3 the run did not finish. What a command needs is
imported where it runs, so that worker processes, which import this module, start quickly.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Final, ParamSpec, get_type_hints

import typer

from gradlaw.commands import UNFINISHED, WRONG_USAGE
from gradlaw.formats import formats
from gradlaw.streams import patient

if TYPE_CHECKING:
    from gradlaw.requests import Limits

EXAMPLES: Final = 50
QUICK_EXAMPLES: Final = 10
OWN_FAULT: Final = (
    "gradlaw: this is a fault of gradlaw, not of the engine: please report the lines above, "
    "with the command and the adapter"
)
MOST: Final = 1_000_000
"""The largest --timeout in seconds (twelve days) and --memory in GiB."""
MOST_JOBS: Final = 1024
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Parameters = ParamSpec("Parameters")

app = typer.Typer(
    help="Know whether a gradient is right: a spec of backpropagation, and a suite that tests engines against it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

TargetName = Annotated[str, typer.Argument(help="A name (gradlaw targets), package.module:attribute or file.py.")]
Addresses = Annotated[list[str] | None, typer.Argument(help="Such as tanh, '*/linearity', 'pow/gradient@float32'.")]
Level = Annotated[str | None, typer.Option(help="Only the primitives of this level.")]
DtypeName = Annotated[list[str] | None, typer.Option("--dtype", help="Only this dtype.")]
Examples = Annotated[int | None, typer.Option(min=1, help=f"Cases a primitive and dtype (default: {EXAMPLES}).")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed tries other cases.")]
Quick = Annotated[bool, typer.Option("--quick", help=f"Only {QUICK_EXAMPLES} examples.")]
Fuzz = Annotated[bool, typer.Option("--fuzz", help="Try cases that no seed decides.")]
Jobs = Annotated[int | None, typer.Option(min=0, help="Worker processes (default: cores; 0: none, unprotected).")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that one case may take under one law.")]
Memory = Annotated[float | None, typer.Option(min=0, help="GiB that a worker may take (default: 8; 0: no limit).")]
Strict = Annotated[bool, typer.Option("--strict", help="A SHOULD law fails the run too.")]
KnownFile = Annotated[Path | None, typer.Option(help="A list of known deviations, instead of the shipped one.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that was killed (with its --json FILE).")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Keep nothing of what an engine compiles for the next run.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the addresses and run nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def _told(command: Callable[Parameters, int]) -> Callable[Parameters, None]:
    """Return a command that ends with an exit status, and with one line where the user made a mistake."""

    @wraps(command)
    def run(*arguments: Parameters.args, **options: Parameters.kwargs) -> None:
        from gradlaw.messages import mistake_text
        from gradlaw.running.session import OwnFault, UsageError
        from gradlaw_spec import SpecError

        try:
            status = command(*arguments, **options)
        except (SpecError, UsageError) as error:
            print(mistake_text(str(error)), file=sys.stderr)
            status = WRONG_USAGE
        except KeyboardInterrupt:
            print("gradlaw: interrupted", file=sys.stderr)
            status = UNFINISHED
        except OwnFault as error:
            print(str(error).rstrip(), OWN_FAULT, sep="\n", file=sys.stderr)
            status = UNFINISHED
        except Exception:  # a fault of gradlaw, which must not look like a violation (1)
            traceback.print_exc()
            print(OWN_FAULT, file=sys.stderr)
            status = UNFINISHED
        raise typer.Exit(status)

    return run


def _words(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}."


def _with_files(what: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return a decorator: a command gets an option for each format of a report or matrix, its files as ``files``."""
    added = {
        name: Annotated[Path | None, typer.Option(f"--{name}", help=f"Write a {what}: {text}")]
        for name, text in formats(what).items()
    }

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def run(**options: Any) -> int:
            files = {name: options.pop(name) for name in added}
            return command(**options, files={name: file for name, file in files.items() if file is not None})

        hints = {name: hint for name, hint in get_type_hints(command, include_extras=True).items() if name != "files"}
        known = inspect.signature(command).parameters
        run.__annotations__ = {**hints, **added}
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=known[name].default if name in known else None,
                    annotation=run.__annotations__[name],
                )
                for name in (*known, *added)
                if name != "files"
            ]
        )
        return run

    return decorate


@app.command()
@_told
@_with_files("report")
def check(
    target: TargetName,
    address: Addresses = None,
    level: Level = None,
    dtype: DtypeName = None,
    examples: Examples = None,
    seed: Seed = 0,
    quick: Quick = False,
    fuzz: Fuzz = False,
    jobs: Jobs = None,
    timeout: Timeout = 60.0,
    memory: Memory = None,
    strict: Strict = False,
    known: KnownFile = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    no_cache: NoCache = False,
    *,
    files: Mapping[str, Path],
) -> int:
    """Check an engine's gradients against the law book."""
    from gradlaw.commands.check import check_target, list_addresses
    from gradlaw.requests import Request
    from gradlaw.running.caches import keep_compiled
    from gradlaw_properties import Settings

    only = _one_dtype(dtype)
    few = examples or (QUICK_EXAMPLES if quick else EXAMPLES)
    patterns = tuple(address or ())
    request = Request(
        target=target, addresses=patterns, level=level, dtype=only, known=known, strict=strict, resume=resume
    )
    limits = _limits(jobs, timeout, memory)
    if not no_cache:
        keep_compiled()
    if dry_run:
        return list_addresses(request, limits)
    return check_target(request, Settings(few, seed, fuzz), limits, files)


@app.command()
@_told
@_with_files("report")
def sweep(
    target: TargetName,
    primitive: Annotated[str, typer.Argument(help="An elementwise primitive of one operand, such as tanh.")],
    dtype: Annotated[str, typer.Option(help="float16 or bfloat16.")] = "bfloat16",
    timeout: Timeout = 60.0,
    memory: Memory = None,
    *,
    files: Mapping[str, Path],
) -> int:
    """Check a primitive's value and gradient at every number of a dtype (laws that are campaigns)."""
    from gradlaw.commands.sweep import sweep_target

    return sweep_target(target, primitive, dtype, _limits(1, timeout, memory), files)


@app.command()
@_told
@_with_files("matrix")
def compare(
    reports: Annotated[list[Path], typer.Argument(help="Reports that gradlaw check wrote with --json or --results.")],
    *,
    files: Mapping[str, Path],
) -> int:
    """Compare engines, side by side; or two reports of one engine: what got worse, better, is new, is gone."""
    from gradlaw.commands.compare import compare_reports

    return compare_reports(tuple(reports), files)


@app.command()
@_told
def replay(
    witness: Annotated[Path, typer.Argument(help="A case in JSON, such as a cell's witness in a report.")],
    target: Annotated[str | None, typer.Option(help="Another target than the witness names.")] = None,
    jobs: Jobs = 1,
    timeout: Timeout = 60.0,
    memory: Memory = None,
) -> int:
    """Run the one case of a witness again, under its law."""
    from gradlaw.commands.replay import replay_witness

    return replay_witness(witness, target, _limits(jobs, timeout, memory))


@app.command()
@_told
def check_function(
    place: Annotated[str, typer.Argument(help="A function that calls gradlaw.check: path.py:test.")],
    recorded: Annotated[Path | None, typer.Option(help="Judge the calls that gradlaw.record kept in a file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write what was found as a page.")] = None,
) -> int:
    """Run the checks of one function, and say what they could have found."""
    from gradlaw.own.command import check_function

    return check_function(place, recorded, html)


@app.command()
@_told
def targets(json: AsJson = False) -> int:
    """List the targets that a name finds."""
    from gradlaw.commands.lists import list_rows
    from gradlaw.reports.pages import target_rows

    return list_rows(target_rows(), as_json=json)


@app.command()
@_told
def primitives(json: AsJson = False) -> int:
    """List the primitives of the law book."""
    from gradlaw.commands.lists import list_rows
    from gradlaw.reports.pages import primitive_rows

    return list_rows(primitive_rows(), as_json=json)


@app.command()
@_told
def laws(json: AsJson = False) -> int:
    """List the laws of the law book."""
    from gradlaw.commands.lists import list_rows
    from gradlaw.reports.pages import law_rows

    return list_rows(law_rows(), as_json=json)


@app.command()
@_told
def spec(
    address: Annotated[str, typer.Argument(help="A primitive, law, chapter, clause or cell, such as tanh/gradient.")],
) -> int:
    """Print what the law book says of an address."""
    from gradlaw.commands.lists import print_spec

    return print_spec(address)


@app.command()
@_told
def explain(
    what: Annotated[str, typer.Argument(help="Such as 'f = (x + sigmoid(y)) * x', or a witness in JSON.")],
    more: Annotated[list[str] | None, typer.Argument(help="More values: x=1 y=2.")] = None,
    at: Annotated[list[str] | None, typer.Option(help="A value: x=3, 'x=[1, 2]', x=-2:2:9, 'W=randn(5, 10)'.")] = None,
    cotangent: Annotated[str | None, typer.Option(help="What flows in from behind (default: ones).")] = None,
    form: Annotated[str, typer.Option("--format", help=_words(formats("explanation")), metavar="FORMAT")] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    certified: Annotated[bool, typer.Option("--certified", help="With the sets of what may be returned.")] = False,
    dtype: Annotated[str | None, typer.Option(help="What this precision may return (default: float64).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other numbers for randn.")] = 0,
    target: Annotated[str | None, typer.Option(help="Another target than the witness names.")] = None,
    quiz: Annotated[bool, typer.Option("--quiz", help="Ask for the gradients (exercise:1 to exercise:60).")] = False,
    timeout: Timeout = 60.0,
    memory: Memory = None,
) -> int:
    """Show how gradients flow through a computation, or what an engine made of a witness."""
    from gradlaw.commands.explain import Asked, explain_asked

    asked = Asked(what, (*(at or ()), *(more or ())), cotangent, form, output, certified, dtype, seed, target, quiz)
    return explain_asked(asked, _limits(1, timeout, memory))


def _one_dtype(given: list[str] | None) -> str | None:
    from gradlaw_spec import SpecError

    if given and len(given) > 1:
        patterns = " ".join(f"'*@{name}'" for name in given)
        raise SpecError("check", f"--dtype {len(given)} times", "one dtype", f"Write addresses: {patterns}.")
    return given[0] if given else None


def _limits(jobs: int | None, timeout: float, memory: float | None) -> Limits:
    from gradlaw.requests import Limits, default_jobs, default_memory
    from gradlaw_spec import SpecError

    for key, number in (("timeout", timeout), ("memory", memory or 0.0)):
        if not 0 <= number <= MOST:
            raise SpecError("limits", f"--{key}={number}", f"a number up to {MOST}", "Leave it out, or write another.")
    if jobs is not None and jobs > MOST_JOBS:
        raise SpecError("limits", f"--jobs={jobs}", f"at most {MOST_JOBS} processes", "Leave it out: one a core.")
    size = default_memory() if memory is None else int(memory * 2**30)
    return Limits(jobs=default_jobs() if jobs is None else jobs, timeout=timeout, memory=size)


def main() -> None:
    """Run the command line."""
    # What runs in a script's background ignores interrupts, by convention; a kill ends any run as an interrupt does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup ignores it
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    sys.stdout, sys.stderr = patient(sys.stdout), patient(sys.stderr)
    for name in THREADS:  # each worker has one core; and the order of a sum must not depend on how many there are
        os.environ.setdefault(name, "1")
    with TemporaryDirectory(prefix="gradlaw-") as scratch:  # Hypothesis keeps a folder, which is not the user's
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", scratch)
        app(prog_name="gradlaw")
