"""rlax, distrax and flax: losses, transforms and activations of JAX."""

from __future__ import annotations

import math
from typing import Any

import distrax
import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import rlax
from definitions import layer_norm, rms_norm
from distrax._src.utils import math as distrax_math
from rlax._src import transforms
from subjects import Subject, subject

from gradlaw import xp

TWO = "x: batch d, y: batch d"


def jaxed(name: str, definition: Any, kernel: Any, signature: str = "x: n", **declared: Any) -> Subject:
    return subject(name, definition, kernel, signature, engine="jax", **{"examples": 15, **declared})


def huber(x: Any) -> Any:
    size = xp.abs(x)
    near = xp.minimum(size, 1.0)
    return 0.5 * near * (2 * size - near)


def odd(function: Any) -> Any:
    """Return an odd function by what it is from 0 on: f(max(x, 0)) - f(max(-x, 0)), whose slope at 0 is that of f."""
    return lambda x: function(xp.where(np.asarray(x.data) >= 0, x, -x)) * np.where(np.asarray(x.data) >= 0, 1.0, -1.0)


def entropy(x: Any) -> Any:
    return -xp.sum(xp.softmax(x, axis=-1) * xp.log_softmax(x, axis=-1), axis=-1)


def categorical_kl(x: Any, y: Any) -> Any:
    return xp.sum(xp.softmax(x, axis=-1) * (xp.log_softmax(x, axis=-1) - xp.log_softmax(y, axis=-1)), axis=-1)


def parabolic(x: Any) -> Any:
    eps = 1e-3
    z = xp.sqrt(1 + 4 * eps * (eps + 1 + x)) / 2 / eps - 1 / 2 / eps
    return z * z - 1


def normal_log_prob(x: Any, m: Any, s: Any) -> Any:
    z = (x - m) / s
    return -0.5 * z * z - xp.log(s) - 0.5 * math.log(2 * math.pi)


SUBJECTS = [
    jaxed("rlax.huber_loss", huber, rlax.huber_loss),
    jaxed("rlax.l2_loss", lambda x: 0.5 * x * x, rlax.l2_loss),
    jaxed("rlax.logit", lambda x: -xp.log(1 / x - 1), transforms.logit, domain={"x": "[0.01, 0.9]"}),
    jaxed("rlax.signed_logp1", odd(xp.log1p), transforms.signed_logp1),
    jaxed("rlax.signed_expm1", odd(xp.expm1), transforms.signed_expm1),
    jaxed("rlax.signed_hyperbolic", odd(lambda x: xp.sqrt(x + 1) - 1 + 1e-3 * x), transforms.signed_hyperbolic),
    jaxed("rlax.signed_parabolic", odd(parabolic), transforms.signed_parabolic),
    jaxed("rlax.power", odd(lambda x: ((x / 0.5**0.5 + 1) ** 0.5 - 1) / 0.5**0.5), lambda x: transforms.power(x, 0.5)),
    jaxed(
        "rlax.hyperbolic_sin",
        xp.sinh,
        transforms.hyperbolic_sin,
        domain={"x": "[-20, 20]"},
        accuracies={"sinh": 10, "cosh": 10},  # XLA's are 9.5 units off in float32, above 5
    ),
    jaxed("rlax.hyperbolic_arcsin", xp.asinh, transforms.hyperbolic_arcsin),
    jaxed(
        "rlax.expectile_loss",
        lambda x, y: (xp.relu(y - x) ** 2) * 0.75 + (xp.relu(x - y) ** 2) * 0.25,
        lambda x, y: rlax.expectile_loss(x, y, 0.75),
        TWO,
    ),
    jaxed("rlax.entropy", entropy, lambda x: rlax.softmax().entropy(x), "x: batch d"),
    jaxed("rlax.categorical_kl", categorical_kl, rlax.categorical_kl_divergence, TWO),
    jaxed(
        "rlax.categorical_cross_entropy",
        lambda x, y: -xp.sum(xp.softmax(x, axis=-1) * xp.log_softmax(y, axis=-1), axis=-1),
        lambda x, y: jax.vmap(rlax.categorical_cross_entropy)(jax.nn.softmax(x), y),
        TWO,
    ),
    jaxed(
        "rlax.clip_gradient",
        lambda x: x,
        lambda x: rlax.clip_gradient(x, -1e30, 1e30),
    ),
    jaxed("distrax.multiply_no_nan", lambda x, y: x * y, distrax_math.multiply_no_nan, TWO),
    jaxed(
        "distrax.power_no_nan", lambda x, y: x**y, distrax_math.power_no_nan, TWO, domain={"x": "(0, 8]", "y": "[1, 3]"}
    ),
    jaxed(
        "distrax.power_no_nan at 0",
        lambda x: x**2.0,
        lambda x: distrax_math.power_no_nan(x, jnp.full_like(x, 2.0)),
        "x: n",
    ),
    jaxed("distrax.mul_exp", lambda x, y: x * xp.exp(y), distrax_math.mul_exp, TWO, domain={"y": "[-20, 20]"}),
    jaxed(
        "distrax.log_expbig_minus_expsmall",
        lambda x, y: x + xp.log(-xp.expm1(y - x)),
        distrax_math.log_expbig_minus_expsmall,
        TWO,
        domain={"x": "[0, 4]", "y": "[-4, -0.001]"},
    ),
    jaxed(
        "distrax.Normal.log_prob",
        normal_log_prob,
        lambda x, m, s: distrax.Normal(m, s).log_prob(x),
        "x: n, m: n, s: n",
        domain={"s": "[0.1, 8]"},
    ),
    jaxed("distrax.Categorical.entropy", entropy, lambda x: distrax.Categorical(logits=x).entropy(), "x: batch d"),
    jaxed(
        "distrax.Categorical.kl",
        categorical_kl,
        lambda x, y: distrax.Categorical(logits=x).kl_divergence(distrax.Categorical(logits=y)),
        TWO,
    ),
    jaxed(
        "distrax.Laplace.log_prob",
        lambda x, m, s: -xp.abs(x - m) / s - xp.log(2 * s),
        lambda x, m, s: distrax.Laplace(m, s).log_prob(x),
        "x: n, m: n, s: n",
        domain={"s": "[0.1, 8]"},
    ),
    jaxed(
        "distrax.Logistic.log_prob",
        lambda x, m, s: -((x - m) / s) - 2 * xp.softplus(-((x - m) / s)) - xp.log(s),
        lambda x, m, s: distrax.Logistic(m, s).log_prob(x),
        "x: n, m: n, s: n",
        domain={"s": "[0.1, 8]"},
    ),
    jaxed(
        "distrax.Bernoulli.entropy",
        lambda x: xp.sigmoid(x) * xp.softplus(-x) + xp.sigmoid(-x) * xp.softplus(x),
        lambda x: distrax.Bernoulli(logits=x).entropy(),
    ),
    jaxed(
        "flax.gelu", lambda x: 0.5 * x * (1 + xp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))), linen.gelu
    ),
    jaxed("flax.swish", lambda x: xp.silu(x), linen.swish),
    jaxed("flax.log_sigmoid", lambda x: xp.log_sigmoid(x), linen.log_sigmoid),
    jaxed("flax.celu", lambda x: xp.maximum(x, 0) + xp.expm1(xp.minimum(x, 0)), linen.celu),
    jaxed("flax.standardize", lambda x: layer_norm(x, 1.0, 0.0), lambda x: jax.nn.standardize(x), "x: batch d"),
    jaxed(
        "flax.RMSNorm",
        rms_norm,
        lambda x, w: linen.RMSNorm(epsilon=1e-6).apply({"params": {"scale": w}}, x),
        "x: batch d, w: d",
    ),
    jaxed(
        "flax.LayerNorm",
        lambda x, w, b: layer_norm(x, w, b, 1e-6),
        lambda x, w, b: linen.LayerNorm(use_fast_variance=False).apply({"params": {"scale": w, "bias": b}}, x),
        "x: batch d, w: d, b: d",
    ),
    jaxed(
        "flax.LayerNorm as it is by default",
        lambda x, w, b: layer_norm(x, w, b, 1e-6),
        lambda x, w, b: linen.LayerNorm().apply({"params": {"scale": w, "bias": b}}, x),
        "x: batch d, w: d, b: d",
    ),
]
