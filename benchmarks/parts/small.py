"""Many small trainings, as readers and grid searches make them, where starting costs more than computing."""

import gc
import time

from contenders import PLAIN, PLAIN_KERAS, KerasTraining, Network, informed_variants
from measure import Row, best, in_turn, promising
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV

import ae_toolkit as ae
from ae_toolkit import metrics
from ae_toolkit._keras import keras
from ae_toolkit.training import kept_loops

HIDDEN, RATE, BATCH = (64,), 2e-3, 32  # the toolkit's own choices for the digits, written out for the peers
SEARCHED = {"code_dim": [2, 4, 8, 16], "learning_rate": [1e-3, 3e-3]}  # with two folds: 16 fits of 4 structures


def falling_rate(rate, n_images, epochs):
    """Return the toolkit's own schedule, a cosine to zero, for a Keras optimiser."""
    return keras.optimizers.schedules.CosineDecay(rate, epochs * -(-n_images // BATCH))


# ----------------------------------------------------------------------- one training


class DigitsRace:
    """Contenders that each make a new model and train it on the digits."""

    def __init__(self, epochs):
        self.images, self.epochs, self.code_dim = ae.datasets.load("digits").x_train, epochs, 1

    def toolkit(self):
        """Return the seconds of the first training of its kind, and of a second one of a new model."""
        self.code_dim += 1  # no earlier training was of this kind
        return tuple(self._toolkit(seed) for seed in range(2))

    def _toolkit(self, seed):
        gc.collect()
        begin = time.perf_counter()
        ae.Autoencoder(
            code_dim=self.code_dim, network="dense", hidden_units=HIDDEN, learning_rate=RATE, batch_size=BATCH,
            epochs=self.epochs, random_state=seed,
        ).fit(self.images)  # fmt: skip
        return time.perf_counter() - begin

    def keras(self, variant):
        """Return a function that trains by one way to call Keras; a new model is traced again, as a user sees it."""

        def seconds():
            begin = time.perf_counter()
            rate = falling_rate(RATE, len(self.images), self.epochs)
            network = Network(HIDDEN, 8)
            KerasTraining(self.images, network, variant, rate=rate, batch_size=BATCH).train(self.epochs)
            return time.perf_counter() - begin

        return seconds


def digits(setting):
    """Seconds of thirty epochs on the built-in digits, from making the model to the end of ``fit``."""
    race = DigitsRace(3 if setting.quick else 30)
    by_keras = {variant.label: race.keras(variant) for variant in informed_variants(setting.quick)}
    race.toolkit()
    first = {label: contender() for label, contender in by_keras.items()}
    chosen = promising(first, 1.5, smaller_is_better=True)
    contenders = {label: by_keras[label] for label in {PLAIN.label, *chosen}}
    found = in_turn({"ours": race.toolkit, **contenders}, setting.repeats)
    ours_first, ours_second = (list(times) for times in zip(*found["ours"], strict=True))
    winner = best({label: found[label] for label in chosen}, smaller_is_better=True)
    name = f"digits, {race.epochs} epochs"
    second = f"{name}, second of its kind"
    return [
        Row(second, "s", ours_second, f"best Keras: {winner}", found[winner], 4.0, smaller_is_better=True),
        Row(second, "s", ours_second, PLAIN_KERAS, found[PLAIN.label], 6.0, smaller_is_better=True),
        Row(second, "s", ours_second, "the first", ours_first, 1.0, smaller_is_better=True),
        Row(f"{name}, first of its kind", "s", ours_first, PLAIN_KERAS, found[PLAIN.label], smaller_is_better=True),
        Row(f"{name}, first of its kind", "s", ours_first, target=2.5, smaller_is_better=True),
    ]


# ----------------------------------------------------------------------- a grid search


class PlainKerasAutoencoder(BaseEstimator):
    """What a user of Keras writes to search a grid with scikit-learn: the same network, trained by plain ``fit``."""

    def __init__(self, code_dim=8, learning_rate=RATE, epochs=30):
        self.code_dim = code_dim
        self.learning_rate = learning_rate
        self.epochs = epochs

    def fit(self, X, y=None):
        """Train a new model."""
        rate = falling_rate(self.learning_rate, len(X), self.epochs)
        training = KerasTraining(X, Network(HIDDEN, self.code_dim), PLAIN, rate=rate, batch_size=BATCH)
        training.train(self.epochs)
        self.model_ = training.model
        return self

    def score(self, X, y=None):
        """Return minus the squared error per image, as the toolkit does."""
        return -metrics.reconstruction_error(X, self.model_.predict(X, batch_size=1000, verbose=0))


class SearchRace:
    """The same grid, folds and epochs with the toolkit and with plain Keras models."""

    def __init__(self, epochs, grid):
        self.images, self.epochs, self.grid = ae.datasets.load("digits").x_train, epochs, grid

    def toolkit(self):
        """Return the seconds of a search that begins with nothing compiled."""
        kept_loops.forget()
        return self._search(
            ae.Autoencoder(
                network="dense", hidden_units=HIDDEN, batch_size=BATCH, epochs=self.epochs, random_state=0
            )
        )  # fmt: skip

    def keras(self):
        """Return the seconds of plain Keras."""
        return self._search(PlainKerasAutoencoder(epochs=self.epochs))

    def _search(self, estimator):
        search = GridSearchCV(estimator, self.grid, cv=2, n_jobs=1, refit=False, error_score="raise")
        begin = time.perf_counter()
        search.fit(self.images)
        return time.perf_counter() - begin


def search(setting):
    """Seconds of a grid search of 16 autoencoders: four code lengths, two learning rates, two folds."""
    race = SearchRace(2 if setting.quick else 30, {"code_dim": [2, 4]} if setting.quick else SEARCHED)
    if setting.quick:
        race.images = race.images[:200]
    found = in_turn({"ours": race.toolkit, "keras": race.keras}, setting.repeats)
    n_fits = 4 if setting.quick else 16
    name = f"grid search of {n_fits} autoencoders, {race.epochs} epochs each"
    return [Row(name, "s", found["ours"], PLAIN_KERAS, found["keras"], 4.0, smaller_is_better=True)]
