# The first floor: every public name and the room that it is in. `__init__.py` loads them from this list.
from . import book as book
from . import data as data
from . import estimators as estimators
from . import export as export
from . import metrics as metrics
from . import networks as networks
from . import plots as plots
from . import storage as storage
from . import training as training
from .book.chapter import Chapter as Chapter
from .data import datasets as datasets
from .data.datasets import ImageDataset as ImageDataset
from .data.preprocessing import HOG as HOG
from .data.preprocessing import Deskew as Deskew
from .estimators.adversarial import AdversarialAutoencoder as AdversarialAutoencoder
from .estimators.anomaly import ReconstructionDetector as ReconstructionDetector
from .estimators.autoencoder import Autoencoder as Autoencoder
from .estimators.classification import AutoencoderClassifier as AutoencoderClassifier
from .estimators.contractive import ContractiveAutoencoder as ContractiveAutoencoder
from .estimators.deep_clustering import DeepEmbeddedClustering as DeepEmbeddedClustering
from .estimators.denoising import DenoisingAutoencoder as DenoisingAutoencoder
from .estimators.generation import MixtureSampler as MixtureSampler
from .estimators.generation import interpolate as interpolate
from .estimators.manifold_clustering import ManifoldClustering as ManifoldClustering
from .estimators.sparse import SparseAutoencoder as SparseAutoencoder
from .estimators.variational import VariationalAutoencoder as VariationalAutoencoder
from .export import export_onnx as export_onnx
from .storage import load as load
from .storage import save as save

__version__: str
