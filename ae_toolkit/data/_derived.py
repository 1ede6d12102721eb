"""What streams share that are made of another one."""

from typing import Any


class OrderedByImages:
    """A mixin for streams that hand out more beside the images of another stream, ``images``, in its order.

    Examples
    --------
    >>> import numpy as np
    >>> import ae_toolkit as ae
    >>> from ae_toolkit.data.streams import open_stream
    >>> from ae_toolkit.data.targets import PairedStream
    >>> images = np.random.default_rng(0).random((10, 8, 8), dtype="float32")
    >>> pairs = PairedStream(open_stream(images, batch_size=5, seed=3), ae.Deskew().fit(images))
    >>> pairs.seed
    3
    """

    images: Any

    @property
    def seed(self) -> int:
        """What orders the images.

        Returns
        -------
        int
        """
        return self.images.seed

    @seed.setter
    def seed(self, value: int) -> None:
        self.images.seed = value
