"""The digits that are drawn or picked: one autoencoder whose numbers are in order, and what is built on its codes.

Training drops the tail of each code at a random place (Rippel, Gelbart and Adams, 2014, nested
dropout), so that the decoder can do with any first k numbers. Beside the trained layers stands
PCA's own path, which stays as it is: the first epoch begins at PCA's error. Classes, clusters and
the detector's threshold are made with the weights that have been rounded already.
"""

import explore_files
import keras
import numpy as np
from keras import ops

DATA, STILL_DRAW, STILL_NUMBERS = "digits-data.js", "draw.svg", "numbers.svg"
N_NUMBERS, HIDDEN, HEAD = 64, 64, 64
#: How many test images of each class are at hand to pick from.
N_OF_EACH = 3
#: Of the images that were not trained on, the fraction that the detector calls odd.
ODD = 0.01
AUGMENTATION = {"rotation": 10, "scale": 0.1, "shear": 10, "shift": 0.05, "fraction": 0.5}
#: Epochs of the autoencoder and of the classes.
EPOCHS = {"quick": (120, 60), "full": (12, 8)}


def make(data, profile, folder):
    """Train the models, write the files, and return what there is to say of them."""
    n_held_back = len(data.x_train) // 10
    images, labels = data.x_train[:-n_held_back], data.y_train[:-n_held_back]
    epochs, epochs_of_classes = EPOCHS[profile]
    pca = fitted_pca(images)
    ordered = trained(images, pca, epochs)
    exact = errors(ordered, data.x_test)
    layers = round_weights(ordered)
    head = classifier(ordered, images, labels, epochs_of_classes)
    coarse = errors(ordered, data.x_test)
    right = float(np.mean(classes_of(head, codes_of(ordered, data.x_test)) == data.y_test))
    chosen = np.concatenate([np.flatnonzero(data.y_test == k)[:N_OF_EACH] for k in range(len(data.class_names))])
    height, width = data.x_train.shape[1:3]
    record = {
        "width": width, "height": height, "names": list(data.class_names),
        "pca": {"kernel": explore_files.encoded(pca["whole"]), "scale": pca["scale"],
                "mean": explore_files.encoded(pca["mean"])},
        "encoder": layers[:2], "decoder": layers[2:], "head": [explore_files.dense(*layer) for layer in head],
        "clusters": clusters(codes_of(ordered, images), labels, data.class_names),
        "detector": detector(ordered, data.x_train[-n_held_back:], data.x_test),
        "errors": {"autoencoder": coarse.round(3).tolist(), "PCA": pca_errors(pca, data.x_test).round(3).tolist()},
        "accuracy": round(right, 4),
        "images": explore_files.as_bytes(data.x_test[chosen]), "classes": data.y_test[chosen].tolist(),
    }  # fmt: skip
    explore_files.write(folder / STILL_DRAW, still(ordered, pca, data.x_test[chosen[::8]], (2, 10, 32)))
    explore_files.write(folder / STILL_NUMBERS, still(ordered, pca, data.x_test[chosen[::4]], (1, 4, 16, 64)))
    size = explore_files.write_script(folder / DATA, "aeDigitsData", record)
    costs = ", ".join(
        f"{k} numbers {exact[k - 1]:.2f} -> {coarse[k - 1]:.2f} (PCA {record['errors']['PCA'][k - 1]:.2f})"
        for k in (2, 10, 32, 64)
    )
    return (
        f"{DATA}, {size / 1000:.0f} kB; error of test images before and after rounding to 8 bits: {costs}; "
        f"{right:.1%} of them are classified rightly, {record['detector']['of_test']:.1%} are called odd"
    )


@keras.saving.register_keras_serializable(package="ae_toolkit_book")
class KeepFirst(keras.layers.Layer):
    """In training, keep the first numbers of a code only: how many is drawn for each, small counts more often."""

    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, codes, training=False):
        if not training:
            return codes
        longest = codes.shape[-1]
        # The logarithm of the count is uniform: as many codes keep 1 to 8 numbers as keep 8 to 64.
        kept = ops.power(float(longest), keras.random.uniform((ops.shape(codes)[0], 1), seed=self.generator))
        return ops.where(ops.arange(longest, dtype=codes.dtype) < kept, codes, 0.0)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def fitted_pca(images):
    """Return PCA's axes in 8 bits, their factor, what both make together, and the mean image."""
    from sklearn.decomposition import PCA

    model = PCA(N_NUMBERS, random_state=0).fit(images.reshape(len(images), -1))
    whole, scale = explore_files.rounded(model.components_)
    return {
        "whole": whole, "scale": scale, "axes": whole.astype(np.float32) * np.float32(scale),
        "mean": model.mean_.astype(np.float32),
    }  # fmt: skip


def trained(images, pca, epochs):
    """Return the fitted autoencoder, whose numbers are in order."""
    import ae_toolkit as ae

    keras.utils.set_random_seed(0)  # of this program, which does nothing else: the first weights of its networks
    encoder, decoder = networks(pca, images.shape[1:])
    model = ae.Autoencoder(
        N_NUMBERS, encoder=encoder, decoder=decoder, augmentation=AUGMENTATION, epochs=epochs, batch_size=64,
        random_state=0,
    ).fit(images)  # fmt: skip
    axes, mean = model.model_.decoder.get_layer("straight_out").get_weights()
    if not (np.array_equal(axes, pca["axes"]) and np.array_equal(mean, pca["mean"])):
        raise RuntimeError("expected PCA's path to stay as it is, since the browser gets it as PCA's; it was trained")
    return model


def networks(pca, shape):
    """Return an encoder and a decoder: PCA's path, which is not trained, and a small network beside it."""
    pixels = int(np.prod(shape))
    inputs = keras.Input(shape)
    flat = keras.layers.Flatten()(inputs)
    straight = keras.layers.Dense(N_NUMBERS, name="straight_in", trainable=False)
    hidden = keras.layers.Dense(HIDDEN, "relu", name="encoder_hidden")(flat)
    bent = keras.layers.Dense(N_NUMBERS, kernel_initializer="zeros", name="encoder_out")(hidden)
    encoder = keras.Model(inputs, KeepFirst(seed=0)(keras.layers.add([straight(flat), bent])))
    straight.set_weights([pca["axes"].T, -pca["mean"] @ pca["axes"].T])
    codes = keras.Input((N_NUMBERS,))
    back = keras.layers.Dense(pixels, name="straight_out", trainable=False)
    hidden = keras.layers.Dense(HIDDEN, "relu", name="decoder_hidden")(codes)
    bent = keras.layers.Dense(pixels, kernel_initializer="zeros", name="decoder_out")(hidden)
    decoder = keras.Model(codes, keras.layers.Reshape(shape)(keras.layers.add([back(codes), bent])))
    back.set_weights([pca["axes"], pca["mean"]])
    return encoder, decoder


def round_weights(ordered):
    """Round the kernels of what was trained, in place; return the layers as the browser gets them."""
    found = []
    for network, names in (("encoder", ("hidden", "out")), ("decoder", ("hidden", "out"))):
        for name in names:
            layer = getattr(ordered.model_, network).get_layer(f"{network}_{name}")
            kernel, bias = layer.get_weights()
            whole, scale = explore_files.rounded(kernel)
            layer.set_weights([whole.astype(np.float32) * np.float32(scale), bias])
            found.append(explore_files.dense(whole, scale, bias, "relu" if name == "hidden" else "linear"))
    return found


def codes_of(ordered, images):
    """Return the whole codes of images."""
    return ordered.transform(images)


def decoded(ordered, codes, k):
    """Return what is decoded of the first k numbers of codes, cut off at black and white."""
    return np.clip(ordered.inverse_transform(np.where(np.arange(N_NUMBERS) < k, codes, 0).astype(np.float32)), 0, 1)


def errors(ordered, images):
    """Return the squared error per image for each count of numbers."""
    codes = codes_of(ordered, images)
    return np.array([
        np.square(decoded(ordered, codes, k) - images).sum(axis=(1, 2, 3)).mean() for k in range(1, N_NUMBERS + 1)
    ])  # fmt: skip


def pca_decoded(pca, images, k):
    """Return what PCA makes of images with k numbers, cut off at black and white as well."""
    flat, axes = images.reshape(len(images), -1) - pca["mean"], pca["axes"][:k]
    return np.clip(pca["mean"] + flat @ axes.T @ axes, 0, 1).reshape(images.shape)


def pca_errors(pca, images):
    """Return PCA's squared error per image for each count of numbers."""
    return np.array([
        np.square(pca_decoded(pca, images, k) - images).sum(axis=(1, 2, 3)).mean() for k in range(1, N_NUMBERS + 1)
    ])  # fmt: skip


def classifier(ordered, images, labels, epochs):
    """Train a layer and a softmax on the codes, which stay as they are; return both, rounded."""
    import ae_toolkit as ae

    inputs = keras.Input(images.shape[1:])
    below = ordered.model_.encoder
    below.trainable = False
    codes = keras.Model(below.inputs, below.layers[-1].input)(inputs)  # without what drops the tail
    encoder = keras.Model(inputs, keras.layers.Dense(HEAD, "relu", name="head")(codes))
    decoder = keras.Sequential([
        keras.Input((HEAD,)), keras.layers.Dense(images[0].size), keras.layers.Reshape(images.shape[1:])
    ])  # fmt: skip
    autoencoder = ae.Autoencoder(HEAD, encoder=encoder, decoder=decoder, augmentation=AUGMENTATION)
    model = ae.AutoencoderClassifier(autoencoder, pretrain=False, epochs=epochs, random_state=0).fit(images, labels)
    kernel, bias = model.autoencoder_.model_.encoder.get_layer("head").get_weights()
    first, last = explore_files.rounded(kernel), explore_files.rounded(model.coef_)
    return [(*first, bias, "relu"), (*last, model.intercept_, "softmax")]


def classes_of(head, codes):
    """Return the most probable class of each code."""
    values = codes
    for whole, scale, bias, activation in head:
        values = values @ (whole.astype(np.float32) * np.float32(scale)) + bias
        values = np.maximum(values, 0) if activation == "relu" else values
    return values.argmax(axis=1)


def clusters(codes, labels, names):
    """Return the centres of k-means, and of each cluster the class that most of its images have, and how many."""
    from sklearn.cluster import KMeans

    model = KMeans(len(names), n_init=10, random_state=0).fit(codes)
    counts = np.array([np.bincount(labels[model.labels_ == k], minlength=len(names)) for k in range(len(names))])
    return {
        "centres": model.cluster_centers_.round(3).tolist(),
        "classes": counts.argmax(axis=1).tolist(),
        "fractions": (counts.max(axis=1) / counts.sum(axis=1)).round(3).tolist(),
    }


def detector(ordered, held_back, test):
    """Return the error from which on an image is odd, and the fraction of test images that are."""
    from sklearn.frozen import FrozenEstimator

    import ae_toolkit as ae

    model = ae.ReconstructionDetector(FrozenEstimator(ordered), contamination=ODD).fit(held_back)
    return {"threshold": round(-model.offset_, 3), "of_test": round(float(np.mean(model.predict(test) == -1)), 4)}


def still(ordered, pca, images, counts):
    """Return a picture of images and of what both make of them with some counts of numbers."""
    from ae_toolkit import plots

    codes, rows, labels = codes_of(ordered, images), [], ["original"]
    for k in counts:
        rows += [decoded(ordered, codes, k), pca_decoded(pca, images, k)]
        labels += [f"{k} {'number' if k == 1 else 'numbers'}", "the same, PCA"]
    return explore_files.drawing(plots.reconstructions(images, *rows, labels=labels, n=len(images)).figure)
