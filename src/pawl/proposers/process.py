"""A Gaussian process over the points of a search (Rasmussen and Williams 2006, chapters 2 and 5): a Matern 5/2 kernel
with a length for every axis, noise of unknown size, everything fitted by its posterior mode.

What earlier studies lead to expect of a point are features of it. Scores are their mean, plus a weighted sum of them
with weights around 0, plus the process: so that a study that misled loses its say as scores come in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
LENGTH, LENGTH_SD = float(np.log(1.3)), 0.8
"""A priori, a length is about so much of its axis (both as found on tables of real trainings); in logarithms."""
SIGNAL_SD = 0.8
SAY, SAY_SD = float(np.log(0.1)), 1.5
"""The variance of an earlier study's weight."""
NOISE, NOISE_SD, NOISE_LEAST = float(np.log(0.07)), 1.3, float(np.log(1e-5))
CONSTANT = 1.0
"""Variance of the constant mean, where scores have variance 1."""
ROOT = 5.0**0.5
LEAST = 0.5
"""The least curvature of a log posterior: where data say less, the priors do."""


@dataclass(frozen=True, slots=True)
class Points:
    """Places (n, d), ordered axes scaled to 0..1, others as numbers that mean nothing but same or different; which axes
    are `ordered` (d,); and what each of k earlier studies expects of each (n, k)."""

    places: Array
    ordered: Flags
    features: Array

    def __len__(self) -> int:
        return len(self.places)

    @property
    def expected(self) -> Array:
        """What the earlier studies expect in the mean; 0 where there are none."""
        return self.features.mean(axis=1) if self.features.shape[1] else np.zeros(len(self))

    def apart(self, others: Points) -> Array:
        """Squared distance along every axis, (d, n, m); 0 or 1 along one without an order."""
        found = self.places.T[:, :, None] - others.places.T[:, None, :]
        found *= found
        found[~self.ordered] = found[~self.ordered] != 0
        return found

    def and_(self, others: Points) -> Points:
        both = np.vstack([self.places, others.places]), np.vstack([self.features, others.features])
        return Points(both[0], self.ordered, both[1])


@dataclass(frozen=True, slots=True)
class Process:
    """A process given `scores` (n,) at `points`. `lengths` (d,); variances of the signal, of an earlier study's weight
    and of noise, in units of the scores'. Of the covariance: its Cholesky factor, and its inverse times the scores."""

    points: Points
    scores: Array
    lengths: Array
    signal: float
    say: float
    noise: float
    factor: Array
    weights: Array

    def predict(self, points: Points) -> tuple[Array, Array]:
        """Mean and standard deviation (m,), without noise."""
        cross = self._covariance(points, self.points)
        down = solve_triangular(self.factor, cross.T, lower=True)
        alone = self.signal + CONSTANT + self.say * np.einsum("mk,mk->m", points.features, points.features)
        variance = alone - np.einsum("nm,nm->m", down, down)
        return self.mean(points), np.sqrt(np.maximum(variance, 1e-12))

    def mean(self, points: Points) -> Array:
        """What is expected of points (m,)."""
        found: Array = points.expected + self._covariance(points, self.points) @ self.weights
        return found

    def believing(self, points: Points) -> Process:
        """As if these had scored what is expected of them, for what is still running (the "kriging believer" of
        Ginsbourger, Le Riche and Carraro 2010)."""
        scores = np.concatenate([self.scores, self.mean(points)])
        return replace(self, points=self.points.and_(points), scores=scores).solved()

    def solved(self) -> Process:
        """This, with the factor and the weights that belong to its points and scores."""
        covariance = self._covariance(self.points, self.points)
        covariance[np.diag_indices_from(covariance)] += self.noise + 1e-8
        factor = cho_factor(covariance, lower=True)
        weights = cho_solve(factor, self.scores - self.points.expected)
        return replace(self, factor=np.tril(factor[0]), weights=weights)

    def _covariance(self, some: Points, others: Points) -> Array:
        found: Array = self.signal * _matern(some.apart(others), self.lengths)[0]
        return found + CONSTANT + self.say * some.features @ others.features.T


def fit(
    points: Points, scores: Array, lengths: Array | None = None, chance: np.random.Generator | None = None
) -> Process:
    """The process whose lengths and variances are likeliest, given scores (n,) of mean 0 and variance 1. `lengths` (d,)
    is what is known of them beforehand. With `chance`: one whose lengths and variances are drawn from what is likely
    (Laplace's approximation), so that who asks again and again does not always make the same mistake."""
    many = points.places.shape[1]
    centre = np.array([*(np.full(many, LENGTH) if lengths is None else np.log(lengths)), 0.0, SAY, NOISE])
    told = points.apart(points), scores - points.expected, points.features @ points.features.T, centre
    bounds = np.array([*[(-4.0, 4.0)] * many, (-5.0, 3.0), (-9.0, 3.0), (NOISE_LEAST, 1.0)])
    best = minimize(_loss, centre, told, "L-BFGS-B", jac=True, options={"maxiter": 60}, bounds=bounds).x
    if chance is not None:
        best = np.clip(best + _off(best, told, chance), *bounds.T)
    signal, say, noise = map(float, np.exp(best[many:]))
    nothing = np.zeros(0)
    return Process(points, scores, np.exp(best[:many]), signal, say, noise, nothing, nothing).solved()


def _off(best: Array, told: tuple[Array, ...], chance: np.random.Generator) -> Array:
    """A draw around the posterior's mode: normal, with the curvature there (by differences of the slope)."""
    step = 1e-3 * np.eye(len(best))
    curved = np.array([_loss(best + one, *told)[1] - _loss(best - one, *told)[1] for one in step]) / 2e-3
    values, axes = np.linalg.eigh((curved + curved.T) / 2)
    found: Array = axes @ (chance.normal(size=len(best)) / np.sqrt(np.maximum(values, LEAST)))
    return found


def _matern(apart: Array, lengths: Array) -> tuple[Array, Array]:
    """The kernel (n, m), and what times a squared distance over a squared length is its slope by log length."""
    far = ROOT * np.sqrt(np.tensordot(lengths**-2.0, apart, axes=1))
    shrunk = np.exp(-far)
    return (1 + far + far * far / 3) * shrunk, 5 / 3 * (1 + far) * shrunk


def _loss(told: Array, apart: Array, scores: Array, spread: Array, centre: Array) -> tuple[float, Array]:
    """Minus the log posterior of log lengths, log signal, log say, log noise; and its gradient (Rasmussen and Williams,
    equation 5.9)."""
    many = len(apart)
    lengths, (signal, say, noise) = np.exp(told[:many]), np.exp(told[many:])
    kernel, slope = _matern(apart, lengths)
    covariance = signal * kernel + CONSTANT + say * spread
    covariance[np.diag_indices_from(covariance)] += noise + 1e-8
    try:
        factor: tuple[Any, bool] = cho_factor(covariance, lower=True)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(told)
    weights = cho_solve(factor, scores)
    widths = np.array([*[LENGTH_SD] * many, SIGNAL_SD, SAY_SD, NOISE_SD])
    off = (told - centre) / widths
    loss = 0.5 * scores @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
    inner = cho_solve(factor, np.eye(len(scores))) - np.outer(weights, weights)
    slopes = np.tensordot(apart, inner * (signal * slope), axes=([1, 2], [0, 1])) / lengths**2
    sums = signal * np.sum(inner * kernel), say * np.sum(inner * spread), noise * np.trace(inner)
    return float(loss), 0.5 * np.array([*slopes, *sums]) + off / widths
