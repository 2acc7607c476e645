"""A definition, run on traced values: each call of a primitive becomes a step of a Program."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import numpy as np

from gradlaw_reference import FLOAT64, apply, in_dtype, using
from gradlaw_reference.operators import NOTHING, Operators
from gradlaw_spec import DTYPES, Array, Primitive, Program, Slice, SpecError, Step, load_primitives, promoted

Definition = Callable[..., Any]
STORING: Final[list[str]] = []
"""The dtypes of the blocks ``with xp.stored(…)`` that a definition is in, the innermost last."""


class Traced(Operators["Traced"]):
    """A value of a definition while it is traced: it has a shape, a dtype and operators, and stands for a name.

    ``content`` is what the reference computes for it, so that shapes are known.
    """

    __slots__ = ("content", "name", "record")
    __array_ufunc__ = None  # NumPy leaves an operator to this class, and refuses its own functions

    def __init__(self, name: str, content: Any, record: Record) -> None:
        self.name, self.content, self.record = name, content, record

    @property
    def data(self) -> Array:
        """The elements that the reference computes."""
        return self.content.data  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        """The name of its dtype."""
        return str(self.content.dtype)

    @property
    def size(self) -> int:
        """The number of its elements."""
        return math.prod(self.shape)

    @property
    def mT(self) -> Traced:  # noqa: N802 the array API's name
        """The matrices of its last two axes, transposed."""
        return self._apply("matrix_transpose", (self,))

    @property
    def T(self) -> Traced:  # noqa: N802 the array API's name
        """A matrix, transposed."""
        return self._apply("permute_dims", (self,), {"axes": tuple(reversed(range(self.ndim)))})

    def _apply(self, name: str, operands: tuple[Any, ...], attributes: Mapping[str, Any] = NOTHING) -> Traced:
        return self.record.apply(name, operands, attributes)

    def __getitem__(self, index: Any) -> Traced:
        items = index if isinstance(index, tuple) else (index,)
        if any(isinstance(item, np.ndarray | list) for item in items):
            return self._taken(items)
        return self._apply("getitem", (self,), {"index": tuple(map(_index_item, items))})

    def _taken(self, items: tuple[Any, ...]) -> Traced:
        """Take elements by arrays of integers on axes that are next to each other: one axis is made of these."""
        lead = next(place for place, item in enumerate(items) if not _is_whole(item))
        arrays = items[lead:]
        while _is_whole(arrays[-1]):
            arrays = arrays[:-1]
        indices = tuple(map(np.asarray, arrays))
        if any(item.dtype.kind not in "iu" for item in indices):
            cure = "Use xp.where(mask, x, 0) for a mask, and x[…][:, index] for slices beside arrays."
            raise SpecError(
                "definition", f"an index {_index_text(items)}", "arrays of integers beside whole axes", cure
            )
        if lead + len(indices) > self.ndim:
            expected = f"at most {self.ndim} of them"
            raise SpecError("definition", f"an index {_index_text(items)}", expected, "Mend the call.")
        before, axes = self.shape[:lead], self.shape[lead : lead + len(indices)]
        rest = self.shape[lead + len(indices) :]
        spread = np.broadcast_arrays(*indices)
        flat = np.ravel_multi_index(tuple(item % n for item, n in zip(spread, axes, strict=True)), axes)
        joined = self._apply("reshape", (self,), {"shape": (*before, math.prod(axes), *rest)})
        taken = self._apply("take", (joined, flat.ravel()), {"axis": lead})
        return self._apply("reshape", (taken,), {"shape": (*before, *flat.shape, *rest)})

    def __len__(self) -> int:
        if not self.shape:
            raise SpecError("definition", f"the length of {self.name}", "an array with axes", "It is a single number.")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Traced]:
        return (self[place] for place in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        cure = "Use gradlaw.xp in place of NumPy."
        raise SpecError(
            "definition", f"a traced value {self.name} as a NumPy array", "a primitive of the law book", cure
        )

    def _refuse(self, *others: Any) -> NoReturn:
        cure = "Use xp.where with a condition from the inputs (xp.data(x) > 0), or xp.maximum, xp.minimum, xp.clip."
        raise SpecError("definition", f"a decision by the traced value {self.name}", "the same steps always", cure)

    def _no_number(self) -> NoReturn:
        cure = "Use gradlaw.xp in place of math and float: xp.exp(x) for math.exp(x)."
        raise SpecError("definition", f"the traced value {self.name} as a Python number", "steps on arrays", cure)

    __bool__ = _refuse
    __float__ = __int__ = __index__ = _no_number

    def __pos__(self) -> Traced:
        return self

    @property
    def given(self) -> Array:
        """The numbers of an input, which are data; a value that is computed has none that every kernel computes."""
        found = self.record.arguments.get(self.name)
        return self._refuse() if found is None else found.copy()

    def _compared(self, operator: Callable[[Any, Any], Any], other: Any) -> Array:
        """Compare an input with numbers, or with another input, in the dtype that it is computed in."""
        sides = [one.given if isinstance(one, Traced) else np.asarray(one) for one in (self, other)]
        numpy = DTYPES[self.record.compute or self.dtype].numpy
        found = np.asarray(operator(*(side.astype(numpy) for side in sides)), dtype=bool)
        return found.view(_Condition)

    def __lt__(self, other: Any) -> Array:
        return self._compared(operator.lt, other)

    def __le__(self, other: Any) -> Array:
        return self._compared(operator.le, other)

    def __gt__(self, other: Any) -> Array:
        return self._compared(operator.gt, other)

    def __ge__(self, other: Any) -> Array:
        return self._compared(operator.ge, other)

    def __eq__(self, other: object) -> Array:  # type: ignore[override] # as arrays do
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> Array:  # type: ignore[override]
        return self._compared(operator.ne, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Traced({self.name}, shape={self.shape}, dtype={self.dtype})"


class _Condition(np.ndarray[Any, Any]):
    """Where a comparison of inputs holds: data for ``xp.where``, and no single truth."""

    def __bool__(self) -> NoReturn:
        cure = "Use xp.where with it, xp.maximum or xp.minimum for max or min, or say all() or any()."
        raise SpecError("definition", "a decision by a condition for each element", "the same steps always", cure)


def _is_whole(item: Any) -> bool:
    return isinstance(item, slice) and item == slice(None)


def _index_text(items: tuple[Any, ...]) -> str:
    return f"of {', '.join(type(item).__name__ for item in items)}"


def _index_item(item: Any) -> Any:
    if isinstance(item, slice):
        return Slice(*(None if part is None else int(part) for part in (item.start, item.stop, item.step)))
    return "newaxis" if item is None else "ellipsis" if item is Ellipsis else int(item)


@dataclass
class Record:
    """What a definition does: its steps, and the arrays that it brings itself."""

    steps: list[Step] = field(default_factory=list)
    data: dict[str, Array] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    compute: str | None = None
    """The dtype of real arrays that the definition brings; None: that of what they meet."""
    stored: dict[str, str] = field(default_factory=dict)
    """The steps of which backward reads the value as it is stored, and the dtype of that."""
    arguments: dict[str, Array] = field(default_factory=dict)
    """The real arrays that the definition is given."""

    def fresh(self, start: str) -> str:
        """Return a name that is not taken, and take it."""
        number = 1
        while f"{start}{number}" in self.taken:
            number += 1
        self.taken.add(f"{start}{number}")
        return f"{start}{number}"

    def apply(self, name: str, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Traced:
        """Note a step, and compute it in the reference; what the reference refuses is a SpecError."""
        page = load_primitives()[name]
        given = page.complete({key: _attribute(page, key, value) for key, value in attributes.items()})
        sequence = page.operands[0].kind == "sequence"
        kinds = ["real"] * len(operands) if sequence else [operand.kind for operand in page.operands]
        real = [operand.dtype for operand in operands if isinstance(operand, Traced)]
        met = promoted(*sorted(set(real)))
        held = [self.operand(item, kind, met) for item, kind in zip(operands, kinds, strict=True)]
        references, contents = [item[0] for item in held], tuple(item[1] for item in held)
        try:
            content = apply(name, contents, given)
        except (ValueError, TypeError, LookupError) as error:
            shapes = ", ".join(f"{name} {np.shape(getattr(one, 'data', one))}" for name, one in held)
            expected = "operands and attributes that fit together"
            raise SpecError("definition", f"{name}({shapes})", expected, f"{error}") from None
        if name == "reshape":
            given = {**given, "shape": content.shape}
        step = Step((self.fresh("t"),), name, tuple(references), given)
        self.steps.append(step)
        if STORING:
            self.stored[step.name] = STORING[-1]
        return Traced(step.name, content, self)

    def operand(self, value: Any, kind: str, dtype: str) -> tuple[Any, Any]:
        """Return how a step refers to an operand, and its content; an array becomes data of the program."""
        if isinstance(value, Traced):
            if value.record is not self:
                raise SpecError("definition", f"{value!r} of another run", "values of this run", "Keep none of them.")
            return value.name, value.content
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, bool | int | float) and kind == "real" and math.isfinite(value):
            number = value if isinstance(value, float) else int(value)
            return number, number
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" and array.dtype.name not in DTYPES:
            found = f"an operand of type {type(value).__name__}"
            raise SpecError("definition", found, "traced values, numbers and NumPy arrays", "Use gradlaw.xp.")
        if kind in ("real", "sequence"):
            dtype = self.compute or dtype
            array = array.astype(DTYPES[dtype].numpy)
            return self.constant(array), in_dtype(array, dtype)
        array = array.astype(bool if kind == "boolean" else np.int64)
        return self.constant(array), array

    def constant(self, array: Array) -> str:
        """Return the name of an array of the definition's own; an equal one has it already."""
        for name, known in self.data.items():
            same = known.dtype == array.dtype and known.shape == array.shape
            if same and known.tobytes() == array.tobytes():
                return name
        name = self.fresh("c")
        self.data[name] = array
        return name


def held(value: Traced) -> Traced:
    """Return a value that no cotangent flows through: its steps again, on arrays that are not differentiated."""
    record, needed, names = value.record, {value.name}, dict[Any, Any]()
    for step in reversed(record.steps):
        if step.name in needed:
            needed.update(item for item in step.operands if isinstance(item, str))
    for name in sorted(needed & record.arguments.keys()):
        names[name] = record.constant(np.array(record.arguments[name]))
    for step in tuple(record.steps):
        if step.name in needed and any(item in names for item in step.operands):
            names[step.name] = record.fresh("h")
            operands = tuple(names.get(item, item) for item in step.operands)
            record.steps.append(Step((names[step.name],), step.primitive, operands, step.attributes))
    return Traced(names.get(value.name, value.name), value.content, record)


def dtype_name(value: Any) -> str:
    """Return the name of a dtype that is given as one of NumPy, torch or JAX, or by its name."""
    text = value if isinstance(value, str) else getattr(value, "name", None) or getattr(value, "__name__", str(value))
    return str(text).rpartition(".")[2]


def _attribute(page: Primitive, name: str, value: Any) -> Any:
    """Return an attribute as a program has it: plain numbers, tuples, and a dtype by its name."""
    known = {attribute.name: attribute.kind for attribute in page.attributes}
    if name not in known:
        expected = ", ".join(known) or "no attributes"
        raise SpecError(f"definition: {page.name}", f"{name}={value!r}", expected, "Rename or remove it.")
    if known[name] == "dtype":
        return dtype_name(value)
    if isinstance(value, list | tuple):
        try:
            return tuple(value) if known[name] == "index" else tuple(int(item) for item in value)
        except (TypeError, ValueError):
            raise SpecError(f"definition: {page.name}", f"{name}={value!r}", "integers", "Mend the call.") from None
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True)
class Tracing:
    """A definition as a program: what it was run on, and the arrays that it brought."""

    program: Program
    data: Mapping[str, Array]
    shapes: tuple[tuple[int, ...], ...]
    """The shape of each output."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """The steps whose values are stored in a narrower dtype for backward."""


def _mistaken(error: Exception, names: tuple[str, ...]) -> Exception:
    """Return what is said of an error in a definition: that another library met a traced value, or the error itself."""
    text = str(error)
    if text.startswith("gradlaw.xp has no"):
        return SpecError("definition", text.partition(" (")[0], "a name of gradlaw.xp", text.partition(" (")[2][:-1])
    if Traced.__name__ in text:
        cure = "Use gradlaw.xp, as in xp.sum(x, axis=-1), or gradlaw.trace for a reference in torch or JAX."
        return SpecError("definition", text, "operators and functions of gradlaw.xp", cure)
    if "positional argument" in text:
        return SpecError("definition", text, f"the arguments {', '.join(names)}", "Name them in the signature's order.")
    return error


def traced(
    definition: Definition,
    arguments: Mapping[str, Any],
    differentiated: tuple[str, ...],
    options: Mapping[str, Any] = NOTHING,
    compute: str | None = None,
) -> Tracing:
    """Run a definition on traced arguments (by position) and options (by name), and return it as a Program.

    Real arrays are traced, those that are differentiated as inputs and the others as data, as are arrays that the
    definition brings, in the dtype ``compute`` if it is given. Raises SpecError where it returns something else than
    traced values.
    """
    record = Record(taken={*arguments, *options}, compute=compute)
    record.arguments.update({name: value for name, value in arguments.items() if isinstance(value, np.ndarray)})
    with using(FLOAT64), np.errstate(all="ignore"):
        variables = {
            name: Traced(name, in_dtype(value, value.dtype.name), record)
            if isinstance(value, np.ndarray) and value.dtype.name in DTYPES
            else value
            for name, value in arguments.items()
        }
        try:
            result = definition(*variables.values(), **options)
        except (TypeError, AttributeError) as error:
            raise _mistaken(error, tuple(variables)) from error
    outputs = tuple(result) if isinstance(result, tuple | list) else (result,)
    for output in outputs:
        if not isinstance(output, Traced):
            found = f"{type(output).__name__} returned"
            raise SpecError("definition", found, "values made of its inputs", "Compute it with gradlaw.xp.")
    names = tuple(output.name for output in outputs)
    fixed = (name for name, value in variables.items() if isinstance(value, Traced) and name not in differentiated)
    program = Program(differentiated, tuple(record.steps), names, (*fixed, *record.data))
    return Tracing(program, record.data, tuple(output.shape for output in outputs), record.stored)
