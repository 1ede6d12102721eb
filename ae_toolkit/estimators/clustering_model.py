"""The Keras model of deep embedded clustering, and the callback that assigns all images after each epoch.

The model is an autoencoder's own, with a centre for each cluster beside it. The functions
of plain arrays, `soft_assignments`, `whitening_of` and `fill_empty`, are what is done outside
of the compiled steps. The first is computed row by row in double precision, so that an image alone
is assigned as among others.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ae_toolkit._keras import keras
from ae_toolkit.estimators._linear import times
from ae_toolkit.estimators._model_around import ModelAroundAutoencoder

ops = keras.ops

#: The frequencies of the clusters are a running mean, over about so many images.
COUNTED_IMAGES = 1024
#: By so much of its distance to the trained network the teacher moves in each step: a mean over about 100 steps.
FOLLOWED = 0.01
#: Within clusters, no direction counts as if codes varied less than this fraction of the mean variance.
LEAST_VARIANCE = 0.01
#: How many numbers the distances of codes from centres are made of at a time.
_NUMBERS_AT_ONCE = 2**22


@keras.saving.register_keras_serializable(package="ae_toolkit")
class ClusteringModel(ModelAroundAutoencoder):
    """The Keras model of `DeepEmbeddedClustering`: an autoencoder whose codes gather around trained centres.

    Its loss terms are ``"clustering"``, the divergence of an image's assignment from its
    sharpened target in nats, and, if it has a weight, ``"reconstruction"``, the squared
    error per image. Without that weight the decoder takes no part.

    Parameters
    ----------
    autoencoder : AutoencoderModel
        Trained in place. If it corrupts images, or augments them, the assignment of the
        changed image is drawn to the target of the unchanged one.
    teacher : AutoencoderModel
        Another of the same structure. It is not trained, but follows the first slowly; the
        targets are made of its codes. Its weights are overwritten.
    n_clusters, code_dim : int
    reconstruction_weight : float
        Of the squared error per image in the loss.
    transformation : keras.Layer, optional
        Changes images in training before they are corrupted and encoded, as an
        autoencoder's augmentation does; what is decoded is compared to what it returns.

    Attributes
    ----------
    centers : keras.Variable of shape (n_clusters, code_dim)
        Whitened as codes are, so that a step means as much for codes of any scale. Trained
        with the encoder.
    teacher_centers : keras.Variable of shape (n_clusters, code_dim)
        They follow the centres as the teacher follows the autoencoder.
    frequencies : keras.Variable of shape (n_clusters,)
        The clusters' shares of the images: of all at an epoch's end, then a running mean. Not
        trained.
    whitening : keras.Variable of shape (code_dim, code_dim)
        Codes times this matrix are compared with the centres: at the beginning, they vary
        within their clusters alike in all directions, by 1. Not trained.

    Examples
    --------
    `DeepEmbeddedClustering` makes one, and trains it.

    >>> from keras import ops
    >>> from ae_toolkit import networks
    >>> from ae_toolkit.estimators.clustering_model import ClusteringModel
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> pupil, teacher = (AutoencoderModel(*networks.build((8, 8, 1), 4)) for _ in range(2))
    >>> model = ClusteringModel(pupil, teacher, 3, 4, reconstruction_weight=0.1)
    >>> images = ops.ones((2, 8, 8, 1))
    >>> sorted(model.loss_terms(images, model(images)))
    ['clustering', 'reconstruction']
    """

    _PARTS = "autoencoder", "teacher", "transformation"
    _NUMBERS = "n_clusters", "code_dim", "reconstruction_weight"

    def __init__(
        self,
        autoencoder: Any,
        teacher: Any,
        n_clusters: int,
        code_dim: int,
        reconstruction_weight: float,
        transformation: Any = None,
        **kwargs: Any,
    ):
        super().__init__("clustering", reconstruction_weight, **kwargs)
        self.autoencoder, self.teacher, self.transformation = autoencoder, teacher, transformation
        teacher.set_weights(autoencoder.get_weights())
        self.n_clusters, self.code_dim = n_clusters, code_dim
        self.centers = self.add_weight((n_clusters, code_dim), "zeros", name="centers")
        self.teacher_centers = self.add_weight((n_clusters, code_dim), "zeros", trainable=False, name="teacher_centers")
        self.frequencies = self.add_weight((n_clusters,), "ones", trainable=False, name="frequencies")
        self.whitening = self.add_weight((code_dim, code_dim), "identity", trainable=False, name="whitening")
        self.built = True

    def begin_at(self, codes: NDArray[Any], labels: NDArray[Any]) -> None:
        """Begin with the clusters that another method has found in the codes.

        Parameters
        ----------
        codes : ndarray of shape (n, code_dim)
        labels : ndarray of int, shape (n,)
            From 0 to ``n_clusters - 1``, each at least once; others belong to no cluster.
        """
        codes = np.asarray(codes, float)
        centers = np.stack([codes[labels == cluster].mean(axis=0) for cluster in range(self.n_clusters)])
        inside = labels >= 0
        self.whitening.assign(whitening_of(codes[inside] - centers[labels[inside]]))
        self.place(centers)
        self.frequencies.assign(soft_assignments(codes, *self.placement()).mean(axis=0))

    def placement(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the clusters are now.

        Returns
        -------
        centers : ndarray of shape (n_clusters, code_dim)
            Among the codes, not whitened.
        whitening : ndarray of shape (code_dim, code_dim)
        """
        whitening = np.array(ops.convert_to_numpy(self.whitening), float)
        return np.array(ops.convert_to_numpy(self.centers), float) @ np.linalg.inv(whitening), whitening

    def place(self, centers: NDArray[Any]) -> None:
        """Place the clusters anew.

        Parameters
        ----------
        centers : ndarray of shape (n_clusters, code_dim)
            Among the codes, not whitened.
        """
        whitened = centers @ np.array(ops.convert_to_numpy(self.whitening), float)
        self.centers.assign(whitened)
        self.teacher_centers.assign(whitened)

    def log_assignments(self, codes: Any, centers: Any) -> Any:
        """Return the logarithm of each code's assignment to each cluster, by Student's t of one degree of freedom.

        Parameters
        ----------
        codes : tensor of shape (n, code_dim)
        centers : keras.Variable of shape (n_clusters, code_dim)
            Whitened: `centers` or `teacher_centers`.

        Returns
        -------
        tensor of shape (n, n_clusters)
        """
        whitened = ops.matmul(codes, ops.convert_to_tensor(self.whitening))
        differences = whitened[:, None] - ops.convert_to_tensor(centers)
        return ops.log_softmax(-ops.log1p(ops.sum(ops.square(differences), axis=-1)), axis=-1)

    def call(self, batch: Any, training: bool | None = None) -> dict[str, Any]:
        # Without a decoder nothing stands beside the images.
        images, targets = self.autoencoder.split(batch) if self.reconstruction_weight else (batch, None)
        shown = self._transformed(images, training)
        corrupted = self.autoencoder.corrupt(shown, training)
        codes = self.autoencoder.encode(corrupted, training)
        if training:
            self._follow()
        clean = self.log_assignments(self.teacher.encode(images), self.teacher_centers)
        if training:
            self._count(clean)
        # The square makes an assignment surer; the frequency keeps large clusters from taking all.
        target = ops.log_softmax(2 * clean - ops.log(ops.convert_to_tensor(self.frequencies)), axis=-1)
        outputs = {"log_target": ops.stop_gradient(target), "log_assignment": self.log_assignments(codes, self.centers)}
        if self.reconstruction_weight:
            outputs["decoded"] = self.autoencoder.decode(codes, training)
            outputs["wanted"] = targets if self.transformation is None else shown
        return outputs

    def _follow(self):
        """Let the teacher move towards the trained encoder and centres."""
        pupils = [*self.autoencoder.encoder.weights, self.centers]
        for mean, now in zip([*self.teacher.encoder.weights, self.teacher_centers], pupils, strict=True):
            mean.assign(mean + FOLLOWED * (ops.stop_gradient(ops.convert_to_tensor(now)) - mean))

    def _count(self, log_assignments):
        """Let a batch's assignments take their part in the frequencies, which are of some last images."""
        part = ops.minimum(ops.cast(ops.shape(log_assignments)[0], "float32") / COUNTED_IMAGES, 1.0)
        found = ops.stop_gradient(ops.mean(ops.exp(log_assignments), axis=0))
        self.frequencies.assign(self.frequencies + part * (found - self.frequencies))

    def loss_terms(self, batch: Any, outputs: dict[str, Any]) -> dict[str, Any]:
        target = outputs["log_target"]
        divergence = ops.sum(ops.exp(target) * (target - outputs["log_assignment"]), axis=-1)
        return {"clustering": divergence, **self._reconstruction(outputs)}

    def _own_variables(self):
        return [self.centers]

    @property
    def non_trainable_variables(self):
        # Not by `teacher.trainable = False`: that would stand in the configuration, by which a checkpoint knows its
        # training, and those that were stopped earlier could not be resumed.
        return [*super().non_trainable_variables, *self.teacher.encoder.trainable_variables]


class Assignments(keras.callbacks.Callback):
    """Assigns all images after each epoch: sets the frequencies, and stops the training when few images change.

    A cluster that has lost all its images gets a new place, with a warning: the cluster
    whose codes are spread most is divided in two.

    Parameters
    ----------
    encode : callable
        Without arguments; returns the codes of all images as they are now, (n, code_dim).
    tol : float
        The training stops when a smaller fraction of the images has changed its cluster.
    labels : ndarray of int, shape (n,)
        The clusters before the training.

    Examples
    --------
    `DeepEmbeddedClustering` makes one.

    >>> import numpy as np
    >>> from ae_toolkit.estimators.clustering_model import Assignments
    >>> Assignments(lambda: np.zeros((5, 2)), tol=0.001, labels=np.zeros(5, int)).last[0]
    array([0, 0, 0, 0, 0])
    """

    def __init__(self, encode: Callable[[], NDArray[np.float32]], tol: float, labels: NDArray[Any]):
        super().__init__()
        self.encode, self.tol = encode, tol
        self.last = [np.asarray(labels)]  # in a list, as a checkpoint keeps arrays
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        model, codes = self.model, np.asarray(self.encode(), float)
        centers, whitening = model.placement()
        assignments = soft_assignments(codes, centers, whitening)
        labels = assignments.argmax(axis=1)
        changed = float(np.mean(labels != self.last[0]))
        self.last, self.epochs = [labels], self.epochs + 1
        if logs is not None:
            logs["changed"] = changed
        empty = np.flatnonzero(np.bincount(labels, minlength=len(centers)) == 0)
        if len(empty) and epoch + 1 < self.params["epochs"] and fill_empty(centers, codes, labels):
            warnings.warn(
                f"no image was left in {_clusters(len(empty))} after epoch {epoch + 1}: the cluster whose codes were "
                "spread most was divided in its place",
                ConvergenceWarning,
                stacklevel=2,
            )
            model.place(centers)
            assignments = soft_assignments(codes, centers, whitening)
        elif changed < self.tol:
            model.stop_training = True
        model.frequencies.assign(assignments.mean(axis=0))

    def on_train_end(self, logs=None):
        count = self.model.n_clusters - len(np.unique(self.last[0]))
        if count:
            warnings.warn(
                f"no image is left in {_clusters(count)} of {self.model.n_clusters}: choose a smaller n_clusters, "
                "a smaller learning_rate, or a larger reconstruction_weight",
                ConvergenceWarning,
                stacklevel=2,
            )


def _clusters(count):
    return "one cluster" if count == 1 else f"{count} clusters"


def soft_assignments(codes: NDArray[Any], centers: NDArray[Any], whitening: NDArray[Any]) -> NDArray[np.float64]:
    """Return how much each code belongs to each cluster, by Student's t of one degree of freedom.

    Parameters
    ----------
    codes : ndarray of shape (n, code_dim)
    centers : ndarray of shape (n_clusters, code_dim)
    whitening : ndarray of shape (code_dim, code_dim)
        Distances are those of codes and centres times this matrix.

    Returns
    -------
    ndarray of shape (n, n_clusters)
        Each row adds up to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators.clustering_model import soft_assignments
    >>> soft_assignments(np.zeros((1, 2)), np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.eye(2))
    array([[0.5 , 0.25, 0.25]])
    """
    centers, found = times(centers, whitening), []
    step = max(1, _NUMBERS_AT_ONCE // centers.size)
    for start in range(0, len(codes), step):
        differences = times(codes[start : start + step], whitening)[:, None] - centers
        nearness = 1 / (1 + np.square(differences).sum(axis=2))
        found.append(nearness / nearness.sum(axis=1, keepdims=True))
    return np.concatenate(found)


def whitening_of(deviations: NDArray[Any]) -> NDArray[np.float64]:
    """Return the inverse square root of a covariance: the matrix that makes deviations uncorrelated, of variance 1.

    Parameters
    ----------
    deviations : ndarray of shape (n, d)
        From their mean, or from their clusters' centres.

    Returns
    -------
    ndarray of shape (d, d)
        Symmetric. A direction with less than 1% of the mean variance is taken to have that
        much; without any variance the matrix is the identity.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators.clustering_model import whitening_of
    >>> whitening_of(np.array([[4.0, 0.0], [-4.0, 0.0], [0.0, 2.0], [0.0, -2.0]])).round(3)
    array([[0.354, 0.   ],
           [0.   , 0.707]])
    """
    variances, directions = np.linalg.eigh(deviations.T @ deviations / len(deviations))
    mean = variances.mean()
    if mean <= 0:
        return np.eye(len(variances))
    return directions @ np.diag(np.maximum(variances, LEAST_VARIANCE * mean) ** -0.5) @ directions.T


def fill_empty(centers: NDArray[Any], codes: NDArray[Any], labels: NDArray[Any]) -> bool:
    """Give each cluster without codes half of the cluster whose codes are spread most.

    Parameters
    ----------
    centers : ndarray of shape (n_clusters, code_dim)
        Changed in place.
    codes : ndarray of shape (n, code_dim)
    labels : ndarray of int, shape (n,)

    Returns
    -------
    bool
        Whether there was a cluster that could be divided: not if the codes of each are all equal.

    Examples
    --------
    >>> import numpy as np
    >>> from ae_toolkit.estimators.clustering_model import fill_empty
    >>> centers, codes = np.array([[1.0], [9.0]]), np.array([[0.0], [2.0], [2.0]])
    >>> fill_empty(centers, codes, np.zeros(3, int)), sorted(centers.ravel().tolist())
    (True, [0.0, 2.0])
    """
    labels, filled = labels.copy(), False
    for empty in np.flatnonzero(np.bincount(labels, minlength=len(centers)) == 0).tolist():
        members = [codes[labels == cluster] for cluster in range(len(centers))]
        spread = [len(found) and np.square(found - found.mean(axis=0)).sum() for found in members]
        widest = int(np.argmax(spread))
        if len(np.unique(members[widest], axis=0)) < 2:
            break
        halves = KMeans(2, n_init=1, random_state=0).fit(members[widest])
        centers[[widest, empty]] = halves.cluster_centers_
        labels[labels == widest] = np.where(halves.labels_ == 0, widest, empty)
        filled = True
    return filled
