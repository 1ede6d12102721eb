"""Clusters images by one method in a process of its own, and writes the labels of the images to a file.

    python cluster_worker.py METHOD --images x.npy --labels labels.npy --seed 0

The process prints one line of JSON: its seconds from the call on, with all tracing and
compiling, and the most memory that it had. ``--small`` trains for an epoch or two only.
"""

import argparse
import json
import resource
import time

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import FeatureUnion, make_pipeline

N_CLUSTERS = 10


def flat(images):
    """Return images as rows of pixels."""
    return images.reshape(len(images), -1)


def k_means(seed):
    """Return scikit-learn's k-means, best of ten starts."""
    return KMeans(N_CLUSTERS, n_init=10, random_state=seed)


# ------------------------------------------------------------------- what is there without the toolkit


def k_means_on_pixels(images, seed, small):
    """Cluster the pixels."""
    return k_means(seed).fit_predict(flat(images))


def k_means_on_pca(images, seed, small):
    """Cluster PCA's ten numbers."""
    return k_means(seed).fit_predict(PCA(10, random_state=seed).fit_transform(flat(images)))


def n2d(images, seed, small):
    """Follow McConville et al. (2021) with Keras, umap-learn and scikit-learn: their layers, UMAP to ten numbers.

    The autoencoder is trained for 25 epochs: theirs has 1,000, for which nobody here waits.
    """
    import umap
    from contenders import KerasTraining, Network, Variant

    network = Network((500, 500, 2000), N_CLUSTERS)
    training = KerasTraining(flat(images), network, Variant(64, True), seed=seed)
    training.train(1 if small else 25)
    codes = training.model.layers[0].predict(flat(images), batch_size=1000, verbose=0)
    embedding = umap.UMAP(
        n_neighbors=20, min_dist=0.0, n_components=N_CLUSTERS, metric="euclidean", random_state=seed
    ).fit_transform(codes)
    return GaussianMixture(N_CLUSTERS, n_init=5, random_state=seed).fit_predict(embedding)


def clustpy_dec(images, seed, small):
    """Cluster with ClustPy's DEC and its defaults but for the epochs, in the environment that has ClustPy."""
    from clustpy.deep import DEC

    epochs = 1 if small else 5
    model = DEC(N_CLUSTERS, pretrain_epochs=epochs, clustering_epochs=epochs, random_state=seed)
    return model.fit(flat(images)).labels_


# ------------------------------------------------------------------- the toolkit


def k_means_on_codes(images, seed, small):
    """Cluster the codes of an autoencoder with its own defaults."""
    import ae_toolkit as ae

    epochs = {"epochs": 1} if small else {}
    return make_pipeline(ae.Autoencoder(10, random_state=seed, **epochs), k_means(seed)).fit_predict(images)


def k_means_on_deskewing_codes(images, seed, small):
    """Cluster the codes of an autoencoder that decodes the deskewed image from a transformed one."""
    return make_pipeline(deskewing(10, seed, small), k_means(seed)).fit_predict(images)


def deskewing(code_dim, seed, small):
    """Return the autoencoder, with a training of six epochs."""
    import ae_toolkit as ae

    return ae.DenoisingAutoencoder(
        code_dim, network="patch", corruption="affine", target=ae.Deskew(), epochs=1 if small else 6, random_state=seed
    )


def dec(images, seed, small, **options):
    """Cluster by deep embedded clustering, with the toolkit's defaults."""
    import ae_toolkit as ae

    options |= {"epochs": 1, "autoencoder": deskewing(10, seed, True)} if small else {}
    return ae.DeepEmbeddedClustering(N_CLUSTERS, random_state=seed, **options).fit_predict(images)


def idec(images, seed, small):
    """Cluster by its improved form, whose decoder goes on learning."""
    return dec(images, seed, small, reconstruction_weight=IDEC_WEIGHT)


def dec_five_and_five(images, seed, small):
    """Cluster by deep embedded clustering after five epochs of pre-training and five more."""
    import ae_toolkit as ae

    autoencoder = deskewing(10, seed, small).set_params(epochs=1 if small else 5)
    clusterer = ae.DeepEmbeddedClustering(
        N_CLUSTERS, autoencoder=autoencoder, epochs=1 if small else 5, tol=0.0, random_state=seed
    )
    return clusterer.fit_predict(images)


def manifold(images, seed, small):
    """Cluster by the manifold of the codes, with the toolkit's defaults."""
    import ae_toolkit as ae

    transformer = {"transformer": deskewing(10, seed, True)} if small else {}
    return ae.ManifoldClustering(N_CLUSTERS, random_state=seed, **transformer).fit_predict(images)


def manifold_in_parallel(images, seed, small):
    """Cluster in the same way, with UMAP on all cores."""
    import ae_toolkit as ae

    return ae.ManifoldClustering(N_CLUSTERS, n_jobs=-1, random_state=seed).fit_predict(images)


def manifold_of_two_codes(images, seed, small):
    """Cluster by the manifold of two codes side by side: one decodes the deskewed image, one its HOG features."""
    import ae_toolkit as ae

    second = deskewing(30, seed, small).set_params(target=ae.HOG())
    both = FeatureUnion([("image", deskewing(30, seed, small)), ("hog", second)])
    return ae.ManifoldClustering(N_CLUSTERS, transformer=both, random_state=seed).fit_predict(images)


#: How much a pixel's squared error counts in `idec`, beside nats of the clusters: gamma = 0.1 of its authors' program.
IDEC_WEIGHT = 1 / (0.1 * 784)
METHODS = {
    "k-means on pixels": k_means_on_pixels,
    "k-means on PCA, 10 numbers": k_means_on_pca,
    "n2d's recipe": n2d,
    "ClustPy's DEC, 5 + 5 epochs": clustpy_dec,
    "k-means on codes, 10 numbers": k_means_on_codes,
    "k-means on deskewing codes, 10 numbers": k_means_on_deskewing_codes,
    "DEC": dec,
    "IDEC": idec,
    "DEC, 5 + 5 epochs": dec_five_and_five,
    "ManifoldClustering": manifold,
    "ManifoldClustering, n_jobs=-1": manifold_in_parallel,
    "ManifoldClustering, two codes": manifold_of_two_codes,
}


def main():
    """Run one method and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--images", required=True, help="file of an array of images")
    parser.add_argument("--labels", required=True, help="file to write the labels to")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--small", action="store_true", help="train for an epoch or two only")
    options = parser.parse_args()
    images = np.load(options.images)
    begin = time.perf_counter()
    labels = METHODS[options.method](images, options.seed, options.small)
    seconds = time.perf_counter() - begin
    np.save(options.labels, labels)
    # Linux counts in KiB; elsewhere the number would be another, and nobody has measured there.
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main()
