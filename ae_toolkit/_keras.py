"""The one door to Keras: imports it, or says which extra installs what is missing.

Every module of the package that builds or trains a model takes ``keras`` from here.
"""

import os

# TensorFlow prints its processor's features on import; in a notebook that would
# become part of the page. A value that the user has set is left alone.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    import keras
except ImportError as error:
    _wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
    raise ImportError(
        f"ae_toolkit trains its models with Keras 3 and expected the backend {_wanted!r}, "
        f"but importing it failed: {error}. Install the default backend with "
        "pip install 'ae-toolkit[tensorflow]', or install JAX or PyTorch and set "
        "KERAS_BACKEND to 'jax' or 'torch'."
    ) from error

__all__ = ["keras"]
