"""The law book of backpropagation: its nouns, and the loader of its pages."""

from gradlaw_spec.address import PROGRAM, Address
from gradlaw_spec.array import Array
from gradlaw_spec.attributes import Attribute, AttributeValue, IndexItem, Slice
from gradlaw_spec.case import Case, Witness
from gradlaw_spec.composition import by_results, composition
from gradlaw_spec.computation import Condition, parse_computation, read_computation
from gradlaw_spec.domains import Interval, Meeting, Values
from gradlaw_spec.dtypes import DTYPES, Dtype, dtype, promoted, ulp
from gradlaw_spec.errors import SpecError, Unsupported
from gradlaw_spec.formula import parse_formula
from gradlaw_spec.law import Chapter, Clause, Law
from gradlaw_spec.loader import (
    book,
    load_chapters,
    load_clauses,
    load_functions,
    load_laws,
    load_pages,
    load_primitives,
    read_page,
)
from gradlaw_spec.precision import computed_in, value_dtypes
from gradlaw_spec.primitive import Example, Function, Kink, Operand, Primitive, Region, Result
from gradlaw_spec.program import Program, Reference, Step, inline, interpret
from gradlaw_spec.signature import Signature
from gradlaw_spec.target import EngineFunction, EngineValue, Pull, Pullback, Run, Target, program_function
from gradlaw_spec.verdict import Cell, Finding, Severity, Verdict
from gradlaw_spec.written import (
    decode_case,
    decode_program,
    decode_witness,
    encode_case,
    encode_witness,
    read_witness,
)

SPEC_VERSION = "0.1"
"""The version of the law book that a report cites."""

__all__ = [
    "DTYPES",
    "PROGRAM",
    "SPEC_VERSION",
    "Address",
    "Array",
    "Attribute",
    "AttributeValue",
    "Case",
    "Cell",
    "Chapter",
    "Clause",
    "Condition",
    "Dtype",
    "EngineFunction",
    "EngineValue",
    "Example",
    "Finding",
    "Function",
    "IndexItem",
    "Interval",
    "Kink",
    "Law",
    "Meeting",
    "Operand",
    "Primitive",
    "Program",
    "Pull",
    "Pullback",
    "Reference",
    "Region",
    "Result",
    "Run",
    "Severity",
    "Signature",
    "Slice",
    "SpecError",
    "Step",
    "Target",
    "Unsupported",
    "Values",
    "Verdict",
    "Witness",
    "book",
    "by_results",
    "composition",
    "computed_in",
    "decode_case",
    "decode_program",
    "decode_witness",
    "dtype",
    "encode_case",
    "encode_witness",
    "inline",
    "interpret",
    "load_chapters",
    "load_clauses",
    "load_functions",
    "load_laws",
    "load_pages",
    "load_primitives",
    "parse_computation",
    "parse_formula",
    "program_function",
    "promoted",
    "read_computation",
    "read_page",
    "read_witness",
    "ulp",
    "value_dtypes",
]
