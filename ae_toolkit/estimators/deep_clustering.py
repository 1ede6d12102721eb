"""Deep embedded clustering: an encoder and cluster centres that are trained on their own surest assignments."""

import copy
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ae_toolkit import training
from ae_toolkit._sklearn import HasMethods, Interval, StrOptions, is_fitted
from ae_toolkit._validation import as_random_state
from ae_toolkit.data import streams
from ae_toolkit.estimators._clusters import check_codes, choose_n_clusters, default_autoencoder, encode_in_order
from ae_toolkit.estimators._settings import choose_batch_size
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.clustering_model import Assignments, ClusteringModel, soft_assignments

#: How many numbers a code of the default autoencoder has.
CODE_DIM = 10


class DeepEmbeddedClustering(ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, BaseEstimator):
    """DOC"""

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "autoencoder": [Autoencoder, FrozenEstimator, None],
        "reconstruction_weight": [Interval(Real, 0, None, closed="left")],
        "initial": [HasMethods(["fit"]), None],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions({"cosine", "constant"})],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        autoencoder: Any = None,
        reconstruction_weight: float = 0.0,
        initial: Any = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        schedule: str = "cosine",
        epochs: int = 20,
        batch_size: int | str = "auto",
        tol: float = 0.001,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.autoencoder = autoencoder
        self.reconstruction_weight = reconstruction_weight
        self.initial = initial
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, checkpoint_dir: str | PathLike[str] | None = None) -> Self:
        """DOC"""
        self._validate_params()
        seeds = as_random_state(self.random_state).randint(2**31 - 1, size=4).tolist()
        folder = None if checkpoint_dir is None else Path(checkpoint_dir)
        autoencoder = self._fit_autoencoder(X, seeds[0], folder and folder / "autoencoder")
        codes = encode_in_order(autoencoder, X)
        labels = self._first_labels(codes, seeds[1])
        model = ClusteringModel(
            autoencoder.model_, int(labels.max()) + 1, codes.shape[1], float(self.reconstruction_weight),
            autoencoder._augmentation(seeds[2]),
        )  # fmt: skip
        model.begin_at(codes, labels)
        assignments = Assignments(lambda: encode_in_order(autoencoder, X), self.tol, labels)
        order = None if self.random_state is None else seeds[3]
        stream = self._open(autoencoder, X, order)
        steps = stream.steps_per_epoch * self.epochs
        history = training.fit(
            model, stream, epochs=self.epochs, seed=order, callbacks=[assignments],
            optimizer=training.optimizer(self.optimizer, self.learning_rate, self.schedule, steps),
            checkpoint_dir=folder and folder / "clustering", verbose=int(self.verbose),
            loop_key=self._loop_key(autoencoder, stream, model.n_clusters, steps),
        )  # fmt: skip
        self.autoencoder_, self.history_, self.n_iter_ = autoencoder, history, len(history["loss"])
        self.cluster_centers_, self.scale_ = model.placement()
        self.n_clusters_ = model.n_clusters
        self.labels_ = self._soft(encode_in_order(autoencoder, X)).argmax(axis=1)
        return self

    def _fit_autoencoder(self, X, seed, checkpoint_dir):
        """Return a fitted autoencoder that this estimator may train further."""
        given = self.autoencoder
        if isinstance(given, FrozenEstimator):
            if not isinstance(given.estimator, Autoencoder) or not is_fitted(given.estimator):
                state = "one that is not fitted" if isinstance(given.estimator, Autoencoder) else given.estimator
                raise ValueError(f"expected autoencoder=FrozenEstimator(...) around a fitted autoencoder, got {state!r}")
            return _copy_fitted(given.estimator, seed)
        if given is None:
            autoencoder = default_autoencoder(X, CODE_DIM, seed, self.verbose)
        else:
            autoencoder = clone(given)
            if autoencoder.random_state is None:
                autoencoder.random_state = seed
        return autoencoder.fit(X, checkpoint_dir=checkpoint_dir)

    def _first_labels(self, codes, seed):
        """Return a cluster for each code, from 0 on; -1 for those that the initial clusterer left out."""
        n_clusters = check_codes(codes, self.n_clusters)
        if self.initial is None:
            n_clusters = choose_n_clusters(codes, seed) if n_clusters is None else n_clusters
            return KMeans(n_clusters, n_init=20, random_state=seed).fit(codes).labels_
        initial = clone(self.initial)
        known = initial.get_params(deep=False)
        if n_clusters is not None and "n_clusters" in known:
            initial.set_params(n_clusters=n_clusters)
        if "random_state" in known and known["random_state"] is None:
            initial.set_params(random_state=seed)
        labels = getattr(initial.fit(codes), "labels_", None)
        if labels is None:
            raise ValueError(
                f"expected initial to be a clusterer with labels_ after fit, got {type(initial).__name__}, which has none"
            )
        found = np.unique(labels[labels >= 0])
        if len(found) == 0 or n_clusters not in (None, len(found)):
            wanted = "at least one cluster" if n_clusters is None else f"n_clusters={n_clusters} clusters"
            raise ValueError(f"expected initial={initial!r} to find {wanted}, got {len(found)}")
        return np.where(labels >= 0, np.searchsorted(found, labels), -1)

    def _open(self, autoencoder, X, seed):
        """Return the images as a stream for training."""
        if streams.is_stream(X):
            return streams.open_stream(X, self._batch_size(autoencoder, None), seed)
        images = autoencoder._check(X)
        return streams.open_stream(images, self._batch_size(autoencoder, len(images)), seed)

    def _batch_size(self, autoencoder, n_images):
        return choose_batch_size(autoencoder.network, n_images) if self.batch_size == "auto" else self.batch_size

    def _loop_key(self, autoencoder, stream, n_clusters, steps):
        """Return what decides the computation of a step beside the autoencoder's own structure, or None."""
        structure = autoencoder._loop_key(stream)
        if structure is None or type(self) is not DeepEmbeddedClustering:
            return None
        rate = (steps, self.learning_rate) if self.schedule == "cosine" else None
        return type(self), structure, n_clusters, float(self.reconstruction_weight), self.optimizer, self.schedule, rate

    def _soft(self, codes):
        return soft_assignments(codes, self.cluster_centers_, self.scale_)

    def soft_assignments(self, X: Any) -> NDArray[np.float64]:
        """Return how much each image belongs to each cluster."""
        check_is_fitted(self)
        return self._soft(self.transform(X))

    def predict(self, X: Any) -> NDArray[np.int_]:
        return self.soft_assignments(X).argmax(axis=1)

    def transform(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        return encode_in_order(self.autoencoder_, X)

    @property
    def n_features_in_(self) -> int:
        return self.autoencoder_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        return self.autoencoder_.feature_names_in_

    @property
    def _n_features_out(self):
        return self.cluster_centers_.shape[1]


def _copy_fitted(autoencoder, seed):
    """Return a fitted autoencoder with a model of its own, of the same weights."""
    twin = copy.copy(autoencoder)
    twin.model_ = twin._build_model(seed)
    twin.model_.set_weights(autoencoder.model_.get_weights())
    return twin
