"""References in PyTorch, read while they run: each operation that torch dispatches becomes steps of a definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch as engine
from torch.utils import _pytree as trees
from torch.utils._python_dispatch import TorchDispatchMode

from gradlaw.engines.torch import array_of, tensor_of
from gradlaw.own import xp
from gradlaw.own.traced import Traced, held
from gradlaw.own.tracing import torch_arrays  # noqa: F401 # its rules join those of torch_operators
from gradlaw.own.tracing.reference import Gap, Watched, line_of_user, not_traced, numbers_of, watched
from gradlaw.own.tracing.torch_operators import LOWERED, MADE, MOVED, ONE_GO
from gradlaw_spec import DTYPES, Primitive, load_primitives

torch: Any = engine
NARROW: Final = (torch.bfloat16, torch.float16)
TORCH_FOLDER: Final = str(Path(torch.__file__).parent)
READ: Final = ("aten._to_copy", "aten.detach", "prims.convert_element_type")
"""Operations that round, or hold what flows back."""
OTHERWISE: Final = {
    "neg": "negative",
    "lgamma": "gammaln",
    "clamp_min": "maximum",
    "clamp_max": "minimum",
    "topk": "sort",
    "kthvalue": "sort",
}
"""Operations that have a page under another name."""
FAR: Final = 2.0**40
"""Where an element is moved from is written into a tensor of float64 as a number from here on."""


def trace_call(reference: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Run a reference on traced arguments, and return what it computes as traced values."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    seen = watched(arguments)
    given = tuple(map(_tensor, arguments))
    if seen is None:
        return trees.tree_map(array_of, reference(*given, **options))
    tracer = TorchTracer(seen)
    for tensor, value in zip(given, arguments, strict=True):
        if isinstance(value, Traced):
            tracer.note(tensor, value)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), np.errstate(all="ignore"), tracer:
        outputs = torch.func.functionalize(lambda *tensors: reference(*tensors, **options), remove="mutations")(*given)
        one = not isinstance(outputs, tuple | list)
        found = tuple(tracer.result(output) for output in ((outputs,) if one else outputs))
    return found[0] if one else found


def _tensor(value: Any) -> Any:
    if isinstance(value, Traced):
        return tensor_of(np.array(numbers_of(value)))
    return tensor_of(np.array(value)) if isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Operation:
    """An operation that torch dispatched, with what stands for its tensors."""

    name: str
    """Its name without the overload, such as ``aten.mul``."""
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    out: Any
    """What torch computed."""
    seen: Watched

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument by its place or name."""
        return self.arguments[place] if place < len(self.arguments) else self.named.get(name, default)


class TorchTracer(TorchDispatchMode):  # type: ignore[misc] # torch's classes have no types
    """Watches what torch dispatches, and keeps what its tensors stand for."""

    def __init__(self, seen: Watched) -> None:
        super().__init__()
        self.seen = seen
        self.values: dict[int, tuple[Any, Traced]] = {}
        self.gaps: dict[int, tuple[Any, str]] = {}
        self.inside = 0
        """How many operations that are made of others it is in."""

    def note(self, tensor: Any, value: Traced) -> None:
        """Note what a tensor stands for; the tensor is kept, so that no other one gets its identity."""
        self.values[id(tensor)] = (tensor, value)

    def value(self, tensor: Any) -> Any:
        """Return what a tensor stands for: a traced value, or its own numbers."""
        if not isinstance(tensor, torch.Tensor):
            return tensor
        if id(tensor) in self.gaps:
            not_traced(self.gaps[id(tensor)][1], "comparisons of inputs alone", "Decide by inputs.", self.line())
        if id(tensor) in self.values:
            return self.values[id(tensor)][1]
        return np.array(array_of(tensor))  # a copy: what comes may overwrite the tensor

    def line(self) -> str:
        """Return the line of the reference that is run now."""
        return line_of_user((TORCH_FOLDER,))

    def result(self, output: Any) -> Traced:
        """Return what an output of the reference stands for."""
        found = self._plain(output)
        if found is None:
            expected = "tensors that are computed of the real inputs"
            not_traced(f"{type(output).__name__} returned", expected, "Return what depends on an input.")
        return found

    def _plain(self, output: Any) -> Traced | None:
        if not isinstance(output, torch.Tensor):
            return None
        if id(output) not in self.values:
            output = next((tensor for tensor, _ in self.values.values() if _same_memory(tensor, output)), output)
        return self.values[id(output)][1] if id(output) in self.values else None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and note the steps that its results stand for."""
        kwargs = kwargs or {}
        tensors = [item for item in trees.tree_leaves((args, kwargs)) if isinstance(item, torch.Tensor)]
        if func.overloadpacket._qualified_op_name == "aten::_local_scalar_dense" and id(tensors[0]) in self.values:
            cure = "Use torch.where with a condition from the inputs, or torch.maximum, clamp …"
            not_traced("a decision by a computed value", "the same steps always", cure, self.line())
        if not any(id(tensor) in self.values or id(tensor) in self.gaps for tensor in tensors):
            return func(*args, **kwargs)
        name = func.overloadpacket._qualified_op_name.replace("::", ".")
        if name in MADE:
            return func(*args, **kwargs)
        overwrites = func._schema.is_mutable
        name = name.removesuffix("_") if overwrites else name
        if not overwrites and not _is_known(name) and _is_real(func(*args, **kwargs)):
            made = self._by_parts(func, args, kwargs)
            if made is not NotImplemented:
                return made
        given, named = trees.tree_map(self.value, (tuple(args), dict(kwargs)))
        out = func(*args, **kwargs)
        operation = Operation(name, given, named, out, self.seen)
        found = self._lowered(operation, func, args, kwargs)
        if overwrites:
            self.values.pop(id(args[0]), None)
        self._keep(out, found)
        return out

    def _by_parts(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run an operation as torch writes it with others; NotImplemented where it does not."""
        from torch._decomp import decomposition_table

        with self._deeper():
            with self:
                found = func.decompose(*args, **kwargs)
                if found is not NotImplemented:
                    return found
            if func in decomposition_table:
                with self:
                    found = decomposition_table[func](*args, **kwargs)
                return trees.tree_map(self._widened, found)
        return NotImplemented

    def _widened(self, tensor: Any) -> Any:
        """Let a result have the dtype that its tensor has."""
        if isinstance(tensor, torch.Tensor) and id(tensor) in self.values and tensor.dtype.is_floating_point:
            value = self.values[id(tensor)][1]
            if value.dtype != _name(tensor.dtype):
                self.note(tensor, xp.astype(value, _name(tensor.dtype)))
        return tensor

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    def _lowered(self, operation: Operation, func: Any, args: Any, kwargs: Any) -> Any:
        """Return what the results of an operation stand for, in the order that torch returns them."""
        first = _first(operation.out)
        if not _is_real(operation.out):
            return self._decided(operation)
        if operation.name in READ:
            return held(operation.arguments[0]) if "detach" in operation.name else self._cast(operation, first)
        adds = operation.name == "aten.index_put" and operation.argument(3, "accumulate", False)
        if operation.name in MOVED and not adds:
            return self._moved(operation, func, args, kwargs)
        rule = _rule(operation.name)
        if rule is None:
            cure = "Write the definition with gradlaw.xp, or the reference with other operations."
            not_traced(f"the operation {operation.name}", "operations of the law book", cure, self.line())
        try:
            found = self._computed(operation, rule, first)
        except NotImplementedError as error:
            not_traced(str(error), "operations of the law book", "Write the definition with gradlaw.xp.", self.line())
        return self._marked(operation, found)

    def _marked(self, operation: Operation, found: Any) -> Any:
        """Return a result, noted as exact where nothing was rounded: of exact operands, by an exact primitive."""
        page, first = _page(operation.name), _first(found)
        if page is not None and page.rounding == "exact" and isinstance(first, Traced):
            traced = filter(_is_traced, trees.tree_leaves((operation.arguments, dict(operation.named))))
            if all(map(self.seen.is_exact, traced)):
                self.seen.mark(first)
        return found

    def _computed(self, operation: Operation, rule: Callable[[Operation], Any], first: Any) -> Any:
        """Return the steps of an operation that rounds: in one go where torch computes so."""
        to, compute = _name(first.dtype), self.seen.record.compute
        if compute is None and first.dtype in NARROW and operation.name in ONE_GO:
            with xp.stored(to):
                found = rule(_renewed(operation, lambda one: _as(one, "float32")))
            return _each(found, lambda one: xp.astype(one, to))
        return rule(_renewed(operation, lambda one: _as(one, to)))

    def _cast(self, operation: Operation, tensor: Any) -> Any:
        value, to = operation.arguments[0], _name(tensor.dtype)
        if self.inside and self.seen.record.compute is not None:
            return value
        widens = DTYPES[to].holds(DTYPES[value.dtype])
        made = value if value.dtype == to else xp.astype(value, to)
        return self.seen.mark(made) if widens and self.seen.is_exact(value) else made

    def _decided(self, operation: Operation) -> Any:
        """Return nothing for a comparison of exact values, which is data; note a gap for any other."""
        leaves = [item for item in trees.tree_leaves((operation.arguments, operation.named)) if _is_traced(item)]
        if not all(map(self.seen.is_exact, leaves)):
            for tensor in trees.tree_leaves(operation.out):
                self.gaps[id(tensor)] = (tensor, f"a decision by {operation.name} of computed values")
        return None

    def _moved(self, operation: Operation, func: Any, args: Any, kwargs: Any) -> Any:
        """Return what a movement gives: it is run on numbers that say where each element comes from."""
        traced: list[Traced] = []

        def numbered(tensor: Any) -> Any:
            if not isinstance(tensor, torch.Tensor):
                return tensor
            value = self.value(tensor)
            if not isinstance(value, Traced):
                return tensor.double() if tensor.dtype.is_floating_point else tensor
            start = FAR + sum(one.size for one in traced)
            traced.append(value)
            return torch.arange(value.size, dtype=torch.float64).reshape(value.shape) + start

        given, named = trees.tree_map(numbered, (tuple(args), dict(kwargs)))
        named.pop("dtype", None)
        places = func(*given, **named)
        exact = all(map(self.seen.is_exact, traced))
        taken = _each(places, lambda one: _taken(traced, array_of(one), exact, self.seen))
        return _each(taken, lambda one: one) if isinstance(places, tuple | list) else taken

    def _keep(self, out: Any, found: Any) -> None:
        pairs = zip(out, found, strict=False) if isinstance(out, tuple | list) and found is not None else [(out, found)]
        for tensor, value in pairs:
            if isinstance(value, Traced):
                self.note(tensor, value)
            elif isinstance(value, Gap):
                self.gaps[id(tensor)] = (tensor, value.reason)


def _taken(traced: list[Traced], places: Any, exact: bool, seen: Watched) -> Any:
    """Return elements of traced values, one after the other in memory, and constants where no element was moved to."""
    moved, whole = places >= FAR, [xp.reshape(one, (one.size,)) for one in traced]
    flat = whole[0] if len(whole) == 1 else xp.concat(whole, axis=0)
    index = np.where(moved, places - FAR, 0).astype(np.int64)
    if flat.size == 0 or not moved.any():
        return None
    if moved.all() and index.size == flat.size and (index.ravel() == np.arange(flat.size)).all():
        found = xp.reshape(flat, index.shape)
    else:
        found = xp.reshape(xp.take(flat, index.ravel(), axis=0), index.shape)
    if not moved.all():
        found = xp.where(moved, found, np.where(moved, 0.0, places))
    return seen.mark(found) if exact else found


def _page(name: str) -> Primitive | None:
    """Return the page of the primitive that an operation is called by, if there is one."""
    plain = name.partition(".")[2].removeprefix("special_")
    return load_primitives().get(OTHERWISE.get(plain, plain))


def _primitive(name: str) -> Callable[[Operation], Any] | None:
    """Return what applies the elementwise primitive of an operation's name."""
    page = _page(name)
    if page is None or page.attributes or any(operand.kind != "real" for operand in page.operands):
        return None
    return lambda operation: getattr(xp, page.name)(*operation.arguments[: len(page.operands)])


def _renewed(operation: Operation, change: Callable[[Any], Any]) -> Operation:
    """Return an operation on other operands."""
    given, named = trees.tree_map(change, (operation.arguments, dict(operation.named)))
    return Operation(operation.name, given, named, operation.out, operation.seen)


def _as(value: Any, to: str) -> Any:
    return xp.astype(value, to) if isinstance(value, Traced) and value.dtype != to else value


def _each(found: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(found, tuple | list):
        return tuple(None if one is None else change(one) for one in found)
    return None if found is None else change(found)


def _is_known(name: str) -> bool:
    """Whether an operation is read as it stands."""
    return name in MOVED or name in READ or _rule(name) is not None


def _rule(name: str) -> Callable[[Operation], Any] | None:
    """Return what an operation is in steps; the parts that torch makes others of (``prims``) are as those of theirs."""
    return LOWERED.get(name) or LOWERED.get(name.replace("prims.", "aten.")) or _primitive(name)


def _first(out: Any) -> Any:
    return out[0] if isinstance(out, tuple | list) else out


def _is_real(out: Any) -> bool:
    first = _first(out)
    return not isinstance(first, torch.Tensor) or bool(first.dtype.is_floating_point)


def _is_traced(value: Any) -> bool:
    return isinstance(value, Traced)


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _same_memory(one: Any, other: Any) -> bool:
    same: bool = one.data_ptr() == other.data_ptr() and one.shape == other.shape and one.stride() == other.stride()
    return same and one.numel() > 0
