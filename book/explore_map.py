"""The map of codes: three decoders of two numbers, and some training images where their codes lie."""

import explore_files
import numpy as np
from scipy.special import expit

DATA, STILL = "map-data.js", "map.svg"
HIDDEN = (128, 64)
#: How many images the map shows, and how wide each is.
N_THUMBNAILS, THUMBNAIL = 200, 14


def make(data, profile, folder):
    """Train the models, write the map's files; return the models, and what there is to say of them."""
    models = trained(data, profile)
    record, costs = described(models, data)
    explore_files.write(folder / STILL, still(models["variational"]))
    size = explore_files.write_script(folder / DATA, "aeMapData", record)
    says = ", ".join(f"{name} {before:.2f} -> {after:.2f}" for name, (before, after) in costs.items())
    return models, f"{DATA}, {size / 1000:.0f} kB; error of test images before and after rounding to 8 bits: {says}"


def trained(data, profile):
    """Return the fitted models of the map by name, each with codes of two numbers."""
    from sklearn.decomposition import PCA

    import ae_toolkit as ae

    options = {
        "network": "dense",
        "hidden_units": HIDDEN,
        "random_state": 0,
        "epochs": 40 if profile == "quick" else 20,
    }
    images = data.x_train
    plain = ae.Autoencoder(2, output_activation="sigmoid", **options).fit(images)
    variational = ae.VariationalAutoencoder(2, **options).fit(images)
    pca = PCA(2, random_state=0).fit(images.reshape(len(images), -1))
    return {"variational": variational, "autoencoder": plain, "PCA": pca}


def encode(model, images):
    """Return the codes that a model of the map gives images."""
    flat = not hasattr(model, "model_")
    return np.asarray(model.transform(images.reshape(len(images), -1) if flat else images), dtype=np.float64)


def layers_of(model):
    """Return a decoder's layers, (kernel, bias, activation) each, with ``"sigmoid"`` where that makes the pixels."""
    if not hasattr(model, "model_"):  # PCA
        return [(model.components_, model.mean_, "linear")]
    from ae_toolkit._keras import keras

    dense = [layer for layer in model.model_.decoder.layers if isinstance(layer, keras.layers.Dense)]
    found = [(*map(np.asarray, layer.get_weights()), keras.activations.serialize(layer.activation)) for layer in dense]
    kernel, bias, _ = found[-1]
    found[-1] = kernel, bias, "sigmoid"  # of the variational autoencoder it is a part of the likelihood
    return found


def decode(layers, codes):
    """Return the images of codes, as `map.js` computes them."""
    values = np.asarray(codes, dtype=np.float32)
    for kernel, bias, activation in layers:
        values = values @ kernel + bias
        values = {"linear": lambda a: a, "relu": lambda a: np.maximum(a, 0), "sigmoid": expit}[activation](values)
    return values


def described(models, data):
    """Return what the browser needs of the models and the images, and what the rounding costs each model."""
    from ae_toolkit import plots

    height, width = data.x_train.shape[1:3]
    chosen = np.random.default_rng(0).permutation(len(data.x_train))[:N_THUMBNAILS]
    shown, classes = data.x_train[chosen], data.y_train[chosen]
    small = (
        shown[..., 0].reshape(len(shown), THUMBNAIL, height // THUMBNAIL, THUMBNAIL, width // THUMBNAIL).mean((2, 4))
    )
    record = {
        "width": width, "height": height, "models": [], "colours": list(plots.PALETTE), "thumbnail": THUMBNAIL,
        "names": list(data.class_names), "classes": [int(each) for each in classes],
        "pixels": explore_files.as_bytes(small),
    }  # fmt: skip
    costs = {}
    for name, model in models.items():
        exact = layers_of(model)
        coarse = [(*explore_files.rounded(kernel), bias, activation) for kernel, bias, activation in exact]
        codes = encode(model, data.x_train)
        limits = np.quantile(codes, [0.005, 0.995], axis=0).T
        record["models"].append(
            {
                "name": name,
                "limits": limits.round(4).tolist(),
                "codes": encode(model, shown).round(3).tolist(),
                "layers": [explore_files.dense(*layer) for layer in coarse],
            }
        )
        flat, test_codes = data.x_test.reshape(len(data.x_test), -1), encode(model, data.x_test)
        errors = [
            np.square(flat - decode(layers, test_codes)).sum(axis=1).mean()
            for layers in (exact, [(kernel * scale, bias, activation) for kernel, scale, bias, activation in coarse])
        ]
        costs[name] = errors
    return record, costs


def still(model):
    """Return the picture of the whole map, as SVG."""
    from ae_toolkit import plots

    return explore_files.drawing(plots.latent_grid(model.inverse_transform, n=15).figure)
