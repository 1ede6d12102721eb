"""New images after the fact: from a mixture fitted on the codes, and on the way between two images.

Works with any fitted autoencoder, also one that was not trained to generate.
"""

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.mixture import GaussianMixture
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import _is_fitted, check_is_fitted

from ae_toolkit._validation import as_random_state, check_count
from ae_toolkit.estimators.autoencoder import Autoencoder


class MixtureSampler(BaseEstimator):
    """Draw images from a Gaussian mixture that is fitted on an autoencoder's codes.

    Parameters
    ----------
    autoencoder : estimator, optional
        Any with ``transform`` and ``inverse_transform``; one that is fitted already is
        taken as it is, another is fitted (a copy of it). By default ``Autoencoder()``.
    n_components : int, default=10
        Of the mixture. A component has its own full covariance matrix.
    random_state : int, RandomState instance or None, default=None
        Seeds the mixture's start.

    Attributes
    ----------
    autoencoder_ : estimator
        The fitted autoencoder.
    mixture_ : sklearn.mixture.GaussianMixture
        The distribution of the codes.

    References
    ----------
    Ghosh, P., Sajjadi, M. S. M., Vergari, A., Black, M. and Scholkopf, B. (2020). From
    variational to deterministic autoencoders. ICLR.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=2, random_state=0).fit(data.x_train)
    >>> sampler = ae.MixtureSampler(autoencoder, n_components=3, random_state=0).fit(data.x_train)
    >>> sampler.sample(5, random_state=0).shape
    (5, 8, 8, 1)
    """

    _parameter_constraints = {
        "autoencoder": [HasMethods(["fit", "transform", "inverse_transform"]), None],
        "n_components": GaussianMixture._parameter_constraints["n_components"],
        "random_state": ["random_state"],
    }

    def __init__(self, autoencoder=None, *, n_components=10, random_state=None):
        self.autoencoder = autoencoder
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X, y=None):
        """Fit the mixture on the codes of images.

        Parameters
        ----------
        X : array-like of images, as the autoencoder takes them
        y : ignored

        Returns
        -------
        self
        """
        self._validate_params()
        autoencoder = Autoencoder(random_state=self.random_state) if self.autoencoder is None else self.autoencoder
        if not _is_fitted(autoencoder):
            autoencoder = clone(autoencoder).fit(X)
        codes = autoencoder.transform(X)
        if len(codes) < self.n_components:
            raise ValueError(f"expected at least n_components={self.n_components} images, got {len(codes)}")
        mixture = GaussianMixture(self.n_components, random_state=as_random_state(self.random_state))
        self.autoencoder_, self.mixture_ = autoencoder, mixture.fit(np.asarray(codes, float))
        return self

    @property
    def n_features_in_(self):
        """Return how many numbers an image has.

        Returns
        -------
        int
        """
        return self.autoencoder_.n_features_in_

    @property
    def feature_names_in_(self):
        """Return the names of the columns, if the images came as a data frame.

        Returns
        -------
        ndarray of str
        """
        return self.autoencoder_.feature_names_in_

    def sample(self, n_samples=1, random_state=None):
        """Draw new images.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        ndarray of float32, shape (n_samples, *image_shape)
        """
        check_is_fitted(self)
        # By hand: the mixture's own ``sample`` draws from the state of its fit, the same images each time.
        mixture, generator = self.mixture_, as_random_state(random_state)
        chosen = generator.choice(mixture.n_components, size=check_count(n_samples, "n_samples"), p=mixture.weights_)
        codes = np.stack([generator.multivariate_normal(mixture.means_[i], mixture.covariances_[i]) for i in chosen])
        return self.autoencoder_.inverse_transform(codes)


def interpolate(autoencoder, start, end, n_steps=8, path="linear"):
    """Return the images on the way from one image to another, in the space of the codes.

    Parameters
    ----------
    autoencoder : fitted estimator
    start, end : array-like of the shape of one image
    n_steps : int, default=8
        Images on the way, both ends included; at least 2.
    path : {"linear", "spherical"}, default="linear"
        The straight line between the codes; or the arc on which their length changes
        evenly, which suits codes that are distributed like N(0, 1) (White, 2016).

    Returns
    -------
    ndarray of float32, shape (n_steps, *image_shape)

    References
    ----------
    White, T. (2016). Sampling generative networks. arXiv:1609.04468.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.estimators.generation import interpolate
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=2, random_state=0).fit(data.x_train)
    >>> interpolate(autoencoder, data.x_test[0], data.x_test[1], n_steps=5).shape
    (5, 8, 8, 1)
    """
    check_is_fitted(autoencoder)
    n_steps = check_count(n_steps, "n_steps", minimum=2)
    paths = {"linear": _line, "spherical": _arc}
    if path not in paths:
        raise ValueError(f"expected path to be 'linear' or 'spherical', got {path!r}")
    first, last = (autoencoder.transform(np.asarray(image)[None])[0].astype(float) for image in (start, end))
    return autoencoder.inverse_transform(paths[path](first, last, np.linspace(0, 1, n_steps)[:, None]))


def _line(first, last, t):
    return (1 - t) * first + t * last


def _arc(first, last, t):
    lengths = np.linalg.norm(first), np.linalg.norm(last)
    if min(lengths) == 0:
        return _line(first, last, t)
    angle = np.arccos(np.clip(first @ last / (lengths[0] * lengths[1]), -1, 1))
    if np.sin(angle) < 1e-6:  # the same direction, or opposite ones, between which no arc is the shortest
        return _line(first, last, t)
    return (np.sin((1 - t) * angle) * first + np.sin(t * angle) * last) / np.sin(angle)
