"""Checkpoints of a training: after each epoch, all it takes to resume as if nothing had happened.

One file, ``checkpoint.npz``, holds the weights, the optimiser's variables, the random
seeds' state, the training curve, the callbacks' progress and a description of the
training. It is written under a temporary name and renamed, so that whenever the process
is killed there is a whole checkpoint or none. Nothing in it is executed on reading.
"""

import inspect
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ae_toolkit._files import clean_up, write_whole
from ae_toolkit._keras import keras

#: The name of the file in a checkpoint's folder.
NAME = "checkpoint.npz"
#: The version of the layout of a checkpoint's file; another one is refused.
FORMAT = 1


class Checkpoint(keras.callbacks.Callback):
    """Saves a training after each epoch and restores it before the first; last in the list of callbacks.

    Parameters
    ----------
    folder : str or path
        Made if it does not exist.
    description : dict
        What must be equal for a training to be continued; plain JSON values.
    seed : int
        Orders the images; a training that resumes takes the saved one.
    others : sequence of keras.callbacks.Callback
        Callbacks whose counters and best values are saved as well, as early stopping has
        them, but not what their constructors take. One is recognised by its
        class.

    Raises
    ------
    ValueError
        If the folder holds a checkpoint of another training; the error names each difference.
    OSError
        If the folder cannot be written.

    Examples
    --------
    Estimators make one when ``fit`` gets a `checkpoint_dir`; see `ae_toolkit.Autoencoder`.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> images = np.zeros((64, 8, 8, 1), "float32")
    >>> autoencoder = ae.Autoencoder(code_dim=4, epochs=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fitted = autoencoder.fit(images, checkpoint_dir=folder)
    ...     [file.name for file in Path(folder).iterdir()]
    ['checkpoint.npz']
    """

    def __init__(self, folder: str | os.PathLike, description: dict[str, Any], seed: int, others: Sequence[Any] = ()):
        super().__init__()
        self.path, self.seed, self.others = Path(folder) / NAME, seed, list(others)
        self.description = json.loads(json.dumps(description, default=str))
        self.curve: dict[str, list[float]] = {}
        self.epochs_done, self.finished = 0, False
        self.arrays: dict[str, np.ndarray] | None = None
        self.saved_callbacks: list[dict[str, Any]] = []
        _make_writable(self.path.parent)
        if self.path.exists():
            self._read()

    def _read(self):
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            saved = json.loads(str(arrays.pop("description")))
        except Exception as error:
            raise ValueError(f"expected a checkpoint in {self.path}, but it cannot be read: {error}") from error
        if saved.get("format") != FORMAT:
            raise ValueError(
                f"expected a checkpoint of format {FORMAT} in {self.path}, got format {saved.get('format')}"
            )
        differences = _differences(saved["training"], self.description)
        if differences:
            raise ValueError(
                f"{self.path} holds another training. " + "; ".join(differences) + ". "
                "Choose another folder, or remove that one to begin anew."
            )
        self.curve, self.seed = saved["curve"], saved["seed"]
        self.epochs_done, self.finished = saved["epochs_done"], saved["finished"]
        self.saved_callbacks, self.arrays = saved["callbacks"], arrays

    def restore(self, model: Any, optimizer: Any) -> None:
        """Put a saved training's values into the model and the optimiser.

        Parameters
        ----------
        model : keras.Model
        optimizer : keras.optimizers.Optimizer
            Built for the model's weights.

        Raises
        ------
        ValueError
            If an array is missing or of another shape; then nothing was changed.
        """
        arrays, named = self.arrays or {}, dict(_named_variables(model, optimizer))
        for name, variable in named.items():
            shape, found = tuple(variable.shape), arrays.get(name)
            if found is None or found.shape != shape:
                came = "none" if found is None else f"one of shape {found.shape}"
                raise ValueError(f"expected an array {name} of shape {shape} in {self.path}, got {came}")
        for name, variable in named.items():
            variable.assign(arrays[name])

    def on_train_begin(self, logs=None):
        # Callbacks forget their progress when a training begins; this one comes after them.
        waiting = list(self.saved_callbacks)
        for callback in self.others:
            saved = next((item for item in waiting if item["kind"] == type(callback).__name__), None)
            if saved is not None:
                waiting.remove(saved)
                self._give_back(callback, saved)

    def _give_back(self, callback, saved):
        for name, value in saved["values"].items():
            setattr(callback, name, value)
        for name, count in saved["arrays"].items():
            prefix = f"callbacks/{saved['index']}/{name}"
            setattr(callback, name, [self.arrays[f"{prefix}/{i}"] for i in range(count)])

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.curve.setdefault(name, []).append(float(value))
        self.epochs_done = epoch + 1
        self.write(self.model, finished=self.model.stop_training)

    def write(self, model: Any, finished: bool) -> None:
        """Save the training as it is now.

        Parameters
        ----------
        model : keras.Model
            With the optimiser that it is trained with.
        finished : bool
            Whether this was the last epoch, so that nothing is left to resume.

        Raises
        ------
        OSError
            If the file cannot be written; the one before it is still there.
        """
        named = _named_variables(model, model.optimizer)
        arrays = {name: keras.ops.convert_to_numpy(variable) for name, variable in named}
        progress = [_progress(callback, index, arrays) for index, callback in enumerate(self.others)]
        saved = {"format": FORMAT, "training": self.description, "curve": self.curve, "seed": self.seed,
                 "epochs_done": self.epochs_done, "finished": bool(finished), "callbacks": progress}  # fmt: skip
        try:
            with write_whole(self.path) as temporary, open(temporary, "wb") as file:
                np.savez(file, **arrays, description=np.array(json.dumps(saved)))
        except OSError as error:
            raise OSError(
                f"the checkpoint after epoch {self.epochs_done} could not be written to {self.path}: {error}. "
                "The one before it is still there."
            ) from error


def describe(model: Any, optimizer: Any, stream: Any, epochs: int, seed: int | None) -> dict[str, Any]:
    """Return a description of a training; a checkpoint resumes only one whose description is equal.

    Parameters
    ----------
    model : TrainableModel
    optimizer : keras.optimizers.Optimizer
    stream : Stream
    epochs : int
    seed : int or None

    Returns
    -------
    dict
        Plain JSON values.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from ae_toolkit.data.streams import open_stream
    >>> from ae_toolkit.estimators.models import AutoencoderModel
    >>> from ae_toolkit.networks import build
    >>> from ae_toolkit.training.checkpoints import describe
    >>> stream = open_stream(np.zeros((10, 6), "float32"), batch_size=5, seed=0)
    >>> found = describe(AutoencoderModel(*build((6,), 2)), keras.optimizers.SGD(), stream, epochs=3, seed=0)
    >>> found["epochs"], found["images"]["shape"]
    (3, [10, 6])
    """
    described: Any
    try:
        described = without_names_and_seeds(model)
    except (NotImplementedError, TypeError, ValueError):  # a model of the user's own that cannot describe itself
        described = [list(variable.shape) for variable in model.variables]
    return {
        "backend": keras.backend.backend(),
        "model": described,
        "optimizer": without_names_and_seeds(optimizer),
        "augmentation": without_names_and_seeds(model.augmentation),
        "images": stream.description(),
        "epochs": epochs,
        "random_state": seed,
    }


def without_names_and_seeds(item: Any) -> dict[str, Any] | None:
    """Return a layer's or an optimiser's configuration without what does not change the computation.

    Parameters
    ----------
    item : keras.Layer, keras.optimizers.Optimizer or None

    Returns
    -------
    dict or None
        The configuration without names, initial weights and seeds. Where layers refer to
        each other by name, their numbers take the names' place.

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit.training.checkpoints import without_names_and_seeds
    >>> a, b = (keras.layers.Dropout(0.5, seed=seed) for seed in (1, 2))
    >>> without_names_and_seeds(a) == without_names_and_seeds(b)
    True
    """
    return item and _plain(item.get_config())


def _plain(config, names=()):
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":  # its name is what it says
            return config["config"]
        if isinstance(layers := config.get("layers"), list):
            names = [layer["config"].get("name") for layer in layers if isinstance(layer.get("config"), dict)]
        kept = {k: v for k, v in config.items() if k not in ("name", "seed") and not k.endswith("_initializer")}
        return {key: _plain(value, names) for key, value in kept.items()}
    if isinstance(config, list | tuple):
        return [names.index(item) if item in names else _plain(item, names) for item in config]
    return config


def _named_variables(model, optimizer):
    groups = {
        "weights": model.trainable_variables,
        "others": model.non_trainable_variables,
        "optimizer": optimizer.variables,
    }
    for name, variables in groups.items():
        for index, variable in enumerate(variables):
            yield f"{name}/{index}", variable


def _progress(callback, index, arrays):
    """Describe what a callback has noted; lists of arrays, as best weights are, go to `arrays`.

    What its constructor takes is the user's own setting, such as a patience, and is left to the user.
    """
    settings = inspect.signature(type(callback).__init__).parameters
    values, lists = {}, {}
    for name, value in vars(callback).items():
        if name.startswith("_") or name in settings:
            continue
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            values[name] = value
        elif isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value):
            lists[name] = len(value)
            arrays.update({f"callbacks/{index}/{name}/{i}": item for i, item in enumerate(value)})
    return {"kind": type(callback).__name__, "index": index, "values": values, "arrays": lists}


def _differences(there, here, name=""):
    """Yield, as a list of texts, each value in which two descriptions differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = {**there, **here}
        return [
            text for key in keys for text in _differences(there.get(key), here.get(key), f"{name}.{key}".lstrip("."))
        ]
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = enumerate(zip(there, here, strict=True))
        return [text for i, pair in pairs for text in _differences(*pair, f"{name}.{i}")]
    return [] if there == here else [f"{name}: {there!r} there, {here!r} here"]


def _make_writable(folder):
    """Make the folder and try it out before hours of training depend on it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clean_up(folder / NAME)
        for left_over in folder.glob(f".{NAME}.*"):  # files, as earlier versions left them
            if left_over.is_file():
                left_over.unlink()
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{NAME}."):
            pass
    except OSError as error:
        raise type(error)(
            f"expected checkpoint_dir to be a folder that can be written, got {folder}: {error}"
        ) from error
