from . import augmentation as augmentation
from . import datasets as datasets
from . import streams as streams
