"""Autoencoders for images: Keras 3 inside, scikit-learn outside.

The companion package of an executable book. Everything public hangs from this
name, so that one import is enough::

    import ae_toolkit as ae

    data = ae.datasets.load("digits")
    codes = ae.Autoencoder(code_dim=8).fit(data.x_train).transform(data.x_test)

Importing the package imports neither Keras nor scikit-learn: each part is loaded
when it is first used. What is here, and in which room, stands in ``__init__.pyi``.
"""

import sys

import lazy_loader

from ae_toolkit import _moved

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

_moved.install(sys.modules[__name__])
