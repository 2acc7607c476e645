"""Mutants: wrong engines, each the reference with one fault, that the laws must kill.

A mutant is killed on a ``subject`` (a primitive, or ``program``) in a ``dtype``; ``tests/meta`` runs the laws
that claim it there. The faults are those that real engines have had, and those of ``LAWS``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from gradlaw_properties.engines import primals_of, pullback_of, reference_target, run
from gradlaw_reference import RULES, Rule, Tape, apply, as_array
from gradlaw_reference import Array as ReferenceArray
from gradlaw_spec import Array, Primitive, Program, Pull, Target, dtype, load_primitives
from gradlaw_spec.target import Arrays, Gradients, Start, Values, Walked

Keep = list[Any] | None


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong engine: its name, how it is made, and where it must be caught."""

    name: str
    build: Callable[[], Target]
    subject: str = "program"
    dtype: str = "float64"


# --- faults of the finished gradient, or of the cotangent on its way in ----------------------------


def _gradient_fault(
    name: str, fault: Callable[[Array, Array, int], Array], subject: str = "program", dtype_name: str = "float64"
) -> Mutant:
    """``fault(gradient, primal, position) -> gradient`` after a right backward pass."""
    right = pullback_of()

    def pullback(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
        outputs, right_pull = right(program, values, keep)
        primals = primals_of(program, values)

        def pull(cotangents: Arrays) -> Gradients:
            wrong = []
            for position, (gradient, primal) in enumerate(zip(right_pull(cotangents), primals, strict=True)):
                assert gradient is not None
                with np.errstate(all="ignore"):
                    wrong.append(np.asarray(fault(gradient, primal, position)))
            return tuple(wrong)

        return outputs, pull

    return Mutant(name, lambda: reference_target(name, pullback=pullback), subject, dtype_name)


def _cotangent_fault(name: str, fault: Callable[[Array], Array], subject: str = "program") -> Mutant:
    def wrong(pull: Pull, values: Arrays, cotangents: Arrays) -> Gradients:
        return pull(tuple(np.asarray(fault(g)).astype(g.dtype) for g in cotangents))

    return _pull_fault(name, wrong, subject)


def _pull_fault(name: str, fault: Callable[[Pull, Arrays, Arrays], Gradients], subject: str = "program") -> Mutant:
    """``fault(pull, primals, cotangents) -> gradients`` with the right pull, after a right forward pass."""
    right = pullback_of()

    def pullback(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
        outputs, pull = right(program, values, keep)
        primals = primals_of(program, values)
        return outputs, lambda cotangents: fault(pull, primals, cotangents)

    return Mutant(name, lambda: reference_target(name, pullback=pullback), subject)


def _typed(number: float) -> Callable[[Array, Array, int], Array]:
    return lambda gradient, primal, position: (gradient.astype(np.float64) * number).astype(gradient.dtype)


def _through(name: str) -> Callable[[Array, Array, int], Array]:
    return lambda gradient, primal, position: gradient.astype(dtype(name).numpy).astype(gradient.dtype)


def _where_primal(condition: Callable[[Array], Array]) -> Callable[[Array, Array, int], Array]:
    return lambda gradient, primal, position: np.where(condition(primal), -gradient, gradient)


def _zero_one(gradient: Array, primal: Array, position: int) -> Array:
    if gradient.size < 20:
        return gradient
    wrong = gradient.copy()
    wrong.reshape(-1)[gradient.size // 2] = 0
    return wrong


sign_flip = _gradient_fault("sign-flip", _typed(-1))
doubled = _gradient_fault("doubled", _typed(2))
one_percent = _gradient_fault("one-percent", _typed(1.01), "add")
twentieth_percent = _gradient_fault("twentieth-percent", _typed(1.0005))
relative_error = _gradient_fault("relative-error-2^-40", _typed(1 + 2.0**-40))
all_zeros = _gradient_fault("all-zeros", _typed(0))
one_zeroed = _gradient_fault("one-zeroed", _zero_one, "sum")
reversed_order = _gradient_fault("reversed-order", lambda g, x, i: g.reshape(-1)[::-1].reshape(g.shape), "reshape")
clipped_result = _gradient_fault("clipped-result", lambda g, x, i: np.clip(g, -10, 10), "multiply")
absolute_offset = _gradient_fault("absolute-offset", lambda g, x, i: g + np.asarray(1e-6, g.dtype))
float32_round_trip = _gradient_fault("float32-round-trip", _through("float32"))
float16_round_trip = _gradient_fault("float16-round-trip", _through("float16"), "program", "float32")
bfloat16_round_trip = _gradient_fault("bfloat16-round-trip", _through("bfloat16"), "program", "float32")
wrong_below_zero = _gradient_fault("wrong-below-zero", _where_primal(lambda x: x < 0), "tanh")
wrong_at_zero = _gradient_fault("wrong-at-zero", _where_primal(lambda x: x == 0), "sin")
wrong_above_hundred = _gradient_fault("wrong-above-hundred", _where_primal(lambda x: np.abs(x) > 100), "multiply")
wrong_at_one_input = _gradient_fault(
    "wrong-at-one-input", _where_primal(lambda x: x == 1.2890625 * 2.0**-41), "log", "bfloat16"
)
nan_for_infinity = _gradient_fault(
    "nan-for-infinity", lambda g, x, i: np.where(np.isinf(x), np.nan, g).astype(g.dtype), "tanh"
)
gradients_in_float64 = _gradient_fault(
    "gradients-in-float64", lambda g, x, i: g.astype(np.float64), "program", "float32"
)
drops_unit_axes = _gradient_fault("drops-unit-axes", lambda g, x, i: np.squeeze(g), "add")

ignores_cotangent = _cotangent_fault("ignores-cotangent", np.ones_like)
absolute_cotangent = _cotangent_fault("absolute-cotangent", np.abs)
positive_part = _cotangent_fault("positive-part", lambda g: np.maximum(g, 0))
clipped_cotangent = _cotangent_fault("clipped-cotangent", lambda g: np.clip(g, -1, 1))
quadratic_cotangent = _cotangent_fault("quadratic-cotangent", lambda g: g * np.abs(g))


# --- faults of one rule ---------------------------------------------------------------------------


def _rule_fault(
    name: str, subject: str, changes: Mapping[str, Callable[[Rule], Rule]], dtype_name: str = "float64"
) -> Mutant:
    def build() -> Target:
        rules = {**RULES, **{changed: change(RULES[changed]) for changed, change in changes.items()}}
        return reference_target(name, tape=lambda: Tape(rules=rules))

    return Mutant(name, build, subject, dtype_name)


def _with_vjp(*vjp: Callable[..., Any]) -> Callable[[Rule], Rule]:
    return lambda rule: replace(rule, vjp=vjp)


def _call(primitive: str, *operands: Any, **attributes: Any) -> ReferenceArray:
    return apply(primitive, operands, attributes)


def _through_value(rule: Rule) -> Rule:
    local = rule.vjp[0]
    return replace(rule, vjp=(lambda g, y, x: local(g, y, y),))


def _swapped(rule: Rule) -> Rule:
    return replace(rule, vjp=(rule.vjp[1], rule.vjp[0]))


def _transposed(rule: Rule) -> Rule:
    def wrap(local: Callable[..., ReferenceArray]) -> Callable[..., ReferenceArray]:
        def wrong(g: Any, y: Any, x1: Any, x2: Any) -> ReferenceArray:
            gradient = local(g, y, x1, x2)
            return _call("matrix_transpose", gradient) if gradient.ndim >= 2 else gradient

        return wrong

    return replace(rule, vjp=tuple(wrap(local) for local in rule.vjp))


def _all_axes(rule: Rule) -> Rule:
    """Transposes every axis of a batch; where the shapes then do not fit, what comes out is cut to fit."""

    def wrong(g: Any, y: Any, x1: Any, x2: Any) -> ReferenceArray:
        right: ReferenceArray = rule.vjp[0](g, y, x1, x2)
        if x2.ndim < 3:
            return right
        reverse = tuple(reversed(range(x2.ndim)))
        other = np.resize(np.transpose(x2.data, reverse), (*x2.shape[:-2], x2.shape[-1], x2.shape[-2]))
        with np.errstate(over="ignore"):
            product = np.matmul(g.data if x1.ndim > 1 else g.data[..., None, :], other)
        return as_array(np.resize(product, right.shape))

    return replace(rule, vjp=(wrong, rule.vjp[1]))


def _fused_sigmoid(g: ReferenceArray, y: ReferenceArray, x: ReferenceArray) -> ReferenceArray:
    return g * (y * (1 + y))


def _relu_at_zero(g: Any, y: Any, x: Any) -> ReferenceArray:
    data = x.data
    return _call("where", data == 0, -g, _call("where", data > 0, g, 0))


def _tied(above: Callable[[Any, Any], Any]) -> Callable[[Rule], Rule]:
    return _with_vjp(
        lambda g, y, x1, x2: _call("where", np.asarray(above(as_array(x1).data, as_array(x2).data)), g, 0),
        lambda g, y, x1, x2: _call("where", np.asarray(above(as_array(x2).data, as_array(x1).data)), g, 0),
    )


def _last_write(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, indices: Any, *, axis: int = 0) -> ReferenceArray:
        result = np.zeros(x.shape, g.dtype)
        places = np.asarray(getattr(indices, "data", indices)).astype(np.int64)
        result[(*(slice(None),) * (axis % x.ndim), places)] = g.data
        return as_array(result)

    return replace(rule, vjp=(wrong,))


def _mean_for_sum(rule: Rule) -> Rule:
    def wrong(g: Any, y: Any, x: Any, **attributes: Any) -> ReferenceArray:
        gradient = rule.vjp[0](g, y, x, **attributes)
        return _call("multiply", gradient, max(g.data.size, 1) / max(gradient.data.size, 1))

    return replace(rule, vjp=(wrong,))


def _no_gradient(rule: Rule) -> Rule:
    return replace(rule, vjp=())


def _smooth_unary(page: Primitive) -> bool:
    return page.shapes == "elementwise" and len(page.operands) == 1 and not page.kinks


def _view(page: Primitive) -> bool:
    """Whether an engine may return its operand's own memory: one array, whose elements it moves or repeats."""
    moves = page.pattern in ("moves-invert", "broadcast-sums")
    return moves and len(page.operands) == 1 and page.operands[0].kind == "real"


UNARY = tuple(name for name, page in load_primitives().items() if _smooth_unary(page))
VIEWS = tuple(name for name, page in load_primitives().items() if _view(page))

at_the_output = _rule_fault("at-the-output", "sin", dict.fromkeys(UNARY, _through_value))
loses_digits_in_the_tail = _rule_fault(
    "loses-digits-in-the-tail", "log1p", {"log1p": _with_vjp(lambda g, y, x: g * (1 - x / (1 + x)))}
)
operands_swapped = _rule_fault("operands-swapped", "multiply", {"multiply": _swapped, "divide": _swapped})
transposes_matrices = _rule_fault("transposes-matrices", "matmul", {"matmul": _transposed})
transposes_all_axes = _rule_fault("transposes-all-axes", "matmul", {"matmul": _all_axes})
fused_differs = _rule_fault("fused-differs", "sigmoid", {"sigmoid": _with_vjp(_fused_sigmoid)})
relu_minus_one_at_zero = _rule_fault("relu-minus-one-at-zero", "relu", {"relu": _with_vjp(_relu_at_zero)})
maximum_sends_all_to_both = _rule_fault("maximum-sends-all-to-both", "maximum", {"maximum": _tied(lambda x, y: x >= y)})
ties_get_nothing = _rule_fault("ties-get-nothing", "maximum", {"maximum": _tied(lambda x, y: x > y)})
through_unselected = _rule_fault(
    "through-unselected",
    "where",
    {"where": _with_vjp(*(lambda g, y, *operands: g,) * 3)},
)
last_write_wins = _rule_fault("last-write-wins", "take", {"take": _last_write})
mean_for_sum = _rule_fault("mean-for-sum", "sum", {"sum": _mean_for_sum})
detaches_view = _rule_fault("detaches-view", "reshape", dict.fromkeys(VIEWS, _no_gradient))
exponent_without_gradient = _rule_fault(
    "exponent-without-gradient", "pow", {"pow": lambda rule: replace(rule, vjp=rule.vjp[:1])}
)


# --- faults of the engine -------------------------------------------------------------------------


def _tape_fault(name: str, tape: Callable[[], Tape], subject: str = "program", dtype_name: str = "float64") -> Mutant:
    return Mutant(name, lambda: reference_target(name, tape=tape), subject, dtype_name)


class _Overwrites(Tape):
    """The last branch wins: ``=`` where ``+=`` belongs."""

    def accumulate(self, cotangents: list[ReferenceArray]) -> ReferenceArray:
        return cotangents[-1]


class _CountsTwice(Tape):
    """A node with several users is swept once for each."""

    def accumulate(self, cotangents: list[ReferenceArray]) -> ReferenceArray:
        total = super().accumulate(cotangents)
        return total if len(cotangents) == 1 else total + cotangents[0]


class _WrongOrder(Tape):
    """Nodes are swept oldest first, each once, before all of their users have sent."""

    def sweep(self, seeds: Mapping[int, list[ReferenceArray]]) -> dict[int, ReferenceArray]:
        received = {node: list(cotangents) for node, cotangents in seeds.items()}
        queue, done = list(received), set[int]()
        while queue:
            index = queue.pop(queue.index(min(queue)))
            node = self.nodes[index]
            if index in done or node is None:
                continue
            done.add(index)
            for position, parent in node.parents:
                share = self.pull(node, position, self.accumulate(received[index]))
                if share is not None:
                    received.setdefault(parent, []).append(share)
                    queue.append(parent)
        return {index: self.accumulate(got) for index, got in received.items() if self.nodes[index] is None}


class _ForgetsToSum(Tape):
    """Takes the first slice of a broadcast axis."""

    def fit(self, share: ReferenceArray, shape: tuple[int, ...]) -> ReferenceArray:
        if share.shape == shape or 0 in share.shape:
            return super().fit(share, shape)
        data = share.data[(0,) * (share.ndim - len(shape))]
        return as_array(data[tuple(slice(0, length) for length in shape)].copy())


class _SumsWrongAxis(Tape):
    """Sums the axes that were not broadcast, and fills the shape with what comes out."""

    def fit(self, share: ReferenceArray, shape: tuple[int, ...]) -> ReferenceArray:
        if share.shape == shape or share.ndim < 2 or 0 in share.shape:
            return super().fit(share, shape)
        return as_array(np.resize(share.data.sum(axis=-1 if shape[-1:] != (1,) else 0), shape))


class _NeverFits(Tape):
    """Hands the cotangent on in the broadcast shape."""

    def fit(self, share: ReferenceArray, shape: tuple[int, ...]) -> ReferenceArray:
        return share


class _WeakIntermediates(Tape):
    """Holds what the caller holds: a node whose value was dropped passes nothing on."""

    def record(self, rule: Rule, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> ReferenceArray:
        value = super().record(rule, operands, attributes)
        _ALIVE[(self.level, value.node)] = weakref.ref(value)
        return value

    def pull(self, node: Any, position: int, cotangent: ReferenceArray) -> ReferenceArray | None:
        index = next(place for place, other in enumerate(self.nodes) if other is node)
        last = index == len(self.nodes) - 1
        if not last and _ALIVE[(self.level, index)]() is None:
            return None
        return super().pull(node, position, cotangent)


_ALIVE: dict[tuple[int, int], weakref.ref[ReferenceArray]] = {}


class _ConstantsInFloat32(Tape):
    """Keeps Python scalars in single precision."""

    def record(self, rule: Rule, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> ReferenceArray:
        narrowed = tuple(float(np.float32(item)) if isinstance(item, float) else item for item in operands)
        return super().record(rule, narrowed, attributes)


class _WrongInside(Tape):
    """Differentiates what an input feeds, and goes wrong at what an intermediate feeds."""

    def pull(self, node: Any, position: int, cotangent: ReferenceArray) -> ReferenceArray | None:
        share = super().pull(node, position, cotangent)
        inner = any(self.nodes[parent] is not None for _, parent in node.parents)
        return share if share is None or not inner else -share


class _InnerExponentDetached(Tape):
    """Records the exponent of a power only where it is a variable."""

    def pull(self, node: Any, position: int, cotangent: ReferenceArray) -> ReferenceArray | None:
        inner = any(self.nodes[parent] is not None for place, parent in node.parents if place == position)
        return None if node.rule.name == "pow" and position == 1 and inner else super().pull(node, position, cotangent)


class _SharedBuffers(Tape):
    """Adds what arrives later into the array that arrived first, whoever else holds it."""

    def accumulate(self, cotangents: list[ReferenceArray]) -> ReferenceArray:
        first, *others = cotangents
        for other in others:
            if not first.data.flags.writeable:
                return super().accumulate(cotangents)
            first.data[...] += other.data
        return first


class _EveryPath(Tape):
    """Walks each way back by itself, and so two to the power of the branches."""

    def sweep(self, seeds: Mapping[int, list[ReferenceArray]]) -> dict[int, ReferenceArray]:
        waiting = [(index, cotangent) for index, cotangents in seeds.items() for cotangent in cotangents]
        received: dict[int, list[ReferenceArray]] = {}
        while waiting:
            index, cotangent = waiting.pop()
            node = self.nodes[index]
            if node is None:
                received.setdefault(index, []).append(cotangent)
                continue
            for position, parent in node.parents:
                share = self.pull(node, position, cotangent)
                if share is not None:
                    waiting.append((parent, share))
        return {index: self.accumulate(cotangents) for index, cotangents in received.items()}


class _NanAtEdge(Tape):
    """Multiplies zero by infinity."""

    def stop_zeros(self, cotangent: ReferenceArray, share: ReferenceArray) -> ReferenceArray:
        return share


overwrites = _tape_fault("overwrites", _Overwrites)
counts_twice = _tape_fault("counts-twice", _CountsTwice)
wrong_order = _tape_fault("wrong-order", _WrongOrder)
forgets_to_sum = _tape_fault("forgets-to-sum", _ForgetsToSum, "add")
sums_wrong_axis = _tape_fault("sums-wrong-axis", _SumsWrongAxis, "multiply")
forgets_to_unbroadcast = _tape_fault("forgets-to-unbroadcast", _NeverFits, "add")
weak_intermediates = _tape_fault("weak-intermediates", _WeakIntermediates)
constants_in_float32 = _tape_fault("constants-in-float32", _ConstantsInFloat32, "multiply")
wrong_at_inner_steps = _tape_fault("wrong-at-inner-steps", _WrongInside)
inner_exponent_without_gradient = _tape_fault("inner-exponent-without-gradient", _InnerExponentDetached, "pow")
shares_cotangent_buffers = _tape_fault("shares-cotangent-buffers", _SharedBuffers, "add")
walks_every_path = _tape_fault("walks-every-path", _EveryPath)
nan_at_domain_edge = _tape_fault("nan-at-domain-edge", _NanAtEdge, "sqrt")


# --- faults of the call ---------------------------------------------------------------------------


def _corner_without_length(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    """Where the length is 0, hand the cotangent to both operands: each alone is allowed, the vector is too long."""
    gradients = pull(cotangents)
    if any(primal.shape != cotangents[0].shape for primal in primals):
        return gradients
    zero = np.logical_and.reduce([primal == 0 for primal in primals])
    right = (
        np.zeros_like(primal) if found is None else found for primal, found in zip(primals, gradients, strict=True)
    )
    return tuple(np.where(zero, cotangents[0], gradient).astype(gradient.dtype) for gradient in right)


def _stale_state() -> Target:
    previous: dict[tuple[int, ...], Array] = {}

    def fault(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
        left_over = []
        for gradient in pull(cotangents):
            assert gradient is not None
            left_over.append(gradient + previous.get(gradient.shape, np.zeros_like(gradient)))
            previous[gradient.shape] = gradient
        return tuple(left_over)

    return _pull_fault("stale-state", fault).build()


def _accumulating(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    gradients = pull(cotangents)
    for cotangent in cotangents:
        cotangent += cotangent
    return gradients


def _overwriting(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    gradients = pull(cotangents)
    for primal in primals:
        primal *= primal
    return gradients


def _merging(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    """Equal values become one variable: the first holder gets the gradient, the others nothing."""
    owner = [
        next(i for i, other in enumerate(primals) if other.shape == primal.shape and (other == primal).all())
        for primal in primals
    ]
    merged = [np.zeros_like(primal) for primal in primals]
    for position, gradient in enumerate(pull(cotangents)):
        assert gradient is not None
        merged[owner[position]] = merged[owner[position]] + gradient
    return tuple(merged)


def _unused_gets_ones(pull: Pull, primals: Arrays, cotangents: Arrays) -> Gradients:
    return tuple(np.ones_like(g) if g is not None and not g.any() else g for g in pull(cotangents))


def _refuses_unused(program: Program, values: Values, keep: Keep = None) -> tuple[Arrays, Pull]:
    used = {operand for step in program.steps for operand in step.operands}
    if any(name not in used for name in program.inputs):
        raise RuntimeError("one of the differentiated inputs was not used in the graph")
    return pullback_of()(program, values, keep)


def _wrong_run(program: Program, values: Values) -> Arrays:
    return tuple((out.astype(np.float64) * 1.001).astype(out.dtype) for out in run(program, values))


def _walks_fault(name: str, fault: Callable[[list[Arrays], Pull, bool], list[Gradients]]) -> Mutant:
    """``fault(starts, pull, anew) -> left``: what each walk leaves, with the right pull."""
    right = pullback_of()

    def walks(program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False) -> Walked:
        outputs, pull = right(program, values)
        given = [
            tuple(np.zeros_like(out) if one is None else one for out, one in zip(outputs, start or (), strict=True))
            for start in starts
        ]
        return Walked(tuple(fault(given, pull, anew)))

    return Mutant(name, lambda: reference_target(name, walks=walks))


def _two_where_there_are_axes(
    program: Program, values: Values, starts: tuple[Start, ...], *, anew: bool = False
) -> Walked:
    outputs, pull = pullback_of()(program, values)
    return Walked((pull(tuple(np.full_like(output, 2 if output.ndim else 1) for output in outputs)),))


def _over_old_gradients(starts: list[Arrays], pull: Pull, anew: bool) -> list[Gradients]:
    """What was sent before is sent again with every later walk."""
    return _running(pull(start) if anew else pull(total) for start, total in zip(starts, _running(starts), strict=True))


def _once_only(starts: list[Arrays], pull: Pull, anew: bool) -> list[Gradients]:
    sent = [pull(start) for start in starts]
    return _running(sent) if anew else [sent[0]] * len(sent)


def _running(terms: Iterable[Any]) -> list[Any]:
    """Return the sums so far, array by array."""
    return list(accumulate(terms, lambda one, other: tuple(a + b for a, b in zip(one, other, strict=True))))


def _rereading(program: Program, values: Values, others: Values, cotangents: Arrays) -> Gradients:
    _, pull = pullback_of()(program, others)
    return pull(cotangents)


walks_again_over_old_gradients = _walks_fault("walks-again-over-old-gradients", _over_old_gradients)
starts_from_two_where_there_are_axes = Mutant(
    "starts-from-two-where-there-are-axes",
    lambda: reference_target("starts-from-two-where-there-are-axes", walks=_two_where_there_are_axes),
)
walks_once_only = _walks_fault("walks-once-only", _once_only)
rereads_its_inputs = Mutant(
    "rereads-its-inputs", lambda: reference_target("rereads-its-inputs", overwritten=_rereading), "multiply"
)
stale_state = Mutant("stale-state", _stale_state)
corner_without_length = _pull_fault("corner-without-length", _corner_without_length, "hypot")
accumulates_into_cotangent = _pull_fault("accumulates-into-cotangent", _accumulating)
overwrites_primal = _pull_fault("overwrites-primal", _overwriting)
merges_equal_values = _pull_fault("merges-equal-values", _merging, "multiply")
unused_gets_cotangent = _pull_fault("unused-gets-cotangent", _unused_gets_ones)
unused_is_refused = Mutant("unused-is-refused", lambda: reference_target("unused-is-refused", pullback=_refuses_unused))
wrong_value = Mutant("wrong-value", lambda: reference_target("wrong-value", plain=_wrong_run))


def all_mutants() -> tuple[Mutant, ...]:
    """Return every hand-written mutant, by name."""
    found = {item.name: item for item in globals().values() if isinstance(item, Mutant)}
    return tuple(found[name] for name in sorted(found))
