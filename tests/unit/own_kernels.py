"""Layer normalisation in NumPy, as a course writes it, and what can be wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradlaw import xp

EPS = 1e-5
SIGNATURE = "x: batch d, w: d, b: d"


def layer_norm(x: Any, w: Any, b: Any) -> Any:
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + EPS) * w + b


def forward(x: Any, w: Any, b: Any) -> tuple[Any, Any]:
    x32, w32 = x.astype(np.float32), w.astype(np.float32)
    centred = x32 - x32.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(EPS))
    normal = centred * inverse
    return (normal * w32 + b.astype(np.float32)).astype(x.dtype), [normal, inverse, w32, x]


def backward(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    normal, inverse, w, x = saved
    g = cotangent.astype(np.float32)
    inner = g * w
    mean = inner.mean(-1, keepdims=True) + normal * (inner * normal).mean(-1, keepdims=True)
    to = x.dtype
    return (inverse * (inner - mean)).astype(to), (g * normal).sum(0).astype(to), g.sum(0).astype(to)


def eps_forgotten(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    normal, inverse, w, x = saved
    centred = normal / inverse
    without = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-12))
    return backward([centred * without, without, w, x], cotangent)


def mean_forgotten(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    _, inverse, w, x = saved
    _, of_w, of_b = backward(saved, cotangent)
    return (inverse * cotangent.astype(np.float32) * w).astype(x.dtype), of_w, of_b


def last_row_only(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    of_x, _, of_b = backward(saved, cotangent)
    return of_x, (cotangent.astype(np.float32) * saved[0])[-1].astype(of_b.dtype), of_b


def cotangent_ignored(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    return backward(saved, np.ones_like(cotangent))


def absolute_cotangent(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    return backward(saved, np.abs(cotangent))


def all_zeros(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    return tuple(map(np.zeros_like, backward(saved, cotangent)))


def cotangent_overwritten(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    found = backward(saved, cotangent)
    cotangent *= 2
    return found


def input_overwritten(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    found = backward(saved, cotangent)
    saved[3] += 1
    return found


def saved_overwritten(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    found = backward(saved, cotangent)
    saved[1] *= 0.5
    return found


def wrong_shape(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    of_x, of_w, of_b = backward(saved, cotangent)
    return of_x, of_w, np.broadcast_to(of_b, cotangent.shape)


def wrong_dtype(saved: Any, cotangent: Any) -> tuple[Any, ...]:
    return tuple(one.astype(np.float64) for one in backward(saved, cotangent))


def depends_on_the_call() -> Callable[..., tuple[Any, ...]]:
    calls: list[int] = []

    def changing(saved: Any, cotangent: Any) -> tuple[Any, ...]:
        calls.append(1)
        of_x, of_w, of_b = backward(saved, cotangent)
        return (of_x * np.float32(1 + 2**-22) if len(calls) % 2 else of_x), of_w, of_b

    return changing


def stored_in_bfloat16(x: Any, w: Any, b: Any) -> tuple[Any, Any]:
    import ml_dtypes

    output, (normal, inverse, w32, kept) = forward(x, w, b)
    return output, [normal, inverse.astype(ml_dtypes.bfloat16).astype(np.float32), w32, kept]


def one_pass(x: Any, w: Any, b: Any) -> tuple[Any, Any]:
    x32, w32 = x.astype(np.float32), w.astype(np.float32)
    mean = x32.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt((x32 * x32).mean(-1, keepdims=True) - mean * mean + np.float32(EPS))
    normal = (x32 - mean) * inverse
    return (normal * w32 + b.astype(np.float32)).astype(x.dtype), [normal, inverse, w32, x]
