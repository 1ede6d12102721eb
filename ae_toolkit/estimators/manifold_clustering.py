"""Clusters as regions of a manifold: codes, then an embedding that keeps neighbours together, then a mixture."""

import math
import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted, validate_data

from ae_toolkit._sklearn import HasMethods, Interval, Options
from ae_toolkit._validation import as_random_state, check_images, n_axes
from ae_toolkit.data import streams
from ae_toolkit.estimators._clusters import (
    check_codes,
    choose_n_clusters,
    encode_in_order,
    find_distinct,
    fit_transformer,
)
from ae_toolkit.estimators._manifold import embed, import_umap
from ae_toolkit.estimators._neighbours import Interpolation

#: From how many of the nearest codes a new image's place is interpolated.
INTERPOLATED = 8


class ManifoldClustering(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Cluster images by their codes' place on a manifold: codes, UMAP, then a Gaussian mixture.

    UMAP lays the codes out so that neighbours stay together and groups move apart, whatever
    their shape; what is then left for the mixture is round. The steps are those of N2D
    (McConville et al., 2021). Images of two kinds, such as originals and transformed copies, can
    lie apart on the manifold and form clusters of their own: bring them into one form first.

    Parameters
    ----------
    n_clusters : int, optional
        By default the number, from 2 to 20, whose clusters of the embedding have the highest
        silhouette.
    transformer : estimator with ``fit`` and ``transform``, optional
        Makes a code of each image; a copy of it is fitted. One that is fitted already is
        used as it is when it is wrapped in scikit-learn's ``FrozenEstimator``. Several codes
        side by side are a ``FeatureUnion``. By default an autoencoder with codes of 30
        numbers: for pictures one that decodes images from transformed ones (rotated, sheared,
        scaled and shifted). If the pictures show single objects on an empty background, what it
        decodes is the deskewed image (`ae_toolkit.data.preprocessing.Deskew`), so that its
        codes leave out the slant. The background counts as empty if, in half of the images,
        95% of the border is as dark as the darkest pixel.
    n_neighbors : int, default=20
        Of each code in UMAP's graph, itself included. More join smaller groups.
    n_dims : int, default=8
        Of the embedding, at most: never more than a code has numbers.
    min_dist : float, default=0.0
        How far apart UMAP keeps neighbours; 0 packs groups densely, which suits clusters.
    umap_epochs : int, default=150
        How often UMAP goes through the neighbours.
    n_init : int, default=5
        Starts of the mixture, of which the one with the highest likelihood is kept.
    n_jobs : int, default=1
        Threads of UMAP. With 1, equal seeds give equal results to the last bit. With more,
        or -1 for all, they share the work, but even with a seed no two fits are the same.
    random_state : int, RandomState instance or None, default=None
        Seeds the default autoencoder, UMAP and the mixture. A `transformer` has its own.
    verbose : int, default=0
        0 is silent; 1 shows the progress bars of the default autoencoder and of UMAP.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        The cluster of each fitted image, in the order of the images.
    embedding_ : ndarray of float32, shape (n, n_dims)
        Where UMAP has put each fitted image; equal codes are put together.
    codes_ : ndarray of float32, shape (n, numbers of a code)
        The code of each fitted image, next to which new images are looked for.
    distinct_ : ndarray of int
        The images whose code no image before them has.
    mixture_ : sklearn.mixture.GaussianMixture
        Of the embedding, with one component per cluster.
    n_clusters_ : int
        `n_clusters`, or the number that was chosen; fewer if fewer codes differ.
    transformer_ : fitted estimator
    n_features_in_ : int
        How many numbers an image has.

    References
    ----------
    McConville, R., Santos-Rodriguez, R., Piechocki, R. J. and Craddock, I. (2021). N2D:
    (not too) deep clustering via clustering the local manifold of an autoencoded
    embedding. ICPR, 5145-5152.

    McInnes, L., Healy, J. and Melville, J. (2018). UMAP: uniform manifold approximation and
    projection for dimension reduction. arXiv:1802.03426.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> clusterer = ae.ManifoldClustering(10, transformer=ae.Autoencoder(8, epochs=2, random_state=0), random_state=0)
    >>> clusterer.fit(data.x_train).labels_.shape
    (1437,)
    >>> clusterer.predict(data.x_test).shape, clusterer.transform(data.x_test).shape
    ((360,), (360, 8))
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "transformer": [HasMethods(["fit", "transform"]), None],
        "n_neighbors": [Interval(Integral, 2, None, closed="left")],
        "n_dims": [Interval(Integral, 1, None, closed="left")],
        "min_dist": [Interval(Real, 0, 1, closed="both")],
        "umap_epochs": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        transformer: Any = None,
        n_neighbors: int = 20,
        n_dims: int = 8,
        min_dist: float = 0.0,
        umap_epochs: int = 150,
        n_init: int = 5,
        n_jobs: int = 1,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.transformer = transformer
        self.n_neighbors = n_neighbors
        self.n_dims = n_dims
        self.min_dist = min_dist
        self.umap_epochs = umap_epochs
        self.n_init = n_init
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the transformer, the embedding and the mixture.

        Parameters
        ----------
        X : array-like of shape (n, height, width[, channels]) or (n, pixels), or a source of batches
            Images as the autoencoders take them: an array, a folder, or a data set that ends.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If umap-learn is not installed; the extra ``clustering`` installs it.
        ValueError
            If there are fewer images than clusters, if codes are NaN or infinite, or if the
            images or a parameter are not as described.

        Warns
        -----
        ConvergenceWarning
            If fewer codes differ than clusters were asked for; there are fewer clusters then.
        UserWarning
            If the graph of neighbours falls into more parts, of at least 5% of the images each,
            than there are clusters. Which of them share a cluster is then decided by where
            the layout started. More `n_neighbors` connect them.

        Notes
        -----
        A fit that fails leaves the estimator as it was before.
        """
        self._validate_params()
        import_umap()  # before an autoencoder is trained in vain
        before = self.__dict__.copy()
        try:
            return self._fit(X)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(self, X):
        X = self._check(X, reset=True)
        for_codes, for_embedding, for_choice, for_mixture = map(
            int, as_random_state(self.random_state).randint(2**31 - 1, size=4)
        )
        transformer = fit_transformer(self.transformer, X, 30, for_codes, int(self.verbose))
        codes = encode_in_order(transformer, X)
        n_clusters = check_codes(codes, self.n_clusters)
        first, place = find_distinct(codes)
        points, n_parts = embed(
            codes[first], n_neighbors=self.n_neighbors, n_dims=self.n_dims, min_dist=self.min_dist,
            epochs=self.umap_epochs, seed=for_embedding, n_jobs=self.n_jobs, verbose=bool(self.verbose),
        )  # fmt: skip
        embedding = points[place]
        if n_clusters is None:
            n_clusters = choose_n_clusters(embedding, for_choice)
        if n_parts > n_clusters > 1:
            warnings.warn(
                f"the neighbours of the codes form {n_parts} large parts that nothing connects, more than the "
                f"{n_clusters} clusters: which parts share a cluster is decided by where the embedding started. More "
                f"neighbours than n_neighbors={self.n_neighbors} connect them",
                stacklevel=3,  # the line that calls fit
            )
        self.mixture_ = _fit_mixture(embedding, n_clusters, self.n_init, for_mixture)
        self.transformer_, self.codes_, self.distinct_, self.embedding_ = transformer, codes, first, embedding
        self.n_clusters_, self._n_features_out = n_clusters, embedding.shape[1]
        self.labels_ = self.mixture_.predict(embedding.astype(np.float64))
        if streams.is_stream(X):
            self.n_features_in_ = transformer.n_features_in_
        return self

    def predict(self, X: Any) -> NDArray[np.int_]:
        """Return the cluster of each image; of a fitted image it is its label.

        Parameters
        ----------
        X : array-like or source of batches, images of the shape seen in fit

        Returns
        -------
        ndarray of int, shape (n,)
        """
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return how probable each cluster is for each image.

        Parameters
        ----------
        X : array-like or source of batches, images of the shape seen in fit

        Returns
        -------
        ndarray of shape (n, n_clusters_)
            The mean of the probabilities that the mixture gives to the fitted images with
            the 8 nearest codes, weighted by 1 / distance²; of one with the same code, its own.
        """
        check_is_fitted(self)
        embedding = self.embedding_[self.distinct_].astype(np.float64)
        return self._interpolate(X, self.mixture_.predict_proba(embedding))

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return where images lie in the embedding.

        UMAP's own ``transform`` is not used: there, an image's place depends on the images
        beside it.

        Parameters
        ----------
        X : array-like or source of batches, images of the shape seen in fit

        Returns
        -------
        ndarray of float32, shape (n, n_dims)
            The mean of the places of the fitted images with the 8 nearest codes, weighted by
            1 / distance²; of one with the same code, its own.
        """
        check_is_fitted(self)
        return self._interpolate(X, self.embedding_[self.distinct_]).astype(np.float32)

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.float32]:
        """Fit, and return where the images lie in the embedding.

        Parameters
        ----------
        X : array-like or source of batches
        y : ignored

        Returns
        -------
        ndarray of float32, shape (n, n_dims)
        """
        return self.fit(X).embedding_.copy()

    def _interpolate(self, X, values):
        codes = encode_in_order(self.transformer_, self._check(X))
        return Interpolation(self.codes_[self.distinct_], INTERPOLATED)(codes, values)[0]

    def _check(self, X, reset=False):
        """Return a table in scikit-learn's own words, images as float32, or a source as it is."""
        if streams.is_stream(X):
            return X
        if n_axes(X) <= 2:
            return validate_data(self, X, reset=reset, dtype=np.float32, ensure_min_features=2 if reset else 1)
        X = check_images(X)
        if reset:
            self.n_features_in_ = math.prod(X.shape[1:])
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _fit_mixture(embedding, n_clusters, n_init, seed):
    points = embedding.astype(np.float64)
    if len(points) == 1:  # scikit-learn's mixture asks for two
        points = np.repeat(points, 2, axis=0)
    with warnings.catch_warnings():
        # About starts of which another one may be kept, and about equal points, of which check_codes has warned.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(n_clusters, n_init=n_init, random_state=seed).fit(points)
