"""Which files pytest must not import: those of Keras backends that are not installed."""

import importlib.util

BACKENDS = ("tensorflow", "jax", "torch")
collect_ignore = [
    f"ae_toolkit/training/backend/{name}.py" for name in BACKENDS if importlib.util.find_spec(name) is None
]
