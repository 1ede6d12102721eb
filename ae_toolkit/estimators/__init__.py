"""Estimators of scikit-learn's kind, which fit images and transform them, and the Keras model behind each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
