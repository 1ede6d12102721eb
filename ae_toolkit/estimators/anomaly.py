"""Outliers are images that an autoencoder, trained on the others, cannot give back."""

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ae_toolkit._sklearn import HasMethods, Interval, is_fitted
from ae_toolkit._validation import check_images, check_weights, n_axes
from ae_toolkit.estimators.autoencoder import Autoencoder


class ReconstructionDetector(OutlierMixin, BaseEstimator):
    """Call an image an outlier if its reconstruction error is large.

    What is rebuilt decides what is noticed. For drawn shapes, an autoencoder that sees changed
    images and returns the edges of the upright one tells classes apart far better than one that
    returns pixels (chapter "Outliers and look-alikes")::

        target = make_pipeline(ae.Deskew(), ae.HOG())
        autoencoder = ae.DenoisingAutoencoder(16, corruption="affine", target=target, epochs=40)

    The threshold is taken from the training images, whose errors are smaller than those of new
    ones, so new images give more alarms than ``contamination`` says. Where normal images were
    kept aside, take the threshold from these: fit the detector on them, around an autoencoder
    that is fitted already and stays as it is::

        detector = ae.ReconstructionDetector(FrozenEstimator(autoencoder)).fit(kept_aside)

    Parameters
    ----------
    autoencoder : estimator, optional
        Any with ``reconstruct``; a copy of it is fitted. One that is fitted and wrapped in
        scikit-learn's ``FrozenEstimator`` is used as it is. By default ``Autoencoder()`` with a
        code of at most 8 numbers.
    contamination : float, default=0.1
        The fraction of the images in ``fit`` that is called outlying, which sets the
        threshold; in (0, 0.5].

    Attributes
    ----------
    autoencoder_ : estimator
        The fitted autoencoder.
    offset_ : float
        Minus the squared error per image from which on an image is an outlier.
    n_features_in_ : int
        How many numbers an image has.

    References
    ----------
    Ruff, L. et al. (2018). Deep one-class classification. ICML, 4393-4402: the protocol of one
    normal class.

    Sakurada, M. and Yairi, T. (2014). Anomaly detection using autoencoders with nonlinear
    dimensionality reduction. MLSDA workshop, 4-11.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=8, epochs=5, random_state=0)
    >>> detector = ae.ReconstructionDetector(autoencoder, contamination=0.05).fit(data.x_train)
    >>> detector.predict(1 - data.x_test[:3])  # black on white
    array([-1, -1, -1])
    """

    _parameter_constraints = {
        "autoencoder": [HasMethods(["fit", "reconstruct"]), None],
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(self, autoencoder: Any = None, *, contamination: float = 0.1) -> None:
        self.autoencoder = autoencoder
        self.contamination = contamination

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the autoencoder, unless it is frozen, and the threshold.

        Parameters
        ----------
        X : array-like of images, mostly inliers
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How much each image counts in training the autoencoder, and for the threshold.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images or a parameter are not as described, or a ``FrozenEstimator`` holds nothing that is fitted.
        """
        self._validate_params()
        if n_axes(X) <= 2:  # a table, in scikit-learn's own words
            images = validate_data(self, X, dtype=np.float32, ensure_min_features=2)
        else:
            images = check_images(X)
            self.n_features_in_ = int(np.prod(images.shape[1:]))
        autoencoder = self.autoencoder
        if autoencoder is None:
            autoencoder = Autoencoder(min(8, self.n_features_in_ - 1), random_state=0)
        if isinstance(autoencoder, FrozenEstimator):
            if not is_fitted(autoencoder.estimator):
                raise ValueError(f"expected FrozenEstimator around a fitted autoencoder, got {autoencoder!r}")
            self.autoencoder_ = autoencoder.estimator
        else:
            self.autoencoder_ = clone(autoencoder).fit(images, sample_weight=sample_weight)
        weights = None if sample_weight is None else check_weights(sample_weight, images)
        # A quantile that is one of the scores, so that an image of weight 2 counts like two images; the threshold lies
        # half-way to the next score, so that this one is an outlier.
        scores = self._scores(images)
        last = np.quantile(scores, self.contamination, method="inverted_cdf", weights=weights)
        self.offset_ = float((last + min(scores[scores > last], default=np.nextafter(last, np.inf))) / 2)
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return minus the squared error of each image: the lower, the more abnormal.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        if n_axes(X) <= 2:
            X = validate_data(self, X, dtype=np.float32, reset=False)
        return self._scores(check_images(X))

    def _scores(self, X):
        # An autoencoder that decodes something else than the image is judged by that.
        wanted = self.autoencoder_._targets(X) if isinstance(self.autoencoder_, Autoencoder) else X
        error = np.square(np.asarray(wanted, float) - self.autoencoder_.reconstruct(X))
        return -error.reshape(len(error), -1).sum(axis=1)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return ``score_samples(X) - offset_``: negative for outliers.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.int_]:
        """Return -1 for outliers and 1 for inliers.

        Parameters
        ----------
        X : array-like, images of the shape seen in fit

        Returns
        -------
        ndarray of int, shape (n,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)
