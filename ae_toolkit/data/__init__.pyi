from . import augmentation as augmentation
from . import datasets as datasets
from . import labelled as labelled
from . import preprocessing as preprocessing
from . import streams as streams
from . import targets as targets
