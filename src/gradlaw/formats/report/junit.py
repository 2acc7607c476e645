"""The report as JUnit XML, which continuous integration shows: one test case a cell."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from gradlaw.messages import first_line
from gradlaw.reports.cells import clause_of, dtype_of, fails, law_of, printable, said, subject_of
from gradlaw.reports.code import case_text
from gradlaw.reports.report import Report
from gradlaw_spec import Cell, Verdict

FORMAT: Final = "JUnit XML for continuous integration, each cell a test case."
SILENT: Final = (Verdict.PASS, Verdict.FIXED)
"""The verdicts of a test that passed."""


def render(report: Report, *, strict: bool) -> bytes:
    """Return a report as one test suite.

    A violation is a failure, a crash or timeout an error; what was not judged, what is known, and what only breaks
    a SHOULD law without ``strict`` is skipped, with the reason.
    """
    suite = TestSuite(printable(f"{report.target.name} {report.target.version}"))
    for name, value in (("gradlaw", report.gradlaw), ("spec", report.spec), ("seed", str(report.seed))):
        suite.add_property(name, printable(value))
    suite.add_testcases([_test_case(cell, strict) for cell in report.cells])
    document = JUnitXml("gradlaw")
    document.add_testsuite(suite)
    file = BytesIO()
    document.write(file)
    return file.getvalue() + b"\n"


def _test_case(cell: Cell, strict: bool) -> TestCase:
    name, place = law_of(cell), f"{subject_of(cell)}@{dtype_of(cell)}"
    test = TestCase(printable(name), printable(place), round(cell.seconds, 6))
    message = printable(first_line(cell.message))
    if fails(cell, strict=strict):
        outcome = (Failure if cell.verdict is Verdict.VIOLATION else Error)(message, said(cell))
        outcome.text = printable(_cell_text(cell))
        test.result = [outcome]
    elif cell.verdict.is_bad:
        test.result = [Skipped(f"{said(cell)} of a SHOULD: {message}")]
        test.system_out = printable(_cell_text(cell))
    elif cell.verdict not in SILENT:
        test.result = [Skipped(f"{cell.verdict.value}: {message}")]
    return test


def _cell_text(cell: Cell) -> str:
    """Return what a text report says of a cell: clause, program, message and script."""
    program = "" if cell.witness is None else case_text(cell.witness.case)
    return "\n\n".join(part for part in (clause_of(cell), program, cell.message, cell.script) if part)
