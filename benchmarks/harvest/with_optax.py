"""optax: losses of JAX, some with rules of their own."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from optax._src import utils
from optax.projections import _projections as projections
from subjects import subject

from gradlaw import xp

TWO = "x: batch d, y: batch d"
LABELS = "x: batch v, labels: int batch < v"


def jax(name: str, definition: Any, kernel: Any, signature: str = TWO, **declared: Any) -> Any:
    return subject(name, definition, kernel, signature, engine="jax", examples=15, **declared)


def huber(x: Any, y: Any) -> Any:
    size = xp.abs(x - y)
    near = xp.minimum(size, 1.0)
    return 0.5 * near * (2 * size - near)


def cosine(x: Any, y: Any) -> Any:
    norms = xp.vector_norm(x, axis=-1) * xp.vector_norm(y, axis=-1)
    return xp.sum(x * y, axis=-1) / norms


def pick(x: Any, labels: Any) -> Any:
    return x[np.arange(x.shape[0]), labels]


def margins(x: Any, labels: Any) -> Any:
    other = np.arange(x.shape[1]) != labels[:, None]
    return xp.max(x + 1 - (1.0 - other), axis=-1) - pick(x, labels)


def focal(x: Any, y: Any, gamma: float = 2.0) -> Any:
    p = xp.sigmoid(x)
    loss = xp.softplus(x) - x * y
    return loss * (1 - (p * y + (1 - p) * (1 - y))) ** gamma


def binary(x: Any, y: Any) -> Any:
    return -y * xp.log_sigmoid(x) - (1 - y) * xp.log_sigmoid(-x)


BINARY = {"wrt": "x", "domain": {"y": "[0, 1]"}}
SUBJECTS = [
    jax("squared_error", lambda x, y: (x - y) * (x - y), optax.squared_error),
    jax("l2_loss", lambda x, y: 0.5 * (x - y) * (x - y), optax.l2_loss),
    jax("huber_loss", huber, optax.huber_loss),
    jax("log_cosh", lambda x, y: xp.logaddexp(x - y, y - x) - 0.6931471805599453, optax.log_cosh),
    jax("cosine_similarity", cosine, optax.cosine_similarity, domain={"x": "[0.5, 4]", "y": "[-4, -0.5]"}),
    jax("hinge_loss", lambda x, y: xp.maximum(1 - x * y, 0), optax.losses.hinge_loss),
    jax("perceptron_loss", lambda x, y: xp.maximum(-(x * y), 0), optax.losses.perceptron_loss, wrt="x"),
    jax(
        "sigmoid_binary_cross_entropy",
        lambda x, y: xp.softplus(x) - x * y,
        optax.sigmoid_binary_cross_entropy,
        also=(binary,),
        **BINARY,
    ),
    jax(
        "softmax_cross_entropy",
        lambda x, y: -xp.sum(y * xp.log_softmax(x, axis=-1), axis=-1),
        optax.softmax_cross_entropy,
    ),
    jax(
        "safe_softmax_cross_entropy",
        lambda x, y: -xp.sum(y * xp.log_softmax(x, axis=-1), axis=-1),
        optax.safe_softmax_cross_entropy,
    ),
    jax(
        "softmax_cross_entropy_with_integer_labels",
        lambda x, labels: xp.logsumexp(x, axis=-1) - pick(x, labels),
        optax.softmax_cross_entropy_with_integer_labels,
        LABELS,
    ),
    jax(
        "weighted_logsoftmax",
        lambda x, y: y * xp.log_softmax(x, axis=-1),
        optax.losses._classification.weighted_logsoftmax,
    ),
    jax(
        "sigmoid_focal_loss",
        focal,
        lambda x, y: optax.losses.sigmoid_focal_loss(x, y, gamma=2.0),
        wrt="x",
        domain={"y": "[0, 1]"},
    ),
    jax(
        "poly_loss_cross_entropy",
        lambda x, y: (
            -xp.sum(y * xp.log_softmax(x, axis=-1), axis=-1) + 2 * xp.sum(y * (1 - xp.softmax(x, axis=-1)), axis=-1)
        ),
        lambda x, y: optax.losses.poly_loss_cross_entropy(x, y, epsilon=2.0),
    ),
    jax(
        "kl_divergence",
        lambda x, y: xp.sum(y * (xp.log(y) - x), axis=-1),
        optax.losses.kl_divergence,
        domain={"y": "(0.01, 1)"},
    ),
    jax(
        "kl_divergence_with_log_targets",
        lambda x, y: xp.sum(xp.exp(y) * (y - x), axis=-1),
        optax.losses.kl_divergence_with_log_targets,
    ),
    jax("multiclass_hinge_loss", margins, lambda x, labels: optax.losses.multiclass_hinge_loss(x, labels), LABELS),
    jax(
        "scale_gradient",
        lambda x: 0.25 * x + xp.stop_gradient(0.75 * x),
        lambda x: utils.scale_gradient(x, 0.25),
        "x: batch d",
    ),
    jax(
        "projection_hypercube",
        lambda x: xp.clip(x, 0.0, 1.0),
        lambda x: optax.projections.projection_hypercube(x),
        "x: batch d",
    ),
    jax("projection_non_negative", lambda x: xp.relu(x), projections.projection_non_negative, "x: batch d"),
    jax(
        "projection_l2_sphere",
        lambda x: x / xp.vector_norm(x),
        projections.projection_l2_sphere,
        "x: n",
        domain={"x": "[0.5, 8]"},
    ),
    jax("safe_norm", lambda x: xp.maximum(xp.vector_norm(x), 0.5), lambda x: optax.safe_norm(x, 0.5), "x: n"),
    jax(
        "log_cosh of zeros",
        lambda x: xp.logaddexp(x, -x) - 0.6931471805599453,
        lambda x: optax.log_cosh(x, jnp.zeros_like(x)),
        "x: n",
    ),
]
