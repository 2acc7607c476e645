"""entmax, gpytorch, kornia, linear_operator: functions of torch, many with backward passes of their own."""

from __future__ import annotations

import math
from typing import Any

import entmax
import gpytorch
import kornia
import linear_operator
import numpy as np
import torch
from definitions import cross_entropy, pick, sparsemax
from subjects import Subject, subject

from gradlaw import xp

LABELS = "x: batch v, labels: int batch < v"


def torch_function(name: str, definition: Any, kernel: Any, signature: str = "x: batch d", **declared: Any) -> Subject:
    return subject(name, definition, kernel, signature, engine="torch", **declared)


def log_normal_cdf(x: Any) -> Any:
    return xp.log(0.5 * xp.erfc(x * -math.sqrt(0.5)))


def squared_distance(x: Any, y: Any) -> Any:
    return xp.sum((xp.expand_dims(x, axis=1) - xp.expand_dims(y, axis=0)) ** 2, axis=-1)


def distance(x: Any, y: Any) -> Any:
    return ((x[:, None] - y[None]) ** 2).sum(-1)


def rbf(x: Any, y: Any, scale: Any) -> Any:
    return xp.exp(squared_distance(x / scale, y / scale) * -0.5)


def matern(nu: float) -> Any:
    def definition(x: Any, y: Any, scale: Any) -> Any:
        far = xp.sqrt(squared_distance(x, y)) / scale * math.sqrt(2 * nu)
        start = {0.5: 1.0, 1.5: 1 + far, 2.5: 1 + far + far * far / 3}[nu]
        return start * xp.exp(-far)

    return definition


def by_matern(nu: float) -> Any:
    from gpytorch.functions.matern_covariance import MaternCovariance

    return lambda x, y, scale: MaternCovariance.apply(x, y, scale, nu, lambda a, b: distance(a, b).sqrt())


def fairscale_forward(x: Any, labels: Any) -> Any:
    return torch.nn.functional.cross_entropy(x, labels, reduction="none")


KERNEL = "x: a d, y: b d, scale: 1"
FAR = {"x": "[0, 1]", "y": "[2, 3]", "scale": "[0.5, 4]"}
SUBJECTS = [
    torch_function("entmax.sparsemax", sparsemax, lambda x: entmax.sparsemax(x, dim=-1)),
    torch_function("entmax.sparsemax of some", sparsemax, lambda x: entmax.sparsemax(x, dim=-1, k=2)),
    torch_function(
        "entmax.sparsemax_bisect", sparsemax, lambda x: entmax.sparsemax_bisect(x, dim=-1), accuracies={"sum": 8}
    ),
    torch_function(
        "entmax.SparsemaxLoss",
        lambda x, labels: sparsemax_loss(x, labels),
        lambda x, labels: entmax.sparsemax_loss(x, labels),
        LABELS,
    ),
    torch_function(
        "gpytorch.log_normal_cdf", log_normal_cdf, gpytorch.functions.log_normal_cdf, domain={"x": "[-3, 3]"}
    ),
    torch_function(
        "gpytorch.RBFCovariance",
        rbf,
        lambda x, y, scale: gpytorch.functions.RBFCovariance.apply(x, y, scale, distance),
        KERNEL,
        wrt="scale",
        domain=FAR,
    ),
    *(
        torch_function(f"gpytorch.MaternCovariance {nu}", matern(nu), by_matern(nu), KERNEL, wrt="scale", domain=FAR)
        for nu in (0.5, 1.5, 2.5)
    ),
    torch_function(
        "linear_operator.matmul",
        lambda x, y: x @ y,
        lambda x, y: linear_operator.to_linear_operator(x) @ y,
        "x: a b, y: b c",
    ),
    torch_function(
        "linear_operator.root_matmul",
        lambda x, y: x @ (x.mT @ y),
        lambda x, y: linear_operator.operators.RootLinearOperator(x) @ y,
        "x: a b, y: a c",
    ),
    torch_function(
        "linear_operator.kronecker",
        lambda x, y, z: kronecker(x, y) @ z,
        lambda x, y, z: (
            linear_operator.operators.KroneckerProductLinearOperator(
                linear_operator.to_linear_operator(x), linear_operator.to_linear_operator(y)
            )
            @ z
        ),
        "x: 2 2, y: 3 3, z: 6 c",
    ),
    torch_function(
        "kornia.focal_loss",
        lambda x, labels: kornia_focal(x, labels),
        lambda x, labels: kornia.losses.focal_loss(x, labels, alpha=None, gamma=2.0, reduction="none"),
        LABELS,
    ),
    torch_function(
        "kornia.binary_focal",
        lambda x, y: binary_focal(x, y),
        lambda x, y: kornia.losses.binary_focal_loss_with_logits(x, y, alpha=None, gamma=2.0, reduction="none"),
        "x: batch d, y: batch d",
        wrt="x",
        domain={"y": "[0, 1]"},
    ),
    torch_function(
        "kornia.charbonnier",
        lambda x, y: xp.sqrt((x - y) * (x - y) + 1) - 1,
        lambda x, y: kornia.losses.charbonnier_loss(x, y, reduction="none"),
        "x: batch d, y: batch d",
    ),
    torch_function(
        "kornia.cauchy",
        lambda x, y: xp.log1p(0.5 * (x - y) * (x - y)),
        lambda x, y: kornia.losses.cauchy_loss(x, y, reduction="none"),
        "x: batch d, y: batch d",
    ),
    torch_function(
        "kornia.geman_mcclure",
        lambda x, y: 2 * (x - y) * (x - y) / ((x - y) * (x - y) + 4),
        lambda x, y: kornia.losses.geman_mcclure_loss(x, y, reduction="none"),
        "x: batch d, y: batch d",
    ),
    torch_function(
        "kornia.welsch",
        lambda x, y: -xp.expm1(-0.5 * (x - y) * (x - y)),
        lambda x, y: kornia.losses.welsch_loss(x, y, reduction="none"),
        "x: batch d, y: batch d",
    ),
    torch_function("torch.cross_entropy", cross_entropy(), fairscale_forward, LABELS),
]


def sparsemax_loss(x: Any, labels: Any) -> Any:
    p = sparsemax(x)
    return xp.sum(p * x, axis=-1) - 0.5 * xp.sum(p * p, axis=-1) + 0.5 - pick(x, labels)


def kronecker(x: Any, y: Any) -> Any:
    rows, columns = np.meshgrid(np.arange(6), np.arange(6), indexing="ij")
    return x[rows // 3, columns // 3] * y[rows % 3, columns % 3]


def kornia_focal(x: Any, labels: Any) -> Any:
    """A slice for each class: zero but for the label's."""
    log_p = xp.log_softmax(x, axis=-1)
    return xp.where(np.arange(x.shape[1]) == labels[:, None], -((1 - xp.exp(log_p)) ** 2) * log_p, 0.0)


def binary_focal(x: Any, y: Any) -> Any:
    """-(1-p)^2 y log p - p^2 (1-y) log(1-p)."""
    p, q = xp.sigmoid(x), xp.sigmoid(-x)
    return q * q * y * xp.softplus(-x) + p * p * (1 - y) * xp.softplus(x)
