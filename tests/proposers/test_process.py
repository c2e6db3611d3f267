from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from pawl.proposers import process
from pawl.proposers.process import Array, Points, Process, fit


def points(chance: np.random.Generator, many: int, features: int = 0) -> Points:
    """Two ordered axes and one of three choices."""
    places = np.column_stack([chance.random((many, 2)), chance.integers(0, 3, many)])
    return Points(places, np.array([True, True, False]), chance.normal(size=(many, features)))


def surface(places: Array) -> Array:
    found: Array = np.sin(4 * places[:, 0]) + (places[:, 2] == 1)
    return (found - found.mean()) / found.std()


def test_the_slope_is_that_of_the_loss() -> None:
    chance = np.random.default_rng(1)
    known = points(chance, 20, features=2)
    arguments = known.apart(known), surface(known.places), known.features @ known.features.T, np.zeros(6)
    told = chance.normal(0, 0.5, 6) - 0.5
    slope = process._loss(told, *arguments)[1]
    measured = approx_fprime(told, lambda one: process._loss(one, *arguments)[0], 1e-6)
    assert slope == pytest.approx(measured, abs=1e-3)


def test_it_is_the_process_that_another_library_has() -> None:
    sklearn = pytest.importorskip("sklearn.gaussian_process")
    kernels = pytest.importorskip("sklearn.gaussian_process.kernels")
    chance = np.random.default_rng(2)
    places = chance.random((15, 2))
    known, scores = Points(places, np.array([True, True]), np.zeros((15, 0))), surface(np.pad(places, ((0, 0), (0, 1))))
    mine = Process(known, scores, np.array([0.4, 0.9]), 1.3, 0.1, 0.05, np.zeros(0), np.zeros(0)).solved()
    kernel = kernels.ConstantKernel(1.3) * kernels.Matern([0.4, 0.9], nu=2.5) + kernels.ConstantKernel(1.0)
    other = sklearn.GaussianProcessRegressor(kernel, alpha=0.05 + 1e-8, optimizer=None).fit(places, scores)
    asked = chance.random((7, 2))
    mean, sd = other.predict(asked, return_std=True)
    found = mine.predict(Points(asked, known.ordered, np.zeros((7, 0))))
    assert found[0] == pytest.approx(mean)
    assert found[1] == pytest.approx(sd)


def test_what_does_not_matter_gets_a_long_axis() -> None:
    known = points(np.random.default_rng(3), 60)
    found = fit(known, surface(known.places))
    assert found.lengths[1] > 2 * found.lengths[0]
    assert found.noise < 0.05


def test_noise_is_told_from_signal() -> None:
    chance = np.random.default_rng(4)
    known = points(chance, 80)
    noisy = surface(known.places) + chance.normal(0, 1, 80)
    found = fit(known, (noisy - noisy.mean()) / noisy.std())
    assert 0.25 < found.noise < 0.75


def test_what_still_runs_is_believed_and_makes_sure() -> None:
    chance = np.random.default_rng(5)
    known, running = points(chance, 30), points(chance, 3)
    before = fit(known, surface(known.places))
    after = before.believing(running)
    assert after.mean(running) == pytest.approx(before.mean(running), abs=0.05)
    assert (after.predict(running)[1] < before.predict(running)[1]).all()


def test_an_earlier_study_that_is_right_is_believed_before_there_is_much() -> None:
    chance = np.random.default_rng(6)
    few, rest = points(chance, 6), points(chance, 40)
    right = [Points(one.places, one.ordered, surface(one.places)[:, None]) for one in (few, rest)]
    alone = np.corrcoef(fit(few, surface(few.places)).mean(rest), surface(rest.places))[0, 1]
    told = np.corrcoef(fit(right[0], surface(few.places)).mean(right[1]), surface(rest.places))[0, 1]
    assert told > max(alone, 0.9)


def test_an_earlier_study_that_misleads_loses_its_say() -> None:
    chance = np.random.default_rng(7)
    known, rest = points(chance, 40), points(chance, 40)
    wrong = [Points(one.places, one.ordered, -surface(one.places)[:, None]) for one in (known, rest)]
    found = fit(wrong[0], surface(known.places)).mean(wrong[1])
    assert np.corrcoef(found, surface(rest.places))[0, 1] > 0.9
