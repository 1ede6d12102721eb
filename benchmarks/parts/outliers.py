"""How well images of other digits are told from those that were trained on: the area under the ROC curve.

Two protocols. One digit is normal and the nine others are outliers, as Ruff et al. (2018) have it;
and nine digits are normal and one is left out, which is harder. Training sees normal images only.
The settings were chosen on images split off the training images, with their labels; all test
images are judged, and their labels are seen by the scores only. The one-class support vector
machine and the isolation forest choose theirs here, in the same way.
"""

import sys

import numpy as np
from measure import Row
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

import ae_toolkit as ae

OURS = "ReconstructionDetector"
SEEDS = 3
EPOCHS = {"one digit is normal": 40, "nine digits are normal": 6}
TARGETS = {"one digit is normal": 0.975, "nine digits are normal": 1.0}  # the second beside neighbours in pixels
PIXELS, EDGES = "third neighbour in pixels", "third neighbour in upright edges (HOG)"
MACHINE, FOREST = "one-class SVM, tuned", "isolation forest, tuned"
PEERS = (PIXELS, EDGES, "PCA, 32 numbers", MACHINE, FOREST)
#: What the rivals choose from: principal components, then the kernel's width as a factor of scikit-learn's own
#: (from the variance of the numbers), or how many images a tree sees.
COMPONENTS = (16, 32, 64)
WIDTHS, PER_TREE = (0.3, 1.0, 3.0, 10.0), (256, 2048)
#: How many images a machine is fitted on at most, since its seconds grow with their square; and each rival, to choose.
MOST, TO_CHOOSE = 6000, 2000


def outliers(setting):
    """Measure both protocols on MNIST; a quick run takes few images of two digits."""
    if setting.quick:
        data = ae.datasets.load("mnist5k")
        train, test = (data.x_train[:400], data.y_train[:400]), (data.x_test[:200], data.y_test[:200])
    else:
        data = ae.datasets.load("mnist", data_dir=setting.data_dir or None)
        n = setting.images_wanted
        train, test = (data.x_train[:n], data.y_train[:n]), (data.x_test[:n], data.y_test[:n])
    return [row for protocol in EPOCHS for row in measured(setting, protocol, train, test)]


def measured(setting, protocol, train, test):
    """Return the protocol's rows: the mean AUROC of all digits, one value per seed, beside each peer's."""
    one = protocol == "one digit is normal"
    digits = range(2 if setting.quick else 10)
    found = {name: [] for name in (OURS, *PEERS)}
    tuned = chosen(train, digits, one)
    print(f"bench:   {protocol}: chosen on training images: {tuned}", file=sys.stderr, flush=True)
    for seed in range(SEEDS if one and not setting.quick else 1):
        of_digits = {name: [] for name in found}
        for digit in digits:
            normal = train[0][(train[1] == digit) == one]
            is_odd = (test[1] == digit) != one
            epochs = 1 if setting.quick else EPOCHS[protocol]
            for name, scores in judged(normal, test[0], epochs, seed, tuned).items():
                of_digits[name].append(float(roc_auc_score(is_odd, scores)))
        for name, values in of_digits.items():
            found[name].append(float(np.mean(values)))
            shown = " ".join(f"{value:.4f}" for value in values)
            print(f"bench:   {protocol}: {name}, seed {seed}: {shown}", file=sys.stderr, flush=True)
    name = f"{protocol}: AUROC, mean over digits"
    target = None if setting.quick else TARGETS[protocol]
    rows = [Row(name, "of 1", found[OURS], target=target)] if one else []
    for peer in PEERS:
        wanted = target if peer == PIXELS and not one else None
        rows.append(Row(name, "of 1", found[OURS], peer, found[peer], wanted))
    return rows


def chosen(train, digits, one):
    """Return the settings of the machine and of the forest that tell digits best among training images held back."""
    images, labels = train
    order = np.random.default_rng(0).permutation(len(images))
    aside, rest = order[: len(order) // 6][:TO_CHOOSE], order[len(order) // 6 :]
    areas = {}
    for digit in digits:
        normal = images[rest][(labels[rest] == digit) == one][:TO_CHOOSE]
        is_odd = (labels[aside] == digit) != one
        for setting in settings():
            scores = rival(*setting, normal, images[aside])
            areas.setdefault(setting, []).append(roc_auc_score(is_odd, scores))
    mean = {setting: np.mean(values) for setting, values in areas.items()}
    return [max((each for each in mean if each[0] == kind), key=mean.get) for kind in (MACHINE, FOREST)]


def settings():
    """Return all that there is to choose from: which rival, how many components, and its own number."""
    return [
        (kind, n, value) for kind, values in ((MACHINE, WIDTHS), (FOREST, PER_TREE))
        for n in COMPONENTS for value in values
    ]  # fmt: skip


def rival(kind, n_components, value, normal, images):
    """Return the scores of a one-class support vector machine or an isolation forest on principal components."""
    flat, flat_images = (each.reshape(len(each), -1) for each in (normal, images))
    pca = PCA(min(n_components, len(flat)), random_state=0).fit(flat)
    numbers, new = pca.transform(flat), pca.transform(flat_images)
    if kind == MACHINE:
        model = OneClassSVM(nu=0.05, gamma=value / (numbers.shape[1] * numbers.var())).fit(numbers[:MOST])
    else:
        model = IsolationForest(n_estimators=300, max_samples=min(value, len(numbers)), random_state=0).fit(numbers)
    return -model.score_samples(new)


def judged(normal, images, epochs, seed, tuned):
    """Return each method's scores, large for outliers; of each tuned rival by its setting."""
    edges = make_pipeline(ae.Deskew(), ae.HOG()).fit(normal)
    autoencoder = ae.DenoisingAutoencoder(16, corruption="affine", target=edges, epochs=epochs, random_state=seed)
    flat, flat_images = (each.reshape(len(each), -1) for each in (normal, images))
    pca = PCA(32, random_state=0).fit(flat)
    return {
        OURS: -ae.ReconstructionDetector(autoencoder).fit(normal).score_samples(images),
        PIXELS: third_neighbour(flat, flat_images),
        EDGES: third_neighbour(edges.transform(normal), edges.transform(images)),
        "PCA, 32 numbers": np.square(flat_images - pca.inverse_transform(pca.transform(flat_images))).sum(axis=1),
        **{setting[0]: rival(*setting, normal, images) for setting in tuned},
    }


def third_neighbour(normal, images):
    """Return how far the third nearest normal image is."""
    return NearestNeighbors(n_neighbors=3).fit(normal).kneighbors(images)[0][:, -1]
