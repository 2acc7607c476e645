"""The law book of backpropagation: its nouns, and the loader of its pages."""

from gradlaw_spec.address import PROGRAM, Address
from gradlaw_spec.array import Array
from gradlaw_spec.attributes import Attribute, AttributeValue, IndexItem, Slice
from gradlaw_spec.case import Case, Tensor, decode_case, encode_case, read_case
from gradlaw_spec.computation import parse_computation
from gradlaw_spec.domains import Interval, Meeting
from gradlaw_spec.dtypes import DTYPES, Dtype, dtype, ulp
from gradlaw_spec.errors import SpecError
from gradlaw_spec.formula import parse_formula
from gradlaw_spec.law import Chapter, Clause, Law
from gradlaw_spec.loader import book, load_chapters, load_clauses, load_laws, load_primitives, read_page
from gradlaw_spec.primitive import Example, Kink, Operand, Primitive
from gradlaw_spec.program import Program, Reference, Step, inline, interpret
from gradlaw_spec.target import EngineFunction, EngineValue, Target, VectorJacobianProduct
from gradlaw_spec.verdict import Cell, Finding, Verdict

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
    "Dtype",
    "EngineFunction",
    "EngineValue",
    "Example",
    "Finding",
    "IndexItem",
    "Interval",
    "Kink",
    "Law",
    "Meeting",
    "Operand",
    "Primitive",
    "Program",
    "Reference",
    "Slice",
    "SpecError",
    "Step",
    "Target",
    "Tensor",
    "VectorJacobianProduct",
    "Verdict",
    "book",
    "decode_case",
    "dtype",
    "encode_case",
    "inline",
    "interpret",
    "load_chapters",
    "load_clauses",
    "load_laws",
    "load_primitives",
    "parse_computation",
    "parse_formula",
    "read_case",
    "read_page",
    "ulp",
]
