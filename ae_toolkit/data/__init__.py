"""Where images come from: data sets by name, streams of batches, augmentation, preprocessing."""

import lazy_loader

# Lazy, since the data sets need no Keras and the streams do.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
