"""Which configurations of networks are only data, so that making a network of one runs no code and opens no file."""

from typing import Any

from ae_toolkit._keras import keras

#: Keras's modules whose layers a network of your own may consist of, except for those in `CODE`.
KERAS_MODULES = (
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.models",
    "keras.regularizers",
)
#: Layers that run code or open files.
CODE = (
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization"),  # of a vocabulary in a file, in older versions of Keras
)


def check_config(config: Any) -> None:
    """Refuse a network's configuration that names anything but layers which are only data.

    Nothing is made of the configuration, and no class is looked up by importing it.

    Parameters
    ----------
    config : dict
        From ``keras.saving.serialize_keras_object``.

    Raises
    ------
    ValueError
        If it names something else; the error says what.

    Examples
    --------
    >>> import keras
    >>> from ae_toolkit.networks import build
    >>> from ae_toolkit.networks.configurations import check_config
    >>> config = keras.saving.serialize_keras_object(build((8, 8, 1), code_dim=4)[0])
    >>> check_config(config)
    >>> config["config"]["layers"][1]["class_name"] = "Lambda"
    >>> check_config(config)
    Traceback (most recent call last):
        ...
    ValueError: expected a network of Keras's layers and ae_toolkit's, of those that hold no code and open no file,
    got keras.layers.Lambda
    """
    if isinstance(config, list | tuple):
        for item in config:
            check_config(item)
    elif isinstance(config, dict):
        if config.get("class_name") is not None and not _is_only_data(config):
            raise ValueError(
                "expected a network of Keras's layers and ae_toolkit's, of those that hold no code and open no file, "
                f"got {config.get('module')}.{config['class_name']}"
            )
        for item in config.values():
            check_config(item)


def _is_only_data(config):
    """Whether an object within a configuration, which has a class's name, is a value or a layer that is known."""
    name, module = config["class_name"], config.get("module")
    registered = config.get("registered_name") or ""
    if module is None:
        return name in ("__tuple__", "__keras_tensor__", "__numpy__", "__tensor__")
    if (module, name) == ("keras.src.models.functional", "Functional"):  # Keras's name of a model of inputs and outputs
        return registered in ("", "Functional")
    if registered.startswith("ae_toolkit>"):
        return keras.saving.get_registered_object(registered) is not None
    return module in KERAS_MODULES and name not in CODE and registered in ("", name)
