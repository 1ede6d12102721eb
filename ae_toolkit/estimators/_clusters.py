"""What the clusterers share: the default autoencoder, codes in the order of the images, and how many clusters.

Nothing here sees a label.
"""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score

from ae_toolkit._validation import as_random_state, check_finite
from ae_toolkit.data import preprocessing, streams
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.denoising import DenoisingAutoencoder

#: The fraction of pixels at the border that are as dark as the darkest, from which on a background counts as empty.
EMPTY_BORDER = 0.95
#: A pixel is as dark as the darkest if it is above it by at most this fraction of the range of pixels.
DARK = 0.05
#: How many numbers of pixels are looked at to tell what the images are: 16 MiB.
LOOKED_AT = 2**22
#: The largest number of clusters that `choose_n_clusters` tries, and how many points it looks at.
LARGEST, SAMPLE = 20, 2000


def default_autoencoder(
    X: Any, code_dim: int = 30, random_state: int | np.random.RandomState | None = None, verbose: int = 0
) -> Autoencoder:
    """Return the autoencoder, not yet fitted, on whose codes images are clustered by default.

    Pictures of at least 4×4 pixels get a `DenoisingAutoencoder` of patches that decodes the image
    from a transformed one (``corruption="affine"``). If the pictures show single objects on
    an empty background, what is decoded is the image with its slant taken away
    (``target=Deskew()``): its code has to forget how the object was written or placed. Flat
    images and smaller pictures get an `Autoencoder` with its own defaults.

    Parameters
    ----------
    X : array of images or source of batches
        What it will be fitted on; some images are looked at.
    code_dim : int, default=30
        At most; a code is no longer than an image.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0

    Returns
    -------
    Autoencoder

    Notes
    -----
    A background is taken as empty if, in half of the images or more, at least 95% of the
    pixels along the border are as dark as the darkest pixel of all, with a tolerance of 5%
    of the range of pixels.
    """
    stream = streams.open_stream(X, batch_size=64, seed=0)
    shape = stream.image_shape
    shared: dict[str, Any] = {
        "code_dim": min(code_dim, math.prod(shape)),
        "epochs": choose_epochs(stream),
        "random_state": random_state,
        "verbose": verbose,
    }
    if len(shape) == 1 or min(shape[:2]) < 4:
        return Autoencoder(**shared)
    target = preprocessing.Deskew() if has_empty_background(stream.look(LOOKED_AT)) else None
    return DenoisingAutoencoder(corruption="affine", target=target, network="patch", hidden_units=(48, 48), **shared)


def has_empty_background(images: NDArray[np.float32]) -> bool:
    """Return whether images show single objects on an empty, dark background; see `default_autoencoder`.

    Parameters
    ----------
    images : ndarray of shape (n, height, width[, channels])

    Returns
    -------
    bool
    """
    darkest, brightest = images.min(), images.max()
    if darkest == brightest:
        return False
    dark = images <= darkest + DARK * (brightest - darkest)
    sides = (dark[:, 0], dark[:, -1], dark[:, 1:-1, 0], dark[:, 1:-1, -1])
    border = np.concatenate([side.reshape(len(images), -1) for side in sides], axis=1)
    return bool(np.median(border.mean(axis=1)) >= EMPTY_BORDER)


def choose_epochs(stream: streams.Stream) -> int:
    """Return how often each image is seen by default: 6 times of many, and more often of few, to 40.

    Parameters
    ----------
    stream : Stream
        Of images.

    Returns
    -------
    int
    """
    return min(40, round(6 + 12_000 / _count(stream)))


def _count(stream):
    """Return about how many images a stream has."""
    if stream.array is not None:
        return len(stream.array)
    return stream.steps_per_epoch * len(stream.peek())


def fit_transformer(
    transformer: Any,
    X: Any,
    code_dim: int = 30,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> Any:
    """Return a fitted copy of a transformer, or of the default for None; a `FrozenEstimator` stays as it is.

    Parameters
    ----------
    transformer : estimator with ``transform``, or None
    X : array of images or source of batches
    code_dim, random_state, verbose
        For the default.

    Returns
    -------
    fitted estimator
    """
    if transformer is None:
        return default_autoencoder(X, code_dim, random_state, verbose).fit(X)
    return clone(transformer).fit(X, None)  # scikit-learn's FrozenEstimator insists on labels


def encode_in_order(transformer: Any, X: Any) -> NDArray[np.float32]:
    """Return the code of each image, in the order of the array, of the folder's names or of the data set.

    Parameters
    ----------
    transformer : fitted estimator
    X : array of images or source of batches

    Returns
    -------
    ndarray of float32, shape (n, numbers of a code)

    Raises
    ------
    ValueError
        If what the transformer returns is no table of numbers.
    """
    if streams.is_stream(X):
        codes = np.concatenate([_as_table(transformer.transform(batch)) for batch in streams.in_order(X)])
    else:
        codes = _as_table(transformer.transform(X))
    return codes


def _as_table(codes):
    if issparse(codes):
        codes = codes.toarray()
    codes = np.asarray(codes, np.float32)
    if codes.ndim != 2:
        raise ValueError(f"expected codes of shape (n, numbers), got {codes.shape}")
    return codes


def check_codes(codes: NDArray[np.float32], n_clusters: int | None) -> int | None:
    """Return how many clusters can be made of codes, or say why there are none.

    Parameters
    ----------
    codes : ndarray of shape (n, numbers of a code)
    n_clusters : int or None
        As asked for.

    Returns
    -------
    int or None
        `n_clusters`, or fewer where fewer codes differ.

    Raises
    ------
    ValueError
        If a code is NaN or infinite, or if there are fewer images than clusters.

    Warns
    -----
    ConvergenceWarning
        If fewer codes differ than clusters were asked for: each is a cluster then.
    """
    check_finite(codes, "codes", "what the transformer returned")
    if n_clusters is None:
        return None
    if len(codes) < n_clusters:
        raise ValueError(f"expected at least n_clusters={n_clusters} images, got {len(codes)}")
    distinct = count_distinct(codes, at_most=n_clusters)
    if distinct < n_clusters:
        which = "all codes are equal" if distinct == 1 else f"only {distinct} codes differ"
        warnings.warn(
            f"expected n_clusters={n_clusters} different codes or more, but {which}: made {distinct} "
            f"cluster{'s' if distinct > 1 else ''}",
            ConvergenceWarning,
            stacklevel=4,  # the line that calls fit
        )
    return distinct


def count_distinct(points: NDArray, at_most: int) -> int:
    """Return how many rows differ, or `at_most` if as many or more do.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    at_most : int

    Returns
    -------
    int
    """
    for few in (4 * at_most, len(points)):  # where all is well, few rows show it
        found = len(np.unique(points[:few], axis=0))
        if found >= at_most:
            return at_most
    return found


def choose_n_clusters(
    points: NDArray,
    random_state: int | np.random.RandomState | None = None,
    largest: int = LARGEST,
) -> int:
    """Return the number of clusters, from 2 to `largest`, whose silhouette is the highest.

    The silhouette (Rousseeuw, 1987) compares how far a point is from its own cluster and
    from the next. Clusters are those of k-means on a sample of the points.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        An embedding, or codes.
    random_state : int, RandomState instance or None, default=None
        Draws the sample, and starts k-means.
    largest : int, default=20

    Returns
    -------
    int
        1 only where fewer than three points differ.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis. Journal of Computational and Applied Mathematics 20,
    53-65.
    """
    random = as_random_state(random_state)
    points = np.asarray(points, np.float64)
    if len(points) > SAMPLE:
        points = points[np.sort(random.choice(len(points), SAMPLE, replace=False))]
    distinct = count_distinct(points, at_most=largest + 1)
    if distinct < 3:
        return 1
    scores = {}
    for k in range(2, min(largest, distinct - 1) + 1):
        labels = KMeans(k, n_init=3, random_state=random.randint(2**31 - 1)).fit_predict(points)
        scores[k] = silhouette_score(points, labels)
    return max(scores, key=scores.__getitem__)


def find_distinct(codes: NDArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the codes that differ from all before them, and for each code which of these it equals.

    Parameters
    ----------
    codes : ndarray of shape (n, d)

    Returns
    -------
    first : ndarray of int
        In rising order.
    place : ndarray of int, shape (n,)
        ``codes[first][place]`` are the codes.
    """
    _, first, inverse = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(first), np.intp)
    rank[order] = np.arange(len(first))
    return first[order], rank[inverse.reshape(-1)]
