"""The report as SARIF 2.1.0, which code scanning tools read: the laws are its rules."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gradlaw.reports.cells import asked, law_of, printable, rank, subject_of
from gradlaw.reports.report import Report
from gradlaw_spec import Cell, Law, load_clauses, load_laws

FORMAT: Final = "SARIF 2.1.0 for code scanning: laws as rules, violations as results."
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report, *, strict: bool) -> bytes:
    """Return a report as SARIF; a MUST law's result is an error, a SHOULD law's a warning, unless ``strict``."""
    names = {law_of(cell) for cell in report.cells}
    rules = [_rule(law) for law in load_laws().values() if law.id in names]
    places = {rule["id"]: place for place, rule in enumerate(rules)}
    bad = sorted((cell for cell in report.cells if cell.verdict.is_bad), key=rank)
    driver = {"name": "gradlaw", "version": report.gradlaw, "rules": rules}
    target = {"target": printable(report.target.name), "targetVersion": printable(report.target.version)}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"gradlaw/{target['target']}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(cell, places, strict) for cell in bad],
        "properties": {**target, "spec": report.spec, "seed": report.seed, "summary": report.summary},
    }
    return msgspec.json.format(msgspec.json.encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})) + b"\n"


def _rule(law: Law) -> dict[str, Any]:
    clause = load_clauses()[law.clause]
    return {
        "id": law.id,
        "shortDescription": {"text": law.summary},
        "fullDescription": {"text": f"{clause.keyword} {clause.id}: {clause.text}"},
        "help": {"text": law.body, "markdown": law.body},
        "defaultConfiguration": {"level": _level(law.keyword, strict=False)},
        "properties": {"clause": law.clause, "keyword": law.keyword},
    }


def _level(word: str, *, strict: bool) -> str:
    return "error" if strict or word == "MUST" else "warning"


def _result(cell: Cell, places: dict[str, int], strict: bool) -> dict[str, Any]:
    place = {"name": subject_of(cell), "fullyQualifiedName": cell.address, "kind": "function"}
    law = law_of(cell)
    index = {"ruleIndex": places[law]} if law in places else {}
    return {
        "ruleId": law,
        **index,
        "kind": "fail",
        "level": _level(asked(cell), strict=strict),
        "message": {"text": _unlinked(f"{cell.verdict.value} of {cell.address}: {cell.message}")},
        "locations": [{"logicalLocations": [place]}],
        "partialFingerprints": {"address/v1": cell.address},
        "properties": {"verdict": cell.verdict.value, "clause": cell.clause, "script": printable(cell.script)},
    }


def _unlinked(text: str) -> str:
    """Return a text without the links that a message in SARIF may have: ``[click](javascript:…)`` leads nowhere."""
    return printable(text).replace("](", "] (")
