"""Autoencoders for images: Keras 3 inside, scikit-learn outside.

The companion package of an executable book. Everything public hangs from this
name, so that one import is enough::

    import ae_toolkit as ae

    data = ae.datasets.load("digits")
    codes = ae.Autoencoder(code_dim=8).fit(data.x_train).transform(data.x_test)

Importing the package imports neither Keras nor scikit-learn: each part is loaded
when it is first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "adversarial",
        "anomaly",
        "augmentation",
        "chapter",
        "checkpoints",
        "claims",
        "contractive",
        "datasets",
        "denoising",
        "export",
        "generation",
        "layers",
        "losses",
        "metrics",
        "models",
        "networks",
        "plots",
        "sparse",
        "storage",
        "streams",
        "training",
        "variational",
    ],
    submod_attrs={
        "adversarial": ["AdversarialAutoencoder"],
        "anomaly": ["ReconstructionDetector"],
        "autoencoder": ["Autoencoder"],
        "chapter": ["Chapter"],
        "contractive": ["ContractiveAutoencoder"],
        "datasets": ["ImageDataset"],
        "denoising": ["DenoisingAutoencoder"],
        "export": ["export_onnx"],
        "generation": ["MixtureSampler"],
        "sparse": ["SparseAutoencoder"],
        "storage": ["load", "save"],
        "variational": ["VariationalAutoencoder"],
    },
)
