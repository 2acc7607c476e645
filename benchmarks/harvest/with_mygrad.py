"""mygrad: a tensor library for courses, whose every operation has a backward in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mygrad
import mygrad.nnet as nnet
import numpy as np
from subjects import Subject, subject

from gradlaw import xp


def pair(function: Callable[..., Any], constant: tuple[int, ...] = ()) -> tuple[Any, Any]:
    """Return forward and backward of a function of mygrad; the arguments at some places are no tensors."""

    def forward(*arguments: Any, **options: Any) -> Any:
        places = [place for place, one in enumerate(arguments) if place not in constant and isinstance(one, np.ndarray)]
        given = [mygrad.tensor(one, copy=False) if place in places else one for place, one in enumerate(arguments)]
        output = function(*given, **options)
        return np.array(output.data), [output, [given[place] for place in places]]

    def backward(saved: Any, cotangent: Any) -> Any:
        output, tensors = saved
        if output is None:
            raise NotImplementedError("mygrad clears its graph")
        saved[0] = None
        output.backward(cotangent)
        return tuple(np.zeros_like(one.data) if one.grad is None else one.grad for one in tensors)

    return forward, backward


def same(name: str, mine: str = "", **declared: Any) -> Subject:
    """Return the subject of an elementwise function that the law book has."""
    definition = getattr(xp, mine or name)
    return subject(name, lambda *x: definition(*x), pair(getattr(mygrad, name)), **{"signature": "x: n", **declared})


TWO = "x: batch d, y: d"
POSITIVE = {"x": "(0, inf)"}


def pick(x: Any, labels: Any) -> Any:
    return x[np.arange(x.shape[0]), labels]


def hinge(x: Any, labels: Any) -> Any:
    rows, classes = x.shape
    margins = xp.maximum(x - xp.expand_dims(pick(x, labels), axis=1) + 1, 0)
    return xp.sum(xp.where(np.arange(classes) != labels[:, None], margins, 0.0)) / rows


def focal(x: Any, labels: Any, alpha: float = 1.0, gamma: float = 2.0) -> Any:
    p = pick(x, labels)
    return -alpha * (1 - p) ** gamma * xp.log(p)


def softmax_focal(x: Any, labels: Any, alpha: float = 1.0, gamma: float = 2.0) -> Any:
    return focal(xp.softmax(x, axis=-1), labels, alpha, gamma)


def running(x: Any, product: bool) -> Any:
    function = xp.prod if product else xp.sum
    return xp.stack([function(x[:, : end + 1], axis=1) for end in range(x.shape[1])], axis=1)


def matrix(name: str, definition: Any, function: Any, **declared: Any) -> Subject:
    return subject(name, definition, pair(function), **declared)


def reduced(name: str) -> Subject:
    mine, theirs = getattr(xp, name), getattr(mygrad, name)
    return matrix(name, lambda x: mine(x, axis=1), lambda x: theirs(x, axis=1))


SUBJECTS = [
    *(same(name) for name in "exp exp2 expm1 sin cos tan sinh cosh tanh square reciprocal".split()),  # noqa: SIM905
    *(same(name, domain=POSITIVE) for name in ("log", "log2", "log10", "sqrt")),
    same("log1p", domain={"x": "(-1, inf)"}),
    same("arcsin", "asin", domain={"x": "(-1, 1)"}),
    same("arccos", "acos", domain={"x": "(-1, 1)"}),
    same("arctan", "atan"),
    same("arcsinh", "asinh"),
    same("arccosh", "acosh", domain={"x": "(1, inf)"}),
    same("arctanh", "atanh", domain={"x": "(-1, 1)"}),
    same("absolute", "abs"),
    same("arctan2", "atan2", signature=TWO),
    same("logaddexp", signature=TWO),
    same("maximum", signature=TWO),
    same("minimum", signature=TWO),
    same("add", signature=TWO),
    same("subtract", signature=TWO),
    same("multiply", signature=TWO),
    same("true_divide", "divide", signature=TWO),
    same("power", "pow", signature=TWO, domain=POSITIVE),
    same("matmul", signature="x: a b, y: b c"),
    *(reduced(name) for name in ("sum", "mean", "var", "std", "max", "min", "prod")),
    matrix("cumsum", lambda x: running(x, False), lambda x: mygrad.cumsum(x, axis=1)),
    # its gradient is a running sum of g·y, divided by x: more roundings than a product has
    matrix("cumprod", lambda x: running(x, True), lambda x: mygrad.cumprod(x, axis=1)),
    matrix("norm", lambda x: xp.vector_norm(x, axis=1), lambda x: mygrad.linalg.norm(x, axis=1)),
    matrix("clip", lambda x: xp.clip(x, -1.0, 1.0), lambda x: mygrad.clip(x, -1.0, 1.0)),
    matrix("einsum", lambda x, y: x @ y.mT, lambda x, y: mygrad.einsum("ab,cb->ac", x, y), signature="x: a b, y: c b"),
    matrix("sinc", lambda x: xp.sin(math.pi * x) / (math.pi * x), mygrad.sinc, domain={"x": "(0, inf)"}),
    matrix("cbrt", lambda x: x ** (1 / 3), mygrad.cbrt, domain=POSITIVE),
    matrix("sigmoid", xp.sigmoid, nnet.activations.sigmoid),
    matrix("relu", xp.relu, nnet.activations.relu),
    matrix(
        "leaky_relu", lambda x: xp.maximum(x, 0) + 0.1 * xp.minimum(x, 0), lambda x: nnet.activations.leaky_relu(x, 0.1)
    ),
    matrix(
        "elu", lambda x: xp.maximum(x, 0) + 0.5 * xp.expm1(xp.minimum(x, 0)), lambda x: nnet.activations.elu(x, 0.5)
    ),
    matrix("hard_tanh", lambda x: xp.clip(x, -1.0, 1.0), nnet.activations.hard_tanh),
    matrix("soft_sign", lambda x: x / (1 + xp.abs(x)), nnet.activations.soft_sign),
    matrix(
        "selu",
        lambda x: 1.0507009873554805 * (xp.maximum(x, 0) + 1.6732632423543772 * xp.expm1(xp.minimum(x, 0))),
        nnet.activations.selu,
    ),
    matrix(
        "glu", lambda x: x[:, :3] * xp.sigmoid(x[:, 3:]), lambda x: nnet.activations.glu(x, 1), signature="x: batch 6"
    ),
    matrix("softmax", lambda x: xp.softmax(x, axis=-1), nnet.activations.softmax),
    matrix("logsoftmax", lambda x: xp.log_softmax(x, axis=-1), nnet.activations.logsoftmax),
    subject(
        "softmax_crossentropy",
        lambda x, labels: -xp.mean(pick(xp.log_softmax(x, axis=-1), labels)),
        pair(nnet.losses.softmax_crossentropy, (1,)),
        "x: batch v, labels: int batch < v",
    ),
    subject(
        "negative_log_likelihood",
        lambda x, labels: -xp.mean(pick(x, labels)),
        pair(nnet.losses.negative_log_likelihood, (1,)),
        "x: batch v, labels: int batch < v",
    ),
    subject("multiclass_hinge", hinge, pair(nnet.losses.multiclass_hinge, (1,)), "x: batch v, labels: int batch < v"),
    subject(
        "focal_loss",
        focal,
        pair(lambda x, labels: nnet.losses.focal_loss(x, labels, alpha=1.0, gamma=2.0), (1,)),
        "x: batch v, labels: int batch < v",
        domain={"x": "(0, 1)"},
    ),
    subject(
        "softmax_focal_loss",
        softmax_focal,
        pair(lambda x, labels: nnet.losses.softmax_focal_loss(x, labels, alpha=1.0, gamma=2.0), (1,)),
        "x: batch v, labels: int batch < v",
    ),
    subject(
        "margin_ranking_loss",
        lambda x, y: xp.mean(xp.maximum(0.5 - (x - y), 0)),
        pair(lambda x, y: nnet.losses.margin_ranking_loss(x, y, 1, 0.5)),
        "x: n, y: n",
    ),
]
