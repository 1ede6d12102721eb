"""PyTorch and pythae, run in the peers' own environment: reads a task a line from stdin, answers with JSON.

A task names a network, a loop and how many images and epochs to train; the answer is the
seconds of each epoch. Between tasks the process rests, so that the contenders of a
benchmark can take turns.
"""

import contextlib
import itertools
import json
import logging
import os
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn

RATE, REST = 1e-3, 0.5
logging.disable(logging.WARNING)  # pythae reports each step of its own


def dense_layers(sizes):
    """Return linear layers with ReLU between them."""
    layers = []
    for i, (before, after) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Linear(before, after), nn.ReLU()] if i < len(sizes) - 2 else [nn.Linear(before, after)]
    return layers


def halves(hidden, code, conv):
    """Return an encoder and a decoder of the sizes that ae_toolkit.networks gives its own."""
    if not conv:
        sizes = [784, *hidden, code]
        return nn.Sequential(*dense_layers(sizes)), nn.Sequential(*dense_layers(sizes[::-1]))
    a, b = hidden
    encoder = nn.Sequential(
        nn.Conv2d(1, a, 3, 2, 1), nn.ReLU(), nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(49 * b, code)
    )
    decoder = nn.Sequential(
        nn.Linear(code, 49 * b), nn.ReLU(), nn.Unflatten(1, (b, 7, 7)), nn.ConvTranspose2d(b, a, 3, 2, 1, 1), nn.ReLU(),
        nn.ConvTranspose2d(a, 1, 3, 2, 1, 1),
    )  # fmt: skip
    return encoder, decoder


def train(task, images):
    """Train by a plain loop; return the seconds of each epoch and the error on held-out images after it."""
    model = nn.Sequential(*halves(task["hidden"], task["code"], task["conv"]))
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    held_out = images[-task["held_out"] :] if task["held_out"] else None
    images = images[: len(images) - task["held_out"]]
    size, seconds, errors = task["batch_size"], [], []
    loader = None
    if task["loop"] == "loader":
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=size, shuffle=True)

    def batches():
        if loader is not None:
            yield from (batch for (batch,) in loader)
        else:
            order = torch.randperm(len(images))
            for start in range(0, len(images), size):
                yield images[order[start : start + size]]

    for _ in range(task["epochs"]):
        begin = time.perf_counter()
        for batch in batches():
            loss = ((model(batch) - batch) ** 2).flatten(1).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if held_out is not None:
            with torch.no_grad():
                errors.append(((model(held_out) - held_out) ** 2).flatten(1).sum(1).mean().item())
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds, "errors": errors}


def train_pythae(task, images):
    """Train by pythae's own trainer with an encoder and a decoder of the same sizes."""
    from pythae.models import AE, AEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    down, up = halves(task["hidden"], task["code"], task["conv"])

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.layers, self.latent_dim = down, task["code"]

        def forward(self, x):
            return ModelOutput(embedding=self.layers(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = up

        def forward(self, z):
            return ModelOutput(reconstruction=self.layers(z))

    class Clock(TrainingCallback):
        def on_epoch_begin(self, training_config, **kwargs):
            self.begin = time.perf_counter()

        def on_epoch_end(self, training_config, **kwargs):  # before anything is saved
            seconds.append(time.perf_counter() - self.begin)

    seconds, clock = [], Clock()
    model = AE(AEConfig(input_dim=tuple(images.shape[1:]), latent_dim=task["code"]), Encoder(), Decoder())
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as silence:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=task["epochs"], learning_rate=RATE, no_cuda=True,
            per_device_train_batch_size=task["batch_size"],
        )  # fmt: skip
        from pythae.data.datasets import BaseDataset

        data = BaseDataset(images, torch.zeros(len(images)))
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            BaseTrainer(model, data, training_config=config, callbacks=[clock]).train()
    return {"seconds": seconds, "errors": []}


def main():
    """Say what is here, then answer one task after the other."""
    images = {}
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        key = (task["images"], task["n"], task["conv"])
        if key not in images:
            loaded = torch.from_numpy(np.load(task["images"])[: task["n"]])
            images[key] = loaded.reshape(-1, 1, 28, 28) if task["conv"] else loaded.reshape(-1, 784)
        torch.manual_seed(0)
        try:
            answer = (train_pythae if task["loop"] == "pythae" else train)(task, images[key])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        # PyTorch's threads look for work a while after the last one, as fast loops need; let them fall asleep first.
        time.sleep(REST)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
