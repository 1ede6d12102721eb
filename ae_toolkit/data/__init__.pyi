from . import augmentation as augmentation
from . import datasets as datasets
from . import preprocessing as preprocessing
from . import streams as streams
from . import targets as targets
