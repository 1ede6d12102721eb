"""A classifier on the codes of an autoencoder: with many labels, with few, and with images that have none."""

import math
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from ae_toolkit import training
from ae_toolkit._keras import keras
from ae_toolkit._sklearn import Interval, StrOptions
from ae_toolkit._validation import as_random_state, check_fitted_shape
from ae_toolkit.data import streams
from ae_toolkit.estimators._class_rows import codes_with_rows, open_with_rows
from ae_toolkit.estimators._clusters import default_autoencoder, encode_in_order
from ae_toolkit.estimators._inner import HoldsAutoencoder, encode, take_over, with_fresh_model
from ae_toolkit.estimators._labels import read_labels
from ae_toolkit.estimators._learned import Learned, class_probabilities, further_views
from ae_toolkit.estimators._linear import cross_entropy, logistic_regression
from ae_toolkit.estimators._loop_keys import key_of_further_training
from ae_toolkit.estimators._pseudo_labels import keep_the_sure, propagate, weigh_by_certainty
from ae_toolkit.estimators.autoencoder import Autoencoder
from ae_toolkit.estimators.classification_model import ClassificationModel

#: The length of the codes of the default autoencoder.
CODE_DIM = 30
#: The highest rate, for an encoder that has learned something already; another one has its own network's.
RATE = 1e-3
#: The fraction of the training in which the learning rate rises to its highest.
WARMUP = 0.1
#: How many steps "auto" epochs make, for an encoder that was trained before.
STEPS = 8000
#: The same for an encoder that has learned nothing yet.
STEPS_UNTRAINED = 36_000
#: "auto" epochs are never more.
MOST_EPOCHS = 40
#: Nor fewer.
FEWEST_EPOCHS = 8
#: Of few images there are as many epochs as make so many steps, even beyond `MOST_EPOCHS`.
FEWEST_STEPS = 500


class AutoencoderClassifier(
    HoldsAutoencoder, ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator
):
    """Classify images by an autoencoder's encoder, with one neuron per class behind it.

    The encoder is followed by a softmax over the classes and trained by cross-entropy, from
    its first weights or from those that an autoencoder has learned without labels. Images
    without a label have the label -1. They take part in the autoencoder's training, and
    then get labels from their neighbours, or from the classifier where it is sure.

    Parameters
    ----------
    autoencoder : estimator, optional
        Any autoencoder of this package; a copy of it is used. What it does to images in
        training, its augmentation or its corruption, is also done to them here. One that is
        fitted already is started from, and is itself left as it is, if it is wrapped in
        scikit-learn's ``FrozenEstimator``. By default the autoencoder on whose codes images are
        clustered, with codes of 30 numbers: pictures are transformed at random before they are
        encoded, and pictures of single objects on an empty background are decoded without
        their slant.
    pretrain : bool or "auto", default="auto"
        Whether the autoencoder is first trained to give back the images, all of them. ``"auto"``
        is True where some images have no label, and where the encoder is not trained here.
    train_encoder : bool, default=True
        Whether the encoder is trained with the classes. Otherwise it stays as it is, and what
        stands behind it is scikit-learn's logistic regression of its codes.
    reconstruction_weight : float, default=0.0
        Weight of the squared error per image, next to 1 for the cross-entropy in nats. Above 0
        the images also have to be decoded while the classes are learned.
    unlabelled : {"auto", "ignore", "propagation", "self-training"}, default="auto"
        Where images with the label -1 get a label from. ``"propagation"``: from the labelled images
        to which the graph of neighbouring codes leads (Zhou et al., 2004), weighted by how certain
        that is (Iscen et al., 2019); all classes begin with the same mass, so that one with many
        labels does not outweigh the others. ``"self-training"``: from the classifier that has learned
        the labelled ones, where it is sure (Lee, 2013). ``"ignore"``: nowhere. ``"auto"`` is
        propagation for arrays; of a data set or folder such images are only decoded.
    n_rounds : int, default=2
        How often they get labels, each time followed by a training. The second time they get them
        by codes that have learned the first ones.
    threshold : float, default=0.95
        Of self-training: the probability from which on the classifier counts as sure.
    n_views : int or "auto", default="auto"
        How many views of an image a prediction is averaged over: the image itself, and
        transformed ones, the same transformations for every image. More than one needs an
        autoencoder that transforms images in training (`ae_toolkit.data.augmentation.RandomAffine`).
        ``"auto"`` is 4 with such an autoencoder, otherwise 1. Four views take about five times as long as one.
    class_weight : dict or "balanced", optional
        How much the images of each class count, as in scikit-learn.
    optimizer : str, default="adam"
        Keras's name of the optimiser.
    learning_rate : float or "auto", default="auto"
        The highest rate of the training with classes. ``"auto"`` is 1e-3 for an autoencoder
        that was trained, otherwise as the autoencoder's own.
    schedule : {"cosine", "constant"}, default="cosine"
        Whether the learning rate falls to zero over the training or stays.
    epochs : int or "auto", default="auto"
        How often each image is seen in a training with classes. ``"auto"`` makes about 8,000 steps,
        36,000 of an encoder that has learned nothing before: 8 epochs or more, 40 or fewer, but of
        few images as many as make 500 steps.
    batch_size : int or "auto", default="auto"
        Images per step; ``"auto"`` as for the autoencoder. A data set brings its own batches.
    random_state : int, RandomState instance or None, default=None
        Seeds everything random in ``fit``, also in `autoencoder` where its own
        ``random_state`` is None.
    verbose : int, default=0
        0 is silent, 1 shows a progress bar, 2 prints a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels that occur, sorted, -1 not among them.
    transduction_ : ndarray of shape (n,)
        A label for each fitted image: its own, or for images without one what is predicted.
        In the order of the array, of a folder's sorted files, or of a data set.
    autoencoder_ : estimator
        The autoencoder after the whole training. If its encoder was trained here without
        ``reconstruction_weight``, its decoder fits the codes no longer.
    coef_ : ndarray of shape (code_dim, n_classes)
    intercept_ : ndarray of shape (n_classes,)
        A code times the first plus the second are the logits of the classes.
    history_ : dict of list of float
        The curve of the training with classes, one value per epoch, of all rounds one after
        the other: ``"loss"``, its terms ``"classification"``, in nats per image that has a label,
        and, if it has a weight, ``"reconstruction"``, the squared error per image; averaged
        over the epoch's images while the weights change. Of a logistic regression one value
        per round.
    n_iter_ : int
        Epochs of the training with classes.
    n_features_in_ : int
        How many numbers an image has.

    Notes
    -----
    A training that follows another one, be it the autoencoder's or that of the round before,
    starts with the logistic regression of the codes as its last layer, so that the encoder
    is not first changed by a layer that knows nothing (Kumar et al., 2022).

    References
    ----------
    Zhou, D., Bousquet, O., Lal, T. N., Weston, J. and Scholkopf, B. (2004). Learning with local
    and global consistency. NeurIPS 16, 321-328.

    Lee, D.-H. (2013). Pseudo-label: the simple and efficient semi-supervised learning method
    for deep neural networks. ICML workshop on challenges in representation learning.

    Iscen, A., Tolias, G., Avrithis, Y. and Chum, O. (2019). Label propagation for deep
    semi-supervised learning. CVPR, 5070-5079.

    Kumar, A., Raghunathan, A., Jones, R., Ma, T. and Liang, P. (2022). Fine-tuning can distort
    pretrained features and underperform out-of-distribution. ICLR.

    Examples
    --------
    >>> import ae_toolkit as ae
    >>> data = ae.datasets.load("digits")
    >>> autoencoder = ae.Autoencoder(code_dim=8, epochs=5)
    >>> classifier = ae.AutoencoderClassifier(autoencoder, epochs=5, random_state=0)
    >>> classifier.fit(data.x_train, data.y_train).predict_proba(data.x_test).shape
    (360, 10)

    Most labels may be unknown.

    >>> y = data.y_train.copy()
    >>> y[100:] = -1
    >>> classifier.fit(data.x_train, y).transduction_.shape
    (1437,)
    """

    _parameter_constraints = {
        "autoencoder": [Autoencoder, FrozenEstimator, None],
        "pretrain": ["boolean", StrOptions({"auto"})],
        "train_encoder": ["boolean"],
        "reconstruction_weight": [Interval(Real, 0, None, closed="left")],
        "unlabelled": [StrOptions({"auto", "ignore", "propagation", "self-training"})],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "n_views": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "schedule": [StrOptions({"cosine", "constant"})],
        "epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        autoencoder: Any = None,
        *,
        pretrain: bool | str = "auto",
        train_encoder: bool = True,
        reconstruction_weight: float = 0.0,
        unlabelled: str = "auto",
        n_rounds: int = 2,
        threshold: float = 0.95,
        n_views: int | str = "auto",
        class_weight: dict[Any, float] | str | None = None,
        optimizer: str = "adam",
        learning_rate: float | str = "auto",
        schedule: str = "cosine",
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.autoencoder = autoencoder
        self.pretrain = pretrain
        self.train_encoder = train_encoder
        self.reconstruction_weight = reconstruction_weight
        self.unlabelled = unlabelled
        self.n_rounds = n_rounds
        self.threshold = threshold
        self.n_views = n_views
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        checkpoint_dir: str | PathLike[str] | None = None,
        strategy: Any = None,
    ) -> Self:
        """Train the autoencoder, give labels to images that have none, and train the classifier.

        Parameters
        ----------
        X : array-like of shape (n, height, width[, channels]) or (n, pixels), or a source of batches
            Images as for the autoencoders: floating-point, or a ``tf.data.Dataset``, a
            ``keras.utils.PyDataset`` or the path of a folder of image files.
        y : array-like of shape (n,)
            The class of each image, a name or a whole number; -1 for images without a label,
            among names as a number in an array of objects. Not with a source: a data set yields
            tuples that begin with images and labels; in a folder the first subfolder on the way to
            a file is its class, and files in the folder itself have no label.
        sample_weight : array-like of shape (n,), optional
            How much each image counts, for arrays only. Only the proportions matter; an image of
            weight 0 counts as if it were not there.
        checkpoint_dir : str or path, optional
            A folder in which all trainings are saved after each epoch. The same call with
            the same folder resumes one that was stopped.
        strategy : tf.distribute.Strategy or keras.distribution.Distribution, optional
            Trains with classes on several devices or machines, which share each batch.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images, the labels or a parameter are not as described, if there are fewer
            than two classes, or if the checkpoint is of another training.
        FloatingPointError
            If the loss does not stay finite.

        Notes
        -----
        A fit that fails leaves the estimator as it was before.
        """
        self._validate_params()
        self._check_combination(X)
        seeds = as_random_state(self.random_state).randint(2**31 - 1, size=4).tolist()
        folder = None if checkpoint_dir is None else Path(checkpoint_dir)
        given = read_labels(X, y, sample_weight, type(self).__name__)
        pretrain = self.pretrain
        if pretrain == "auto":
            pretrain = not (given.labelled.all() and self.train_encoder)
        autoencoder = take_over(
            self.autoencoder, lambda: default_autoencoder(given.images, CODE_DIM, seeds[0], self.verbose), given.X,
            seeds[0], sample_weight=given.weights, checkpoint_dir=folder and folder / "autoencoder",
            train=bool(pretrain),
        )  # fmt: skip
        check_fitted_shape(given.image_shape, autoencoder.image_shape_, autoencoder)
        further_views(autoencoder, self.n_views)  # an error, if one comes, comes early
        is_trained = bool(pretrain) or isinstance(self.autoencoder, FrozenEstimator)
        learned = Learned(autoencoder, None, is_trained, {})
        rows = given.one_hot() * self._class_weights(given)
        route = self._route(given)
        if route != "propagation":
            learned = self._train(learned, given, rows, seeds, folder and folder / "classes", strategy)
        for number in range(self.n_rounds if route != "ignore" else 0):
            more = self._pseudo_labels(route, learned, given, rows, seeds[1])
            learned = self._train(learned, given, more, seeds, folder and folder / f"classes-{number + 1}", strategy)
        autoencoder, head = learned.autoencoder, learned.head
        self.transduction_ = given.filled_in(lambda images: self._probabilities(autoencoder, head, images))
        self.autoencoder_, self.classes_, self.history_ = autoencoder, given.classes, learned.history
        self.coef_, self.intercept_ = head
        self.n_iter_ = len(self.history_["loss"])
        return self

    def _check_combination(self, X):
        """Refuse parameters that contradict each other."""
        if not self.train_encoder and self.reconstruction_weight:
            raise ValueError(
                "expected reconstruction_weight=0 with train_encoder=False, which leaves codes as they are, got "
                f"{self.reconstruction_weight}"
            )
        if streams.is_stream(X) and self.unlabelled in ("propagation", "self-training"):
            raise ValueError(
                f"expected unlabelled='auto' or 'ignore' with a source of batches, got {self.unlabelled!r}, "
                "which needs an array of images"
            )

    def _route(self, given):
        """Return where images without a label get one from in this fit."""
        if given.labelled.all() or given.is_source:
            return "ignore"
        return "propagation" if self.unlabelled == "auto" else self.unlabelled

    def _class_weights(self, given):
        """Return the factor of each class in the loss."""
        known = given.classes[given.indices[given.indices >= 0]]
        return compute_class_weight(self.class_weight, classes=given.classes, y=known)

    def _pseudo_labels(self, route, learned, given, rows, seed):
        """Return the class rows of all images: the known ones, and weights for the others' most probable class."""
        if route == "propagation":
            found = weigh_by_certainty(propagate(encode(learned.autoencoder, given.images), given.one_hot(), seed))
        else:
            found = keep_the_sure(self._probabilities(learned.autoencoder, learned.head, given.images), self.threshold)
        return np.where((given.indices >= 0)[:, None], rows, found * self._class_weights(given))

    def _train(self, learned, given, rows, seeds, folder, strategy):
        """Return what is learned after a training with these weights of each class for each image."""
        head = None
        if learned.is_trained or not self.train_encoder:
            codes, of_codes, weights = codes_with_rows(learned.autoencoder, given, rows)
            head = logistic_regression(codes, of_codes, weights)
        if not self.train_encoder:
            loss = cross_entropy(codes, head, of_codes, weights)
            return learned.followed_by(learned.autoencoder, head, {"loss": [loss], "classification": [loss]})
        order = None if self.random_state is None else seeds[3]
        with training.scope(strategy):
            autoencoder = with_fresh_model(learned.autoencoder, seeds[0])
            model = ClassificationModel(
                autoencoder.model_, len(given.classes), autoencoder.code_dim, float(self.reconstruction_weight),
                autoencoder._augmentation(seeds[2]),
            )  # fmt: skip
            if head is not None:
                model.kernel.assign(head[0])
                model.bias.assign(head[1])
            stream = open_with_rows(
                autoencoder, given, rows, self._class_weights(given), bool(self.reconstruction_weight),
                self.batch_size, order,
            )  # fmt: skip
            epochs = self._epochs(stream, learned.is_trained)
            steps = stream.steps_per_epoch * epochs
            rate = self._rate(autoencoder, learned.is_trained)
            optimizer = training.optimizer(self.optimizer, rate, self.schedule, steps, WARMUP)
        history = training.fit(
            model, stream, epochs=epochs, seed=order, optimizer=optimizer, checkpoint_dir=folder, strategy=strategy,
            verbose=int(self.verbose),
            loop_key=key_of_further_training(self, autoencoder, stream, model.n_classes, steps, rate),
        )  # fmt: skip
        head = tuple(np.array(keras.ops.convert_to_numpy(part), float) for part in (model.kernel, model.bias))
        return learned.followed_by(autoencoder, head, history)

    def _epochs(self, stream, is_trained):
        if self.epochs != "auto":
            return self.epochs
        steps = stream.steps_per_epoch
        wanted = STEPS if is_trained else STEPS_UNTRAINED
        return max(FEWEST_EPOCHS, min(MOST_EPOCHS, round(wanted / steps)), math.ceil(FEWEST_STEPS / steps))

    def _rate(self, autoencoder, is_trained):
        if self.learning_rate != "auto":
            return self.learning_rate
        return RATE if is_trained else autoencoder.settings_["learning_rate"]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class for each image.

        Parameters
        ----------
        X : images or a source of them, as for `fit`
            An image alone gets the probabilities that it gets among others.

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of ``classes_``. Each row adds up to 1.
        """
        check_is_fitted(self)
        head = self.coef_, self.intercept_
        batches = streams.in_order(X) if streams.is_stream(X) else [X]
        checked = map(self.autoencoder_._check, batches)
        return np.concatenate([self._probabilities(self.autoencoder_, head, images) for images in checked])

    def _probabilities(self, autoencoder, head, images):
        return class_probabilities(autoencoder, head, images, self.n_views)

    def predict(self, X: Any) -> NDArray:
        """Return the most probable class of each image.

        Parameters
        ----------
        X : images or a source of them, as for `fit`

        Returns
        -------
        ndarray of shape (n,)
            Labels from ``classes_``.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the code of each image.

        Parameters
        ----------
        X : images or a source of them, as for `fit`

        Returns
        -------
        ndarray of float32, shape (n, code_dim)
        """
        check_is_fitted(self)
        return encode_in_order(self.autoencoder_, X)

    @property
    def _n_features_out(self):
        return len(self.coef_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
