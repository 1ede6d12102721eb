"""Measures of clusterings against their definitions, by hand or by brute force."""

from itertools import combinations, permutations

import numpy as np
import pytest

from ae_toolkit import metrics

rng_of = np.random.default_rng


# ----------------------------------------------------------------- clustering_accuracy


def brute_force(labels_true, labels_pred):
    """Return the best accuracy over every one-to-one renaming of clusters to classes or to nothing."""
    clusters, classes = np.unique(labels_pred), list(np.unique(labels_true))
    names = classes + [None] * len(clusters)
    best = 0.0
    for chosen in set(permutations(names, len(clusters))):
        renamed = dict(zip(clusters, chosen, strict=True))
        best = max(best, np.mean([renamed[c] == t for c, t in zip(labels_pred, labels_true, strict=True)]))
    return best


@pytest.mark.parametrize(("n_classes", "n_clusters"), [(3, 3), (2, 4), (4, 2), (1, 3), (3, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_clustering_accuracy_is_the_best_over_all_renamings(n_classes, n_clusters, seed):
    rng = np.random.default_rng(seed)
    labels_true, labels_pred = rng.integers(n_classes, size=25), rng.integers(n_clusters, size=25) * 10 - 7
    assert metrics.clustering_accuracy(labels_true, labels_pred) == pytest.approx(brute_force(labels_true, labels_pred))


@pytest.mark.parametrize("seed", range(3))
def test_clustering_hits_are_those_of_the_best_matching(seed):
    rng = np.random.default_rng(seed)
    classes, clusters = rng.integers(4, size=60), rng.choice(list("abcdef"), 60)
    hits = metrics.clustering_hits(classes, clusters)
    assert hits.dtype == bool
    assert hits.mean() == metrics.clustering_accuracy(classes, clusters)
    for cluster in "abcdef":  # a cluster is right for one class at most, and each class has one cluster at most
        assert len(set(classes[hits & (clusters == cluster)])) <= 1
    for label in range(4):
        assert len(set(clusters[hits & (classes == label)])) <= 1


def test_clustering_accuracy_is_not_purity():
    """Two clusters may not both be the same class: one cluster per image does not score 1."""
    assert metrics.clustering_accuracy([0, 0, 0, 0], [0, 1, 2, 3]) == 0.25


def test_clustering_accuracy_is_not_greedy():
    """Taking the largest overlap first (4) would leave 0 for the other cluster; 3 + 3 is better."""
    labels_true = [0] * 4 + [1] * 3 + [0] * 3
    labels_pred = [0] * 7 + [1] * 3
    assert metrics.clustering_accuracy(labels_true, labels_pred) == 0.6


def test_clustering_accuracy_of_renamed_classes_is_one():
    assert metrics.clustering_accuracy(["cat", "dog", "emu"] * 4, [2, 0, 1] * 4) == 1.0


# --------------------------------------------------------- nmi, ari, clustering_scores


def entropy(*labels):
    """Return the entropy, in nats, of labels or of pairs of labels."""
    _, counts = np.unique(np.column_stack(labels), axis=0, return_counts=True)
    share = counts / counts.sum()
    return -np.sum(share * np.log(share))


def rand_index_by_pairs(labels_true, labels_pred):
    """Return the adjusted Rand index from Hubert and Arabie's definition, pair by pair."""
    together = np.array([[a[i] == a[j] for i, j in combinations(range(len(a)), 2)] for a in (labels_true, labels_pred)])
    index, (rows, columns) = np.sum(together.all(axis=0)), together.sum(axis=1)
    chance = rows * columns / together.shape[1]
    return (index - chance) / ((rows + columns) / 2 - chance)


@pytest.mark.parametrize("seed", range(3))
def test_nmi_and_ari_are_their_definitions(seed):
    labels_true, labels_pred = rng_of(seed).integers(4, size=(2, 30))
    shared = entropy(labels_true) + entropy(labels_pred) - entropy(labels_true, labels_pred)
    mean = (entropy(labels_true) + entropy(labels_pred)) / 2
    assert metrics.nmi(labels_true, labels_pred) == pytest.approx(shared / mean)
    assert metrics.ari(labels_true, labels_pred) == pytest.approx(rand_index_by_pairs(labels_true, labels_pred))


def test_ari_by_hand():
    """Of 6 pairs, 2 are together in classes, 3 in clusters, 1 in both; chance gives 1: (1 - 1) / (2.5 - 1) = 0."""
    assert metrics.ari([0, 0, 1, 1], ["b", "b", "a", "b"]) == 0


def test_clusters_of_one_image_fool_nmi_but_not_ari():
    labels_true = np.arange(40) % 2
    assert metrics.nmi(labels_true, np.arange(40)) > 0.3
    assert metrics.ari(labels_true, np.arange(40)) == pytest.approx(0)


def test_clustering_scores_are_the_three_measures():
    labels_true, labels_pred = rng_of(0).integers(3, size=(2, 50))
    assert metrics.clustering_scores(labels_true, labels_pred) == {
        "accuracy": metrics.clustering_accuracy(labels_true, labels_pred),
        "nmi": metrics.nmi(labels_true, labels_pred),
        "ari": metrics.ari(labels_true, labels_pred),
    }
    renamed = metrics.clustering_scores(["cat", "dog", "emu"] * 4, [2, 0, 1] * 4)
    assert renamed == {"accuracy": 1, "nmi": pytest.approx(1), "ari": 1}
    assert all(type(score) is float for score in renamed.values())


def test_clustering_of_a_single_image():
    assert metrics.clustering_scores([3], ["a"]) == {"accuracy": 1, "nmi": 1, "ari": 1}


CLUSTERING = [metrics.clustering_accuracy, metrics.nmi, metrics.ari, metrics.clustering_scores]


@pytest.mark.parametrize("measure", CLUSTERING)
@pytest.mark.parametrize(
    ("labels_true", "labels_pred"), [([0, 1], [0, 1, 1]), ([], []), ([[0, 1]], [[0, 1]]), ([[0], [1]], [0, 1])]
)
def test_measures_of_a_clustering_refuse_what_does_not_match(measure, labels_true, labels_pred):
    with pytest.raises(ValueError, match=r"two label vectors of one length.*got shapes"):
        measure(labels_true, labels_pred)


@pytest.mark.parametrize("measure", CLUSTERING)
def test_measures_of_a_clustering_refuse_labels_that_are_not_there(measure):
    with pytest.raises(ValueError, match="a label for each image, got NaN in labels_true"):
        measure([0, np.nan], [0, 1])
    with pytest.raises(ValueError, match="a label for each image, got NaN in labels_pred"):
        measure(["a", "b"], np.array(["a", np.nan], dtype=object))
