"""Trains on n generated images that are never all there, and prints the process's peak memory in MB."""

import resource
import sys

import numpy as np

import ae_toolkit as ae
from ae_toolkit._keras import keras


class Generated(keras.utils.PyDataset):
    """Random images, made batch by batch."""

    def __init__(self, n, batch_size=1000):
        super().__init__()
        self.n, self.batch_size = n, batch_size

    def __len__(self):
        return self.n // self.batch_size

    def __getitem__(self, index):
        return np.random.default_rng(index).random((self.batch_size, 28, 28, 1), dtype=np.float32)


if __name__ == "__main__":
    ae.Autoencoder(code_dim=8, hidden_units=(32,), epochs=1, random_state=0).fit(Generated(int(sys.argv[1])))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (2**20 if sys.platform == "darwin" else 2**10))
