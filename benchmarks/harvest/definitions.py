"""Definitions that several packages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradlaw import xp


def pick(x: Any, labels: Any) -> Any:
    return x[np.arange(x.shape[0]), labels]


def rms_norm(x: Any, w: Any, eps: float = 1e-6) -> Any:
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + eps) * w


def layer_norm(x: Any, w: Any, b: Any, eps: float = 1e-5) -> Any:
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + eps) * w + b


def sparsemax(x: Any) -> Any:
    """The threshold is the largest of (the sum of the k largest, less 1) / k: no support has to be chosen."""
    order = np.argsort(-np.asarray(x.data), axis=-1, kind="stable")
    rows = np.arange(x.shape[0])[:, None]
    thresholds = [(xp.sum(x[rows, order[:, :k]], axis=-1) - 1) / k for k in range(1, x.shape[1] + 1)]
    return xp.relu(x - xp.expand_dims(xp.max(xp.stack(thresholds, axis=-1), axis=-1), axis=-1))


def cross_entropy(smoothing: float = 0.0, z: float = 0.0, cap: float = 0.0) -> Callable[..., Any]:
    """Return a softmax cross entropy, with label smoothing, z-loss and softcap."""

    def definition(x: Any, labels: Any) -> Any:
        classes = x.shape[-1]
        target = (np.arange(classes) == labels[:, None]) * (1 - smoothing) + smoothing / classes
        x = cap * xp.tanh(x / cap) if cap else x
        loss = -xp.sum(target * xp.log_softmax(x, axis=-1), axis=-1)
        total = xp.logsumexp(x, axis=-1)
        return loss + z * total * total if z else loss

    return definition
