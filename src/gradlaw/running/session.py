"""A session: a target's units on slots, around what takes processes down and around what is known.

A case that takes the process down is a crash (or timeout) of the law that ran it; the unit is then run again
around it. A violation that a known deviation explains is looked for once more
outside of it. So neither a bad case nor a known one hides what other cases show.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, TracebackType
from typing import Final, Self, TypeVar

from gradlaw.known import KnownDeviation, after_replay, as_known, explains, stale_cells
from gradlaw.reports.script import plain_script
from gradlaw.requests import Limits, Request
from gradlaw.running import worker
from gradlaw.running.heartbeat import case_key
from gradlaw.running.slots import InProcess, Lost, Slot, WorkerProcess, nobody
from gradlaw.running.worker import Fault, Plan, Pulled
from gradlaw_properties import Settings, Unit
from gradlaw_spec import PROGRAM, Address, Case, Cell, SpecError, Verdict, Witness, load_laws

Item = TypeVar("Item")
Result = TypeVar("Result")
BARE: Final = ("gradient", "value", "shape", "dtype", "determinism")
"""Laws that run a case as it is, before others make more of it."""
FEW_LOSSES: Final = 3
"""After so many lost processes in one unit its other laws are given up, if no case of it got through."""
MOST_CRASHES: Final = 20
"""After so many crashes in one unit its other laws are given up."""
MOST_TIMEOUTS: Final = 3
"""After so many timeouts in one unit its other laws are given up."""


class UsageError(Exception):
    """A user's mistake that a worker told of, in one line."""


class OwnFault(Exception):
    """A fault of gradlaw in a worker; the message is its traceback."""


class Session:
    """A run on one target, by the name or place that it is loaded by; a context that owns its processes."""

    def __init__(self, target: str, settings: Settings, limits: Limits, known: tuple[KnownDeviation, ...] = ()) -> None:
        if target != target.encode(errors="replace").decode():
            raise SpecError("target", f"target={target!r}", "a name in UTF-8", "Rename the file.")
        self.target, self.settings, self.limits, self.known = target, settings, limits, known
        self.stop = threading.Event()
        self.primitives: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        self.folder = TemporaryDirectory(prefix="gradlaw-")
        folder = Path(self.folder.name)
        numbers = range(self.limits.jobs)
        self.slots: list[Slot] = [WorkerProcess(folder, n, self.limits, self.stop) for n in numbers] or [InProcess()]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop.set()
        for slot in self.slots:
            slot.close()
        self.folder.cleanup()

    def plan(self, request: Request | None = None) -> Plan:
        """Load the target and plan the cells of a request (none: every cell).

        Raises SpecError or UsageError where the target cannot be loaded.
        """
        asked = Request(target=self.target) if request is None else replace(request, known=None)
        found = self.slots[0].run(worker.plan_target, asked)
        if isinstance(found, Lost):
            cure = "Import it by hand to see why."
            raise SpecError("target", f"target={self.target!r}: {found.message}", "a target that loads", cure)
        if isinstance(found, Fault):
            raise _raised(found)
        self.primitives = found.primitives
        return found

    def replay(self, witness: Witness) -> Cell:
        """Replay one witness; raise UsageError where it is none."""
        return self._replay(self.slots[0], witness)

    def pull(self, case: Case) -> Pulled:
        """Return what the target makes of a case; raise UsageError where it is none, or the target cannot be loaded."""
        found = self.slots[0].run(worker.pull_case, self.target, case)
        if isinstance(found, Pulled):
            return found
        if isinstance(found, Fault) and found.kind != "left":
            raise _raised(found)
        return Pulled(self.target, "", problem=found.message)

    def check(
        self, plan: Plan, on_cell: Callable[[Cell], None] = nobody, finished: Mapping[str, Cell] = MappingProxyType({})
    ) -> tuple[Cell, ...]:
        """Examine every unit of a plan; return its cells in the plan's order, then those of stale entries.

        ``on_cell`` is called with each cell as it is finished, from several threads, and again in the rare case that
        it changes after all; those in ``finished``, by address, are not examined again.
        """
        selected = {address for unit in plan.units for address in unit.addresses}
        entries = [(entry, entry.witness) for entry in self.known if entry.witness is not None]
        chosen = [(entry, witness) for entry, witness in entries if str(witness.address) in selected]
        replayed = self._each([witness for _, witness in chosen], self._replay)

        def examine(slot: Slot, unit: Unit) -> tuple[Cell, ...]:
            kept = {address: finished[address] for address in unit.addresses if address in finished}
            pairs = zip(unit.laws, unit.addresses, strict=True)
            rest = replace(unit, laws=tuple(law for law, address in pairs if address not in kept))
            kept |= {cell.address: cell for cell in self._unit(slot, rest, on_cell)} if rest.laws else {}
            return tuple(kept[address] for address in unit.addresses)

        # Programs take longest, so they begin first.
        ordered = sorted(plan.units, key=lambda unit: unit.subject != PROGRAM)
        found = dict(zip(ordered, self._each(ordered, examine, kind=lambda unit: unit.dtype), strict=True))
        cells = {cell.address: cell for unit in plan.units for cell in found[unit]}
        for (entry, witness), outcome in zip(chosen, replayed, strict=True):
            address = str(witness.address)
            cells[address] = after_replay(cells[address], entry, outcome)
        return (*cells.values(), *stale_cells(self.known, plan.everything))

    def _each(
        self, items: Iterable[Item], work: Callable[[Slot, Item], Result], kind: Callable[[Item], str] = lambda item: ""
    ) -> list[Result]:
        """Work on each item, on all slots at once; results are in the items' order.

        A slot goes on with an item of the kind that it had before, if there is one: an engine that compiles for each
        dtype has then compiled for it already.
        """
        waiting = list(enumerate(items))
        results: dict[int, Result] = {}
        lock = threading.Lock()

        def take(last: str) -> tuple[int, Item] | None:
            with lock:
                place = next((i for i, (_, item) in enumerate(waiting) if kind(item) == last), 0)
                return waiting.pop(place) if waiting else None

        def drain(slot: Slot) -> None:
            last = ""
            while (taken := take(last)) is not None:
                number, item = taken
                last = kind(item)
                results[number] = work(slot, item)

        if self.limits.jobs == 0:
            drain(self.slots[0])
        else:
            self._on_threads(drain)
        return [results[number] for number in sorted(results)]

    def _on_threads(self, drain: Callable[[Slot], None]) -> None:
        """Let every slot drain at once; where one fails, stop all."""
        with ThreadPoolExecutor(len(self.slots)) as threads:
            try:
                for future in as_completed([threads.submit(drain, slot) for slot in self.slots]):
                    future.result()
            except BaseException:
                self.stop.set()
                raise

    def _unit(self, slot: Slot, unit: Unit, on_cell: Callable[[Cell], None]) -> tuple[Cell, ...]:
        told: dict[str, Cell] = {}

        def tell(cell: Cell) -> None:
            # What a known deviation explains is looked for again, so it is not finished yet.
            if cell.address in unit.addresses and not (cell.verdict.is_bad and explains(self.known, cell)):
                told[cell.address] = cell
                on_cell(cell)

        found = []
        for cell in self._around_losses(slot, unit, (), tell):
            found.append(self._explained(slot, unit, cell))
            if told.get(cell.address) != found[-1]:
                on_cell(found[-1])
        return tuple(found)

    def _explained(self, slot: Slot, unit: Unit, cell: Cell) -> Cell:
        """Return a cell as known if an entry explains it, unless its law is violated outside of that too."""
        entry = explains(self.known, cell) if cell.verdict.is_bad else None
        if entry is None:
            return cell
        entries = tuple(known for known in self.known if Address.parse(cell.address).matches(known.address))
        narrow = entry in entries and all(known.where or known.attributes or known.uses for known in entries)
        if cell.verdict is Verdict.VIOLATION and narrow:
            address = Address.parse(cell.address)
            (elsewhere,) = self._around_losses(slot, replace(unit, laws=(address.law,)), entries)
            if elsewhere.verdict.is_bad and explains(self.known, elsewhere) is None:
                return elsewhere
        return as_known(cell, entry)

    def _around_losses(
        self, slot: Slot, unit: Unit, avoided: tuple[KnownDeviation, ...], tell: Callable[[Cell], None] = nobody
    ) -> tuple[Cell, ...]:
        """Examine a unit; again, around what was in heartbeat, where its process was lost.

        The first law runs the bare case: a loss in it is the case's, which is skipped from then on. A loss in a
        later law is what that law makes of the case: the law is left out, and the case stays.
        """
        lost: dict[str, tuple[Lost, float]] = {}
        skipped: frozenset[str] = frozenset()
        cells: dict[str, Cell] = {}
        laws = tuple(sorted(unit.laws, key=lambda law: law not in BARE))
        for losses in itertools.count(1):
            begin = time.perf_counter()
            rest = replace(unit, laws=laws)
            # Once something was lost, what comes out depends on what is lost later: it is told when all is known.
            told = tell if losses == 1 else nobody
            found = slot.run(worker.examine_unit, self.target, rest, self.settings, skipped, avoided, tell=told)
            if isinstance(found, tuple) and tuple(cell.address for cell in found) != rest.addresses:
                found = Lost(Verdict.CRASH, "the worker's answer is that of another task")
            if not isinstance(found, Lost | Fault):
                cells = {cell.address: cell for cell in found}
                break
            loss = _as_loss(found)
            lost.setdefault(loss.law, (loss, time.perf_counter() - begin))
            key = "" if loss.case is None else case_key(loss.case)
            if _hopeless(loss, losses) or loss.law not in laws or key in skipped:
                for law in laws:
                    lost.setdefault(law, (_told(loss, losses), 0.0))
                break
            if loss.law == laws[0]:
                skipped |= {key}
            else:
                laws = tuple(law for law in laws if law != loss.law)
        for law, address in zip(unit.laws, unit.addresses, strict=True):
            if law in lost:
                cells[address] = self._lost_cell(unit, law, *lost[law])
        return tuple(cells[address] for address in unit.addresses)

    def _lost_cell(self, unit: Unit, law: str, loss: Lost, seconds: float) -> Cell:
        witness = None if loss.case is None else Witness(loss.case, law, self.target)
        cell = Cell(
            address=str(Address(unit.subject, law, unit.dtype)),
            verdict=loss.verdict,
            seconds=seconds,
            clause=load_laws()[law].clause,
            message=loss.message,
            witness=witness,
        )
        if witness is None:
            return cell
        return replace(cell, script=plain_script(cell, witness.case, self.target, self.primitives))

    def _replay(self, slot: Slot, witness: Witness) -> Cell:
        begin = time.perf_counter()
        found = slot.run(worker.replay_witness, self.target, witness)
        if not isinstance(found, Lost | Fault):
            return found[0]
        case, law = witness.case, witness.law
        loss = replace(_as_loss(found), case=case)
        return self._lost_cell(Unit(case.subject, case.dtype, (law,)), law, loss, time.perf_counter() - begin)


def _raised(fault: Fault) -> Exception:
    """Return what is raised in place of a verdict: a fault that is not the engine's."""
    return OwnFault(fault.message) if fault.kind == "own" else UsageError(fault.message)


def _as_loss(found: Lost | Fault) -> Lost:
    """Return how the target left as a crash; raise UsageError or OwnFault where that was not the engine's."""
    if isinstance(found, Lost):
        return found
    if found.kind != "left":
        raise _raised(found)
    return Lost(Verdict.CRASH, found.message, found.law, found.case, found.cases)


def _hopeless(loss: Lost, losses: int) -> bool:
    """Whether a unit is given up: nothing is known, no case got through, or it was lost too often."""
    most = MOST_TIMEOUTS if loss.verdict is Verdict.TIMEOUT else MOST_CRASHES
    return loss.case is None or losses >= most or (losses >= FEW_LOSSES and loss.cases <= losses)


def _told(loss: Lost, losses: int) -> Lost:
    """Return a loss as it is told of a law that was not in heartbeat, and did not run to its end."""
    if not loss.law:
        return loss
    message = f"not run: the process was lost {losses} times in this unit, the last time in {loss.law}: {loss.message}"
    return replace(loss, message=message)
