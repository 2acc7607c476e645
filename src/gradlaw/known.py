"""Known deviations: what is wrong with a real engine, with its reason and a witness, in ``known/<target>.toml``.

A file has ``[[deviation]]`` tables (`Deviation` says what is in each) with ``[[deviation.shows]]`` tables in them
(`KnownDeviation`): what is said once of a deviation, and the places where it shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from gradlaw.computing import NOT_COMPUTED
from gradlaw.messages import near
from gradlaw_properties import Unit
from gradlaw_reference import FLOAT64, apply, evaluate, using
from gradlaw_spec import (
    Address,
    Attribute,
    AttributeValue,
    Case,
    Cell,
    Primitive,
    Program,
    SpecError,
    Step,
    Verdict,
    Witness,
    dtype,
    interpret,
    load_laws,
    load_primitives,
    parse_formula,
    read_witness,
)
from gradlaw_spec.files import read_plain_file
from gradlaw_spec.written import UNREADABLE, WrittenWitness, witness_of

COMPARISONS: Final[dict[str, Callable[..., Any]]] = {
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
}


TABLES: Final = "tables [[deviation]], each with [[deviation.shows]]"
ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """What is wrong with an engine, and why that is known.

    ``id`` names it in its list;
    ``reason`` says why the deviation is the engine's;
    ``url`` or ``source`` says where it was reported or found;
    ``versions`` of the engine were seen to have it;
    ``script`` shows it without gradlaw;
    ``sometimes`` says that it depends on more than the case (memory addresses, threads), so that its cells are known
    whether it showed this time or not.
    """

    id: str
    reason: str
    url: str = ""
    source: str = ""
    versions: tuple[str, ...] = ()
    script: str = ""
    sometimes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDeviation:
    """Where a deviation shows.

    ``address`` is a cell or a pattern of cells;
    ``where`` (none: everywhere) has comparisons over the primitive's operands, its attributes, the cotangent ``g`` and
    ``tiny``, the smallest normal number of the dtype, such as ``"x > 20"``: they cover a case of which some element
    satisfies them all;
    ``attributes`` (none: any) has attributes of the primitive, each with the value at which it shows;
    ``uses`` (none: any) names primitives of which a program must use one;
    ``witness`` shows it, written in place or as the path of a file beside the list.
    """

    deviation: Deviation
    address: str
    where: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    witness: Witness | None = None


def known_folder() -> Path:
    """Return the folder of the lists: the shipped one where there is one, else the checkout's."""
    shipped = Path(__file__).with_name("known")
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "known"


def known_of(target: str) -> tuple[KnownDeviation, ...]:
    """Return the known deviations of a built-in target (none, if it has no list)."""
    path = known_folder() / f"{target}.toml"
    return load_known(path) if path.is_file() else ()


def load_known(path: Path) -> tuple[KnownDeviation, ...]:
    """Read a list, one entry a place where a deviation shows; raise SpecError with file, place and key otherwise."""
    try:
        content = msgspec.toml.decode(read_plain_file(path, "a list of known deviations"))
    except SpecError:
        raise
    except UNREADABLE as error:
        raise SpecError(str(path), "malformed TOML", TABLES, str(error)) from None
    if "known" in content:
        cure = "Write reason, source, versions and script once, with an id, and each address in [[deviation.shows]]."
        raise SpecError(str(path), "tables [[known]], the form of gradlaw 0.1.0", TABLES, cure)
    tables = content.get("deviation", [])
    if set(content) - {"deviation"} or not isinstance(tables, list):
        raise SpecError(str(path), f"keys {', '.join(sorted(content))}", TABLES, "Write [[deviation]].")
    entries: list[KnownDeviation] = []
    for number, table in enumerate(tables, 1):
        where = f"{path}: deviation {number}"
        _check_keys(where, table, {*Deviation.__dataclass_fields__, "shows"})
        shows = table.pop("shows", None)
        deviation = _deviation(where, table)
        if deviation.id in {entry.deviation.id for entry in entries}:
            raise SpecError(where, f"id={deviation.id!r}", "an id that no other deviation has", "Rename one of them.")
        if not isinstance(shows, list) or not shows:
            raise SpecError(where, f"shows={shows!r}", "tables [[deviation.shows]]", "Say where it shows.")
        places = enumerate(shows, 1)
        entries += [_entry(f"{where}, shows {place}", path.parent, deviation, shown) for place, shown in places]
    return tuple(entries)


def _deviation(where: str, table: dict[str, Any]) -> Deviation:
    try:
        deviation = msgspec.convert(table, Deviation)
    except msgspec.ValidationError as error:
        raise SpecError(where, "a malformed deviation", str(error), "Mend it.") from None
    if not ID.fullmatch(deviation.id):
        raise SpecError(where, f"id={deviation.id!r}", "small letters, digits and hyphens", "Rename it.")
    if not deviation.reason:
        raise SpecError(where, "reason=''", "why the deviation is the engine's", "Write the reason.")
    return deviation


def _check_keys(where: str, table: Any, keys: set[str]) -> None:
    """Raise SpecError where a table has a key that is none, or is no table."""
    if not isinstance(table, dict):
        raise SpecError(where, repr(table), "a table", "Write one.")
    if unknown := sorted(set(table) - keys):
        found = f"{unknown[0]}={table[unknown[0]]!r}"
        raise SpecError(where, found, f"only {', '.join(sorted(keys))}", "Rename or remove it.")


def _entry(where: str, folder: Path, deviation: Deviation, table: dict[str, Any]) -> KnownDeviation:
    _check_keys(where, table, set(KnownDeviation.__dataclass_fields__) - {"deviation"})
    lists = ("where", "uses")
    table = {key: (value,) if key in lists and isinstance(value, str) else value for key, value in table.items()}
    written = table.pop("witness", None)
    try:
        entry = msgspec.convert({**table, "deviation": deviation}, KnownDeviation)
        if isinstance(written, str):
            entry = replace(entry, witness=read_witness(folder / written))
        elif written is not None:
            entry = replace(entry, witness=witness_of(msgspec.convert(written, WrittenWitness)))
    except msgspec.ValidationError as error:
        raise SpecError(where, "a malformed entry", str(error), "Mend it.") from None
    if entry.witness is not None and not entry.witness.address.matches(entry.address):
        found = f"a witness of {entry.witness.address}"
        raise SpecError(where, found, f"one of {entry.address}", "Mend the address or the witness.")
    for name in entry.uses:
        if name not in load_primitives():
            raise SpecError(where, f"uses={name!r}", "a primitive of the law book", near(name, load_primitives()))
    if entry.where or entry.attributes:
        _check_where(where, entry)
    return entry


def _check_where(where: str, entry: KnownDeviation) -> None:
    page = load_primitives().get(Address.parse(entry.address).subject)
    if page is None:
        expected = "the address of one primitive, whose operands it names"
        found = f"where={list(entry.where)!r}" if entry.where else f"attributes={dict(entry.attributes)!r}"
        raise SpecError(where, f"{found} for {entry.address}", expected, "Narrow the address.")
    attributes = {attribute.name for attribute in page.attributes}
    for name in entry.attributes:
        if name not in attributes:
            raise SpecError(where, f"attributes has {name!r}", f"attributes of {page.name}", near(name, attributes))
    for text in entry.where:
        program = _comparison(text, _operand_names(page), tuple((a.name, math.inf) for a in page.attributes))
        if not program.steps or program.steps[-1].primitive not in COMPARISONS:
            raise SpecError(where, f"where={text!r}", "a comparison such as 'x > 20'", "Compare two expressions.")


def _operand_names(page: Primitive) -> tuple[str, ...]:
    if page.operands[0].kind == "sequence":
        return ("x1", "x2", "x3", "x4", "g", "tiny")
    return (*(operand.name for operand in page.operands), "g", "tiny")


@lru_cache(maxsize=1024)
def _comparison(text: str, names: tuple[str, ...], attributes: tuple[tuple[str, AttributeValue], ...]) -> Program:
    return parse_formula(text, names, load_primitives().keys(), attributes=dict(attributes))


def covers(entry: KnownDeviation, case: Case, subject: str = "") -> bool:
    """Whether a case uses what an entry names and some element satisfies its comparisons (whatever the address).

    The operands that they name are those of the case's subject, or of another primitive that has one step of it.
    """
    subject = subject or case.subject
    if entry.uses and not case.program.primitives & set(entry.uses):
        return False
    if not entry.where and not entry.attributes:
        return True
    steps = [step for step in case.program.steps if step.primitive == subject]
    if len(steps) != 1:
        return False
    (step,) = steps
    if any(_plain(step.attributes.get(name)) != _plain(value) for name, value in entry.attributes.items()):
        return False
    page = load_primitives()[step.primitive]
    names = _operand_names(page)[:-2]
    with using(FLOAT64), np.errstate(all="ignore"):
        computed = evaluate(case.program, case.values)
    values: dict[str, Any] = {
        name: computed[operand].astype(np.float64) if isinstance(operand, str) else np.float64(operand)
        for name, operand in zip(names, step.operands, strict=False)
    }
    values["g"] = case.cotangents[0].astype(np.float64)
    values["tiny"] = np.float64(dtype(case.dtype).smallest_normal)
    numbers = tuple((a.name, _constant(a, step.attributes.get(a.name))) for a in page.attributes)
    try:
        with np.errstate(all="ignore"):
            found = [_holds(_comparison(text, _operand_names(page), numbers), values) for text in entry.where]
    except NOT_COMPUTED:  # it names an array of a sequence, or an axis, that this case has not
        return False
    try:
        return bool(np.logical_and.reduce(np.broadcast_arrays(*found)).any())
    except ValueError:  # the cotangent of a reduction has another shape: some element of each must do
        return all(bool(one.any()) for one in found)


def _plain(value: Any) -> Any:
    """Return an attribute's value as a file has it."""
    return list(value) if isinstance(value, tuple) else value


def _constant(attribute: Attribute, given: Any) -> AttributeValue:
    """Return an attribute's value in a comparison: a missing bound is infinite, a list can be hashed."""
    if given is None:
        return {"lower": -math.inf, "upper": math.inf}.get(attribute.kind)
    return tuple(given) if isinstance(given, list) else given


def _holds(program: Program, values: dict[str, Any]) -> Any:
    def call(step: Step, operands: tuple[Any, ...]) -> Any:
        if step.primitive in COMPARISONS:
            return COMPARISONS[step.primitive](*operands)
        return apply(step.primitive, operands, step.attributes).data

    with using(FLOAT64):
        known = interpret(program, values, call)
    return np.asarray(known[program.outputs[0]])


def explains(entries: Iterable[KnownDeviation], cell: Cell) -> KnownDeviation | None:
    """Return the entry that explains a cell: its address fits, and it covers the witness.

    The cell of a program that has a cause is explained by the entries of that primitive, and by none of another one.
    """
    address = Address.parse(cell.address)
    case = None if cell.witness is None else cell.witness.case
    for entry in entries:
        blamed = not cell.cause or not entry.uses or cell.cause in entry.uses
        if address.matches(entry.address) and blamed and (case is None or covers(entry, case)):
            return entry
        own = replace(address, subject=cell.cause)
        if cell.cause and case is not None and _is_wrong_number(entry, own) and covers(entry, case, cell.cause):
            return entry
    return None


def _is_wrong_number(entry: KnownDeviation, address: Address) -> bool:
    """Whether an entry says that a primitive's numbers are wrong, or that it breaks this law.

    One that asks something of the cotangent is none: inside of a program there is another one.
    """
    laws = dict.fromkeys((address.law, "gradient", "value"))
    asks = any(re.search(r"\bg\b", text) for text in entry.where)
    return not asks and any(replace(address, law=law).matches(entry.address) for law in laws)


def as_known(cell: Cell, entry: KnownDeviation) -> Cell:
    """Return a bad cell as a known one, without its severity and with the reason in front of its message."""
    source = entry.deviation.url or entry.deviation.source
    reason = f"{entry.deviation.reason} ({source})" if source else entry.deviation.reason
    return replace(cell, verdict=Verdict.KNOWN, severity=None, message=f"{reason}\n{cell.message}".rstrip())


def after_replay(cell: Cell, entry: KnownDeviation, replayed: Cell) -> Cell:
    """Return a cell that found nothing bad itself, given what the witness of its entry did."""
    if cell.verdict.is_bad or cell.verdict is Verdict.KNOWN:
        return cell
    if replayed.verdict.is_bad:
        kept = replace(
            cell,
            message=replayed.message,
            witness=entry.witness,
            script=replayed.script or entry.deviation.script,
            finding=replayed.finding,
        )
        return as_known(kept, entry)
    if entry.deviation.sometimes:
        return as_known(replace(cell, message="it did not show this time"), entry)
    if replayed.verdict is Verdict.PASS or 0 < replayed.inconclusive < replayed.points:
        text = f"the witness no longer violates the law: remove the entry ({entry.deviation.reason})"
        return replace(cell, verdict=Verdict.FIXED, message=text)
    return cell


def stale_cells(entries: Iterable[KnownDeviation], everything: Iterable[Unit]) -> tuple[Cell, ...]:
    """Return a cell for each entry whose address is no cell of the target's whole plan."""
    places: dict[str, list[Address]] = {}  # by law, since a plan has ten thousand
    for address in (Address.parse(text) for unit in everything for text in unit.addresses):
        places.setdefault(address.law, []).append(address)

    def shows(pattern: Address) -> bool:
        laws = [law for law in places if Address(law=pattern.law).fits(Address(law=law))]
        return any(pattern.fits(address) for law in laws for address in places[law])

    return tuple(
        Cell(
            address=entry.address,
            verdict=Verdict.STALE,
            clause=_clause(entry.address),
            message=f"the address matches no cell: mend or remove the entry ({entry.deviation.reason})",
        )
        for entry in entries
        if not shows(Address.parse(entry.address))
    )


def _clause(address: str) -> str:
    law = load_laws().get(Address.parse(address).law)
    return "" if law is None else law.clause
