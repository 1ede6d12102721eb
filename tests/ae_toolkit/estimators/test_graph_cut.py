"""Cuts of a graph of nearest neighbours: shapes that k-means divides wrongly, islands, and too few codes."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_moons

import ae_toolkit as ae
from ae_toolkit.estimators._graph_cut import cut


def blobs(sizes, distance=100.0, seed=0):
    """Return groups of points, so far apart that no neighbour is in another group."""
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    return (random.normal(size=(len(of), 2)) + distance * of[:, None]).astype(np.float32), of


def test_bent_clusters_are_found_where_k_means_fails():
    points, moons = make_moons(600, noise=0.06, random_state=0)
    round_ones = KMeans(2, n_init=10, random_state=0).fit_predict(points)
    assert ae.metrics.ari(moons, round_ones) < 0.6
    assert ae.metrics.ari(moons, cut(points, 2, 0)) > 0.98


@pytest.mark.parametrize("n_clusters", [3, 5])
def test_parts_that_nothing_connects_are_clusters_or_are_divided(n_clusters):
    points, groups = blobs([100, 150, 200])
    labels = cut(points, n_clusters, 0)
    assert set(labels) == set(range(n_clusters))
    whole = [len(np.unique(groups[labels == label])) for label in range(n_clusters)]
    assert whole == [1] * n_clusters


def test_an_island_belongs_to_no_cluster():
    points, groups = blobs([600, 600, 25])
    labels = cut(points, 2, 0)
    np.testing.assert_array_equal(labels == -1, groups == 2)
    assert ae.metrics.ari(groups[:1200], labels[:1200]) == 1


def test_with_more_parts_than_clusters_a_cut_is_arbitrary_and_k_means_decides():
    points, groups = blobs([100] * 4)
    labels = cut(points, 2, 0)
    assert set(labels) == {0, 1}
    assert ae.metrics.ari(groups // 2, labels) == 1  # the nearest groups together


def test_equal_codes_are_together_and_do_not_count():
    points, moons = make_moons(600, noise=0.06, random_state=0)
    many = np.concatenate([points, np.repeat(points[:1], 300, axis=0)])
    labels = cut(many, 2, 0)
    assert len(np.unique(labels[600:])) == 1
    assert labels[600] == labels[0]
    assert ae.metrics.ari(moons, labels[:600]) > 0.98


@pytest.mark.parametrize(("n", "n_clusters"), [(2, 2), (30, 3), (90, 80), (100, 1), (85, 40)])
def test_few_codes_or_many_clusters(n, n_clusters):
    points = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    assert set(cut(points, n_clusters, 0)) == set(range(n_clusters))


def test_equal_seeds_give_equal_clusters():
    points, _ = make_moons(400, noise=0.2, random_state=0)
    np.testing.assert_array_equal(cut(points, 5, 3), cut(points, 5, 3))
