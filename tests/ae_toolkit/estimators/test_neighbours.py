"""Nearest points: those that there are, or nearly all of them, and what is interpolated between them."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from ae_toolkit.estimators import _neighbours
from ae_toolkit.estimators._neighbours import Interpolation, nearest


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def exact(points, k):
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(points).kneighbors(points)
    return indices, distances


def test_few_points_are_compared_with_all_others():
    points = draw(500, 5)
    indices, distances = nearest(points, 7, seed=0)
    expected = exact(points, 7)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_allclose(distances, expected[1], atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 1000])
def test_of_many_points_nearly_all_neighbours_are_found(monkeypatch, shift):
    """Far from the origin, too, where squares are large and their differences small."""
    monkeypatch.setattr(_neighbours, "EXACT", 1000)
    monkeypatch.setattr(_neighbours, "CELL", 128)
    points = draw(5000, 8) + np.float32(shift)
    indices, distances = nearest(points, 10, seed=0)
    expected = exact(points, 10)[0]
    found = np.mean([len(np.intersect1d(a, b)) for a, b in zip(indices, expected, strict=True)]) / 10
    assert found > 0.9
    np.testing.assert_array_equal(indices[:, 0], np.arange(5000))
    np.testing.assert_allclose(distances, np.linalg.norm(points[indices] - points[:, None], axis=2), atol=1e-5)
    assert (np.diff(distances) >= 0).all()
    again = nearest(points, 10, seed=0)
    np.testing.assert_array_equal(indices, again[0])
    np.testing.assert_array_equal(distances, again[1])


def test_cells_that_are_small_or_empty(monkeypatch):
    """Most points lie in one place, where most of the cells are, and the others far out alone."""
    monkeypatch.setattr(_neighbours, "EXACT", 100)
    monkeypatch.setattr(_neighbours, "CELL", 4)
    monkeypatch.setattr(_neighbours, "PROBED", 1)
    points = np.concatenate([draw(900, 2) * 1e-3, 1e3 * draw(100, 2, seed=1)])
    indices, _ = nearest(points, 15, seed=0)
    assert all(len(set(row)) == 15 for row in indices)
    assert ((indices >= 0) & (indices < 1000)).all()


# ---------------------------------------------------------------------------- interpolation


@pytest.mark.parametrize("d", [1, 2, 7, 30, 33])
def test_a_query_alone_gives_the_same_bits_as_among_others(d):
    points, queries, values = draw(3000, d), draw(1500, d, seed=1), draw(3000, 4, seed=2)
    interpolate = Interpolation(points, 8)
    (found,) = interpolate(queries, values)
    for i in range(0, 1500, 75):
        np.testing.assert_array_equal(interpolate(queries[i : i + 1], values)[0][0], found[i])
    np.testing.assert_array_equal(interpolate(queries[3:20], values)[0], found[3:20])


def test_at_a_point_it_is_that_point_s_value():
    points, values = draw(500, 6), draw(500, 4, seed=2)
    np.testing.assert_array_equal(Interpolation(points, 8)(points, values)[0], values)


def test_it_is_the_mean_weighted_by_the_inverse_squares_of_the_distances():
    points, values = np.array([[0, 0], [3, 0], [0, 90]], np.float32), np.array([[10.0], [20.0], [99.0]])
    (found,) = Interpolation(points, 2)(np.array([[1, 0]], np.float32), values)
    np.testing.assert_allclose(found, [[(10 / 1 + 20 / 4) / (1 + 1 / 4)]])
    first, second = Interpolation(points, 2)(np.array([[1, 0]], np.float32), values, 2 * values)
    np.testing.assert_allclose(second, 2 * first)


def test_points_too_close_to_divide_by_their_distance():
    points = np.array([[0], [1e-30], [5]], np.float32)
    (found,) = Interpolation(points, 3)(np.array([[0], [1e-30], [5], [1]], np.float32), np.eye(3))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found[2], [0, 0, 1])


def test_fewer_points_than_neighbours():
    points, values = draw(3, 2), np.eye(3)
    (found,) = Interpolation(points, 8)(draw(5, 2, seed=1), values)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found > 0).all()
    np.testing.assert_array_equal(Interpolation(points[:1], 8)(draw(2, 2), values[:1]), [values[[0, 0]]])
