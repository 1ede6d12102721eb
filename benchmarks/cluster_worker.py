"""Clusters images by one method in a process of its own, and writes the labels of the images to a file.

    python cluster_worker.py METHOD --images x.npy --labels labels.npy --seed 0

The process prints one line of JSON: its seconds from the call on, with all tracing and
compiling, and the most memory that it had. ``--small`` trains for an epoch or two only.

Several methods begin with the same autoencoder. With ``--shared FOLDER`` the first of them
keeps it there, and the others start from it: its seconds and memory are counted in each.
"""

import argparse
import json
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import FeatureUnion, make_pipeline

N_CLUSTERS = 10


@dataclass
class Run:
    """What a method is run with, and what it took that another process has spent.

    Attributes
    ----------
    seed : int
    small : bool
        Whether an epoch or two are enough.
    shared : Path or None
        The folder of the autoencoders that several methods begin with.
    seconds, megabytes : float
        Of those autoencoders that were found there.
    """

    seed: int
    small: bool = False
    shared: Path | None = None
    seconds: float = field(default=0.0, init=False)
    megabytes: float = field(default=0.0, init=False)


def flat(images):
    """Return images as rows of pixels."""
    return images.reshape(len(images), -1)


def k_means(seed):
    """Return scikit-learn's k-means, best of ten starts."""
    return KMeans(N_CLUSTERS, n_init=10, random_state=seed)


# ------------------------------------------------------------------- what is there without the toolkit


def k_means_on_pixels(images, run):
    """Cluster the pixels."""
    return k_means(run.seed).fit_predict(flat(images))


def k_means_on_pca(images, run):
    """Cluster PCA's ten numbers."""
    return k_means(run.seed).fit_predict(PCA(10, random_state=run.seed).fit_transform(flat(images)))


def n2d(images, run):
    """Follow McConville et al. (2021) with Keras, umap-learn and scikit-learn: their layers, UMAP to ten numbers.

    The autoencoder is trained for 10 epochs, which take about as long as the toolkit's: theirs
    has 1,000, for which nobody here waits.
    """
    import umap
    from contenders import KerasTraining, Network, Variant

    network = Network((500, 500, 2000), N_CLUSTERS)
    training = KerasTraining(flat(images), network, Variant(64, True), seed=run.seed)
    training.train(1 if run.small else 10)
    codes = training.model.layers[0].predict(flat(images), batch_size=1000, verbose=0)
    embedding = umap.UMAP(
        n_neighbors=20, min_dist=0.0, n_components=N_CLUSTERS, metric="euclidean", random_state=run.seed
    ).fit_transform(codes)
    return GaussianMixture(N_CLUSTERS, n_init=5, random_state=run.seed).fit_predict(embedding)


def clustpy_dec(images, run):
    """Cluster with ClustPy's DEC and its defaults but for the epochs, in the environment that has ClustPy."""
    from clustpy.deep import DEC

    return DEC(N_CLUSTERS, **clustpy_options(run)).fit(flat(images)).labels_


def clustpy_idec(images, run):
    """Cluster with ClustPy's IDEC in the same way."""
    from clustpy.deep import IDEC

    return IDEC(N_CLUSTERS, **clustpy_options(run)).fit(flat(images)).labels_


def clustpy_options(run):
    """Return what ClustPy's two are called with."""
    epochs = 1 if run.small else 5
    return {"pretrain_epochs": epochs, "clustering_epochs": epochs, "random_state": run.seed}


# ------------------------------------------------------------------- the toolkit


def k_means_on_codes(images, run):
    """Cluster the codes of an autoencoder with its own defaults."""
    import ae_toolkit as ae

    epochs = {"epochs": 1} if run.small else {}
    return make_pipeline(ae.Autoencoder(10, random_state=run.seed, **epochs), k_means(run.seed)).fit_predict(images)


def k_means_on_deskewing_codes(images, run):
    """Cluster the codes of an autoencoder that decodes the deskewed image from a transformed one."""
    return k_means(run.seed).fit_predict(pretrained(images, 10, run).transform(images))


def deskewing(code_dim, run):
    """Return the autoencoder, not yet fitted: the one that the clusterers make by default of 70,000 such images."""
    import ae_toolkit as ae

    return ae.DenoisingAutoencoder(
        code_dim, network="patch", hidden_units=(48, 48), corruption="affine", target=ae.Deskew(),
        epochs=1 if run.small else 6, random_state=run.seed,
    )  # fmt: skip


def pretrained(images, code_dim, run):
    """Return that autoencoder, fitted now or by another process, so that clusterers leave it as it is."""
    import ae_toolkit as ae

    folder = run.shared and run.shared / f"{len(images)}-{code_dim}-{run.seed}"
    if folder and folder.exists():
        taken = json.loads((folder.with_suffix(".json")).read_text())
        run.seconds, run.megabytes = run.seconds + taken["seconds"], max(run.megabytes, taken["megabytes"])
        return FrozenEstimator(ae.load(folder))
    begin = time.perf_counter()
    autoencoder = deskewing(code_dim, run).fit(images)
    if folder:
        taken = {"seconds": time.perf_counter() - begin, "megabytes": megabytes()}
        folder.with_suffix(".json").write_text(json.dumps(taken))
        ae.save(autoencoder, folder)
    return FrozenEstimator(autoencoder)


def dec(images, run, **options):
    """Cluster by deep embedded clustering, with the toolkit's defaults."""
    import ae_toolkit as ae

    options |= {"epochs": 1} if run.small else {}
    autoencoder = pretrained(images, 10, run)
    clusterer = ae.DeepEmbeddedClustering(N_CLUSTERS, autoencoder=autoencoder, random_state=run.seed, **options)
    return clusterer.fit_predict(images)


def idec(images, run):
    """Cluster by its improved form, whose decoder goes on learning."""
    return dec(images, run, reconstruction_weight=IDEC_WEIGHT)


def dec_five_and_five(images, run):
    """Cluster by deep embedded clustering after five epochs of pre-training and five more."""
    import ae_toolkit as ae

    epochs = 1 if run.small else 5
    autoencoder = deskewing(10, run).set_params(epochs=epochs)
    clusterer = ae.DeepEmbeddedClustering(
        N_CLUSTERS, autoencoder=autoencoder, epochs=epochs, tol=0.0, random_state=run.seed
    )
    return clusterer.fit_predict(images)


def manifold(images, run, **options):
    """Cluster by the manifold of the codes, with the toolkit's defaults."""
    import ae_toolkit as ae

    transformer = pretrained(images, 30, run)
    clusterer = ae.ManifoldClustering(N_CLUSTERS, transformer=transformer, random_state=run.seed, **options)
    return clusterer.fit_predict(images)


def manifold_by_default(images, run):
    """Cluster raw images with nothing but the toolkit's defaults, which depend on how many images there are."""
    import ae_toolkit as ae

    options = {"umap_epochs": 30} if run.small else {}
    return ae.ManifoldClustering(N_CLUSTERS, random_state=run.seed, **options).fit_predict(images)


def manifold_of_most(images, run):
    """Cluster the first six sevenths of the images, and assign the others as new ones."""
    import ae_toolkit as ae

    n_fitted = len(images) * 6 // 7
    clusterer = ae.ManifoldClustering(N_CLUSTERS, transformer=deskewing(30, run), random_state=run.seed).fit(
        images[:n_fitted]
    )
    return np.concatenate([clusterer.labels_, clusterer.predict(images[n_fitted:])])


def manifold_in_parallel(images, run):
    """Cluster in the same way, with UMAP on all cores."""
    return manifold(images, run, n_jobs=-1)


def manifold_of_hog(images, run):
    """Cluster by the manifold of hand-crafted features alone: HOG of the deskewed image, 64 principal components."""
    import ae_toolkit as ae

    features = make_pipeline(ae.Deskew(), ae.HOG(), PCA(64, random_state=run.seed))
    return ae.ManifoldClustering(N_CLUSTERS, transformer=features, random_state=run.seed).fit_predict(images)


def manifold_of_two_codes(images, run):
    """Cluster by the manifold of two codes side by side: one decodes the deskewed image, one its HOG features."""
    import ae_toolkit as ae

    first = pretrained(images, 30, run)
    second = deskewing(30, run).set_params(target=ae.HOG())
    both = FeatureUnion([("image", first), ("hog", second)])
    return ae.ManifoldClustering(N_CLUSTERS, transformer=both, random_state=run.seed).fit_predict(images)


#: How much a pixel's squared error counts in `idec`, beside nats of the clusters: gamma = 0.1 of its authors' program.
IDEC_WEIGHT = 1 / (0.1 * 784)
METHODS = {
    "k-means on pixels": k_means_on_pixels,
    "k-means on PCA, 10 numbers": k_means_on_pca,
    "n2d's recipe": n2d,
    "ClustPy's DEC, 5 + 5 epochs": clustpy_dec,
    "ClustPy's IDEC, 5 + 5 epochs": clustpy_idec,
    "k-means on codes, 10 numbers": k_means_on_codes,
    "k-means on deskewing codes, 10 numbers": k_means_on_deskewing_codes,
    "DEC": dec,
    "IDEC": idec,
    "DEC, 5 + 5 epochs": dec_five_and_five,
    "ManifoldClustering": manifold,
    "ManifoldClustering, defaults alone": manifold_by_default,
    "ManifoldClustering of six sevenths": manifold_of_most,
    "ManifoldClustering, n_jobs=-1": manifold_in_parallel,
    "ManifoldClustering, two codes": manifold_of_two_codes,
    "ManifoldClustering, HOG": manifold_of_hog,
}


def megabytes():
    """Return the most memory that this process had."""
    # Linux counts in KiB; elsewhere the number would be another, and nobody has measured there.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def clustered(method, images, run):
    """Return a method's labels, and what it took: seconds, with what the run took from others, and megabytes."""
    begin = time.perf_counter()
    labels = METHODS[method](images, run)
    seconds = time.perf_counter() - begin + run.seconds
    return labels, {"seconds": seconds, "megabytes": max(megabytes(), run.megabytes)}


def main():
    """Run one method and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--images", required=True, help="file of an array of images")
    parser.add_argument("--labels", required=True, help="file to write the labels to")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--small", action="store_true", help="train for an epoch or two only")
    parser.add_argument("--shared", type=Path, help="folder of autoencoders that several methods begin with")
    options = parser.parse_args()
    run = Run(options.seed, options.small, options.shared)
    labels, taken = clustered(options.method, np.load(options.images), run)
    np.save(options.labels, labels)
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
