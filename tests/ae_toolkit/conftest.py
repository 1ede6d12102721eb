"""What the tests of the package share."""

import random
from contextlib import contextmanager

import numpy as np
import pytest


@pytest.fixture
def global_random_state_kept():
    """Hand out a context manager that fails if its body reads, advances or reseeds a global generator."""
    from ae_toolkit._keras import keras

    def draws():
        legacy = np.random.random()  # noqa: NPY002  (the global generator is what is meant)
        found = [random.random(), legacy, float(keras.random.uniform(()))]
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            found.append(float(tf.random.uniform(())))
        return found

    @contextmanager
    def kept():
        keras.utils.set_random_seed(5)
        draws()
        expected = draws()
        keras.utils.set_random_seed(5)
        draws()
        yield
        assert draws() == expected

    return kept
