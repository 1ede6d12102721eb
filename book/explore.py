"""The models behind the moving pictures: trains them, rounds their weights to 8 bits, writes them for the browser.

    python book/explore.py [--profile quick|full] [--out FOLDER]

`book/build.py` runs it after the chapters. It writes ``map-data.js``: a script and not plain
JSON, since a browser that reads the book from a file may load scripts and nothing else; and
``map.svg``, what stands in its place where scripts are off. Both go to a temporary name first.
"""

import argparse
import base64
import json
import os
import sys
from pathlib import Path

import numpy as np
from scipy.special import expit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

DATA, STILL = "map-data.js", "map.svg"
HIDDEN = (128, 64)
#: How many images the map shows, and how wide each is.
N_THUMBNAILS, THUMBNAIL = 200, 14


def main(argv=None):
    """Train the models, write the files, say what the rounding costs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "explore")
    arguments = parser.parse_args(argv)
    from ae_toolkit.book.chapter import PROFILES
    from ae_toolkit.data import datasets

    data = datasets.load(PROFILES[arguments.profile])
    models = trained(data, arguments.profile)
    record, costs = described(models, data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    _replace(arguments.out / STILL, still(models["variational"]))
    _replace(arguments.out / DATA, f"window.aeMapData = {json.dumps(record, separators=(',', ':'))};\n")
    size = (arguments.out / DATA).stat().st_size
    print(f"explore: {DATA}, {size / 1000:.0f} kB; error of test images before and after rounding to 8 bits: {costs}")


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


def rounded(values):
    """Return whole numbers from -127 to 127, and the factor that makes about the values of them again."""
    scale = float(np.abs(values).max()) / 127 or 1.0
    return np.round(values / scale).astype(np.int8), scale


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
        "pixels": _base64(np.round(255 * small).astype(np.uint8)),
    }  # fmt: skip
    costs = {}
    for name, model in models.items():
        exact = layers_of(model)
        coarse = [(*rounded(kernel), bias.astype(np.float32), activation) for kernel, bias, activation in exact]
        codes = encode(model, data.x_train)
        limits = np.quantile(codes, [0.005, 0.995], axis=0).T
        record["models"].append({
            "name": name,
            "limits": limits.round(4).tolist(),
            "codes": encode(model, shown).round(3).tolist(),
            "layers": [
                {"inputs": kernel.shape[0], "outputs": kernel.shape[1], "scale": scale, "kernel": _base64(kernel),
                 "bias": _base64(bias), "activation": activation}
                for kernel, scale, bias, activation in coarse
            ],
        })  # fmt: skip
        flat, test_codes = data.x_test.reshape(len(data.x_test), -1), encode(model, data.x_test)
        errors = [
            np.square(flat - decode(layers, test_codes)).sum(axis=1).mean()
            for layers in (exact, [(kernel * scale, bias, activation) for kernel, scale, bias, activation in coarse])
        ]
        costs[name] = " -> ".join(f"{error:.2f}" for error in errors)
    return record, costs


def still(model):
    """Return the picture of the whole map, as SVG."""
    import io

    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from ae_toolkit import plots

    plots.use_style()
    ax, buffer = plots.latent_grid(model.inverse_transform, n=15), io.StringIO()
    ax.figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(ax.figure)
    return buffer.getvalue()


def _base64(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _replace(path, text):
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
