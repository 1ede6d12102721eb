"""Old names that still work: the modules of the time when the package had one floor.

Each warns once, at its first use, and says where its content is now.
"""

import importlib
import sys
import warnings
from types import ModuleType

#: Where each module of the first floor went.
MODULES = {
    "adversarial": "estimators.adversarial",
    "anomaly": "estimators.anomaly",
    "augmentation": "data.augmentation",
    "autoencoder": "estimators.autoencoder",
    "chapter": "book.chapter",
    "checkpoints": "training.checkpoints",
    "claims": "book.claims",
    "contractive": "estimators.contractive",
    "denoising": "estimators.denoising",
    "generation": "estimators.generation",
    "layers": "networks.layers",
    "losses": "networks.losses",
    "models": "estimators.models",
    "sparse": "estimators.sparse",
    "streams": "data.streams",
    "variational": "estimators.variational",
}

#: What the first floor offers by this very name: importable like a module of it, and no old name.
STILL_PUBLIC = {"datasets": "data.datasets"}

#: What is called by another name there.
NAMES = {
    "losses.bernoulli": "bernoulli_nll",
    "losses.gaussian": "gaussian_nll",
    "losses.mean": "weighted_mean",
    "losses.summed": "sum_per_image",
    "variational.LIMIT": "LOG_VARIANCE_LIMIT",
    "variational.log_mean_weight": "log_mean_importance_weight",
}


class MovedModule(ModuleType):
    """A module under its old name, which takes everything from the new one.

    Parameters
    ----------
    old, new : str
        Names within ``ae_toolkit``.
    warns : bool, default=True

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     value = MovedModule("losses", "networks.losses").mean
    >>> value.__name__, str(caught[0].message)
    ('weighted_mean', 'ae_toolkit.losses has moved: use ae_toolkit.networks.losses')
    """

    def __init__(self, old, new, warns=True):
        super().__init__(f"ae_toolkit.{old}")
        self._old, self._new, self._warned = old, new, not warns

    def __getattr__(self, name):
        if name.startswith("__"):  # what Python itself asks a module for, such as __path__
            raise AttributeError(name)
        if not self._warned:
            self._warned = True
            message = f"ae_toolkit.{self._old} has moved: use ae_toolkit.{self._new}"
            warnings.warn(message, FutureWarning, stacklevel=2)
        return getattr(importlib.import_module(f"ae_toolkit.{self._new}"), NAMES.get(f"{self._old}.{name}", name))


def install(package):
    """Make every old module importable, and an attribute of the package.

    Parameters
    ----------
    package : module
    """
    for old, new in MODULES.items():
        module = MovedModule(old, new)
        sys.modules[module.__name__] = module
        setattr(package, old, module)
    for name, new in STILL_PUBLIC.items():
        sys.modules[f"ae_toolkit.{name}"] = MovedModule(name, new, warns=False)
