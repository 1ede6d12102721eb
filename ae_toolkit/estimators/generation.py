"""New images: from codes drawn from N(0, 1), from a mixture fitted on the codes, and on the way between two images.

Only the first needs an autoencoder that was trained to generate; the others work with any that is fitted.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted

from ae_toolkit._sklearn import HasMethods, is_fitted
from ae_toolkit._validation import as_random_state, check_count
from ae_toolkit.estimators._inner import HoldsAutoencoder
from ae_toolkit.estimators.autoencoder import Autoencoder


class PriorSampling:
    """A mixin for estimators whose codes are distributed like N(0, 1): draws new images from such codes.

    It stands before the estimator's other base, which brings ``inverse_transform``, as
    scikit-learn's mixins do.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.estimators.generation import PriorSampling
    >>> issubclass(ae.VariationalAutoencoder, PriorSampling), issubclass(ae.AdversarialAutoencoder, PriorSampling)
    (True, True)
    """

    def sample(
        self: Any,  # the estimator, of which a mixin's class does not know
        n_samples: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> NDArray[np.float32]:
        """Draw new images: codes from N(0, 1), decoded.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        ndarray of float32, shape (n_samples, *image_shape_)
            What `inverse_transform` returns for the codes: of a variational autoencoder
            the pixels' probabilities or means, not pixels drawn from them.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive integer.
        """
        check_is_fitted(self)
        shape = (check_count(n_samples, "n_samples"), self._n_features_out)
        codes = as_random_state(random_state).normal(size=shape)
        return self.inverse_transform(codes)


class MixtureSampler(HoldsAutoencoder, BaseEstimator):
    """Draw images from a Gaussian mixture that is fitted on an autoencoder's codes.

    Parameters
    ----------
    autoencoder : estimator, optional
        Any with ``transform`` and ``inverse_transform``; one that is fitted already is
        taken as it is, another is fitted (a copy of it). By default ``Autoencoder()``.
    n_components : int, default=10
        How many normal distributions are mixed, each with its own full covariance matrix.
    random_state : int, RandomState instance or None, default=None
        Seeds the start of the mixture's fit, and with ``autoencoder=None`` the autoencoder.

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

    def __init__(
        self,
        autoencoder: Any = None,
        *,
        n_components: int = 10,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.autoencoder = autoencoder
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Fit the mixture on the codes of images.

        Parameters
        ----------
        X : array-like of images, as the autoencoder takes them
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer images than components, or a parameter is not as described.
        """
        self._validate_params()
        autoencoder = Autoencoder(random_state=self.random_state) if self.autoencoder is None else self.autoencoder
        if not is_fitted(autoencoder):
            autoencoder = clone(autoencoder).fit(X)
        codes = autoencoder.transform(X)
        if len(codes) < self.n_components:
            raise ValueError(f"expected at least n_components={self.n_components} images, got {len(codes)}")
        mixture = GaussianMixture(self.n_components, random_state=as_random_state(self.random_state))
        self.autoencoder_, self.mixture_ = autoencoder, mixture.fit(np.asarray(codes, float))
        return self

    def sample(
        self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None
    ) -> NDArray[np.float32]:
        """Draw new images: codes from the mixture, decoded.

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


def interpolate(
    autoencoder: Any, start: ArrayLike, end: ArrayLike, n_steps: int = 8, path: str = "linear"
) -> NDArray[np.float32]:
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

    Raises
    ------
    ValueError
        If `n_steps` or `path` is not as described, or the images are not of the shape seen in fit.

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
