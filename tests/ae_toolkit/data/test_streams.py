"""Streams: the images of any source, batch by batch, and an error that says where a source fell short."""

import math
import threading
import weakref

import numpy as np
import pytest
from PIL import Image

import ae_toolkit as ae
from ae_toolkit._keras import keras
from ae_toolkit.data import streams

SHAPE = (6, 5, 1)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((10, *SHAPE), dtype=np.float32)


@pytest.fixture
def tf():
    return pytest.importorskip("tensorflow")


def small(**options):
    settings = {"code_dim": 2, "hidden_units": (4,), "epochs": 2, "batch_size": 4, "random_state": 0}
    return ae.Autoencoder(**{**settings, **options})


class Batches(keras.utils.PyDataset):
    """Batches of an array in its order, or in one given for each epoch; counts what is asked of it."""

    def __init__(self, images, batch_size=4, orders=None, labels=False, **options):
        super().__init__(**options)
        self.images, self.batch_size, self.orders, self.labels = images, batch_size, orders, labels
        self.asked, self.events = [], []

    def __len__(self):
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index):
        self.asked.append(index)
        epoch = max(0, self.events.count("begin") - 1)
        order = np.arange(len(self.images)) if self.orders is None else self.orders[epoch]
        batch = self.images[order[index * self.batch_size : (index + 1) * self.batch_size]]
        return (batch, np.zeros(len(batch))) if self.labels else batch

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


def weights(autoencoder):
    return autoencoder.model_.get_weights()


def assert_same(found, expected):
    """Two estimators trained alike, along ways that may round differently."""
    np.testing.assert_allclose(found.history_["loss"], expected.history_["loss"], rtol=1e-5)
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def orders(n=10, epochs=2, random_state=0):
    """Return the orders in which an estimator takes the images of an array."""
    _, seed, _ = np.random.RandomState(random_state).randint(2**31 - 1, size=3)
    return [streams.shuffled(n, int(seed), epoch) for epoch in range(epochs)]


# ----------------------------------------------------------------------- in which order


def test_orders_are_known_by_seed_and_epoch():
    first = streams.shuffled(100, 3, 0)
    assert first.dtype == np.int32
    assert sorted(first) == list(range(100))
    np.testing.assert_array_equal(streams.shuffled(100, 3, 0), first)
    for other in (streams.shuffled(100, 3, 1), streams.shuffled(100, 4, 0), np.arange(100)):
        assert not np.array_equal(other, first)


def test_orders_differ_where_seed_and_epoch_are_swapped():
    assert not np.array_equal(streams.shuffled(100, 1, 2), streams.shuffled(100, 2, 1))


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 4, [3]), (4, 1, [1] * 4)]
)
def test_an_array_in_batches(n, batch_size, sizes, images):
    stream = streams.open_stream(images[:n], batch_size, seed=0)
    for epoch in range(2):
        found = list(stream.epoch(epoch))
        assert [len(batch) for batch in found] == sizes
        np.testing.assert_array_equal(np.concatenate(found), images[:n][streams.shuffled(n, 0, epoch)])
    assert (stream.steps_per_epoch, stream.image_shape) == (len(sizes), SHAPE)


def test_an_array_s_orders_are_its_batches(images):
    full, last = streams.open_stream(images, 4, seed=0).epoch_indices(1)
    assert (full.shape, last.shape) == ((2, 4), (2,))
    np.testing.assert_array_equal(np.concatenate([full.ravel(), last]), streams.shuffled(10, 0, 1))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_array_may_be_cut_into_shorter_epochs(images, steps):
    stream = streams.open_stream(images, 4, seed=0, steps_per_epoch=steps)
    found = np.concatenate(list(stream.epoch(1)))
    np.testing.assert_array_equal(found, images[streams.shuffled(10, 0, 1)[: 4 * steps]])
    full, last = stream.epoch_indices(1)
    assert 4 * len(full) + len(last) == len(found)


def test_without_a_seed_an_order_of_its_own(images):
    seeds = {streams.open_stream(images, 4, seed=None).seed for _ in range(5)}
    assert len(seeds) == 5


def test_an_opened_stream_is_taken_as_it_is(images):
    stream = streams.open_stream(images, 4, seed=0)
    assert streams.open_stream(stream, 7, seed=1) is stream
    assert streams.is_stream(stream)


def test_a_mapped_file_is_read_a_batch_at_a_time(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    stream = streams.open_stream(mapped, 4, seed=0)
    assert stream.array is mapped
    for batch in stream.epoch(0):
        assert not np.shares_memory(batch, mapped)
        assert batch.dtype == np.float32


# ------------------------------------------------------------------------------ in order


def all_of(source, batch_size=4):
    """Return the images of a source in its order, and the sizes of the batches."""
    batches = list(streams.in_order(source, batch_size))
    assert all(isinstance(batch, np.ndarray) and batch.dtype == np.float32 for batch in batches)
    return np.concatenate(batches), [len(batch) for batch in batches]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_array_in_order(images, dtype):
    for source in (images.astype(dtype), images.astype(dtype).tolist(), streams.open_stream(images, 3, seed=1)):
        found, sizes = all_of(source)
        np.testing.assert_array_equal(found, images)
        assert sizes == [4, 4, 2]


def test_a_table_of_whole_numbers_in_order():
    found, _ = all_of(np.arange(20).reshape(10, 2))
    np.testing.assert_array_equal(found, np.arange(20).reshape(10, 2))


def test_all_images_come_however_short_an_epoch_is(images):
    found, _ = all_of(streams.open_stream(images, 3, seed=1, steps_per_epoch=1))
    np.testing.assert_array_equal(found, images)


def test_a_folder_in_the_order_of_its_files(folder):
    path, pixels = folder
    for source in (path, str(path), streams.open_stream(path, 3, seed=1)):
        found, sizes = all_of(source)
        np.testing.assert_allclose(found, pixels, atol=1e-7)
        assert sizes == [4, 4, 2]


@pytest.mark.parametrize("options", [{}, {"labels": True}, {"workers": 3}], ids=str)
def test_a_py_dataset_in_order(images, options):
    dataset = Batches(images, batch_size=3, **options)
    found, sizes = all_of(dataset)
    np.testing.assert_array_equal(found, images)
    assert sizes == [3, 3, 3, 1]
    assert dataset.events == []  # no epoch has passed


def test_a_py_dataset_without_an_end_has_no_order(images):
    class Endless(Batches):
        num_batches = None

    with pytest.raises(ValueError, match="expected a PyDataset that says how many batches it has"):
        streams.in_order(Endless(images))


def test_a_tf_dataset_in_order(images, tf):
    dataset = tf.data.Dataset.from_tensor_slices(images)
    unknown = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=tf.TensorSpec(SHAPE, tf.float32))
    for source in (dataset.batch(3), tf.data.Dataset.zip((dataset, dataset)).batch(3), unknown.batch(3)):
        found, sizes = all_of(source)
        np.testing.assert_array_equal(found, images)
        assert sizes == [3, 3, 3, 1]


def test_an_endless_tf_dataset_has_no_order(images, tf):
    endless = tf.data.Dataset.from_tensor_slices(images).repeat().batch(4)
    for source in (endless, streams.open_stream(endless, 0, None, 2)):
        with pytest.raises(ValueError, match=r"expected a tf\.data\.Dataset with an end"):
            streams.in_order(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((0, *SHAPE), np.float32), "at least one image"),
        (np.zeros(3, np.float32), r"shape \(n, ...\), got shape \(3,\)"),
        (np.zeros((3, *SHAPE), np.uint8), "expected floating-point pixels"),
        (np.full((3, *SHAPE), np.nan, np.float32), "expected finite pixels, got NaN or infinity in batch 1"),
    ],
)
def test_images_in_order_that_are_none(source, words):
    with pytest.raises(ValueError, match=words):
        list(streams.in_order(source))
    with pytest.raises(ValueError, match="batch_size to be a positive integer, got 0"):
        streams.in_order(source, 0)


def test_a_file_in_order_that_cannot_be_read_is_named(folder):
    path, _ = folder
    (path / "z.png").write_bytes(b"not a picture")
    with pytest.raises(RuntimeError, match=r"reading batch 3 of the images in order failed.*z.png"):
        list(streams.in_order(path, 4))
    with pytest.raises(FileNotFoundError, match="no folder"):
        streams.in_order(path / "nowhere")


# ------------------------------------------------------------------------------ a PyDataset


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"labels": True}, {"workers": 3}], ids=str)
def test_a_py_dataset_in_an_array_s_order_trains_as_the_array(images, options):
    dataset = Batches(images, orders=orders(), **options)
    assert_same(small().fit(dataset), small().fit(images))


@pytest.mark.slow
def test_a_py_dataset_is_asked_for_each_batch_once_an_epoch(images):
    dataset = Batches(images, workers=2)
    small(epochs=3).fit(dataset)
    assert sorted(dataset.asked[1:]) == sorted(3 * [0, 1, 2])  # and once before, for the shape
    assert dataset.events == 3 * ["begin", "end"]


@pytest.mark.slow
def test_a_py_dataset_in_fewer_steps(images):
    dataset = Batches(images)
    small().fit(dataset, steps_per_epoch=2)
    assert sorted(dataset.asked[1:]) == sorted(2 * [0, 1])


@pytest.mark.slow
def test_an_endless_py_dataset_needs_a_number_of_steps(images):
    class Endless(Batches):
        num_batches = None

        def __getitem__(self, index):
            return super().__getitem__(index % 3)

    with pytest.raises(ValueError, match=r"expected steps_per_epoch, since the PyDataset"):
        small().fit(Endless(images))
    dataset = Endless(images)
    small().fit(dataset, steps_per_epoch=5)
    assert sorted(dataset.asked[1:]) == sorted(2 * [0, 1, 2, 0, 1])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_batches():
    """Of 60 batches a few are alive at any time, as many as are read ahead."""

    alive, counts = set(), []

    class Many(keras.utils.PyDataset):
        def __len__(self):
            return 60

        def __getitem__(self, index):
            batch = np.zeros((4, *SHAPE), np.float32)
            alive.add(id(batch))
            weakref.finalize(batch, alive.discard, id(batch))
            counts.append(len(alive))
            return batch

    small(epochs=2).fit(Many(workers=2))
    assert len(counts) == 2 * 60 + 1
    assert 1 <= max(counts) <= 8


def test_no_threads_are_left_behind(images):
    before = set(threading.enumerate())
    autoencoder = small().fit(Batches(images, workers=3), validation_data=Batches(images, workers=2))
    left = [thread for thread in threading.enumerate() if thread not in before and "ThreadPool" in thread.name]
    assert left == []
    assert autoencoder.transform(images).shape == (10, 2)


# ------------------------------------------------------------------------- a tf.data.Dataset


def in_an_array_s_order(tf, images, epochs=2):
    """Return a dataset of all epochs' images in an array's order, 10 an epoch."""
    return tf.data.Dataset.from_tensor_slices(np.concatenate([images[order] for order in orders(epochs=epochs)]))


@pytest.mark.slow
def test_a_tf_dataset_gives_an_estimator_like_the_array(images, tf):
    """In the array's own order each epoch, of which the estimator has one."""
    dataset = in_an_array_s_order(tf, images, epochs=1).batch(4)
    assert_same(small(epochs=1).fit(dataset), small(epochs=1).fit(images))


def test_labels_behind_the_images_are_ignored(images, tf):
    dataset = in_an_array_s_order(tf, images, epochs=1)
    labelled = tf.data.Dataset.zip((dataset, tf.data.Dataset.range(10))).batch(4)
    assert_same(small(epochs=1).fit(labelled), small(epochs=1).fit(images))


def test_a_tf_dataset_begins_anew_in_each_epoch(images, tf):
    stream = streams.open_stream(tf.data.Dataset.from_tensor_slices(images).batch(4), 0, seed=0)
    assert stream.steps_per_epoch == 3
    for epoch in range(2):
        found = [keras.ops.convert_to_numpy(batch) for batch in stream.epoch(epoch)]
        assert [len(batch) for batch in found] == [4, 4, 2]
        np.testing.assert_array_equal(np.concatenate(found), images)


def test_an_endless_tf_dataset_goes_on_where_the_last_epoch_ended(images, tf):
    stream = streams.open_stream(tf.data.Dataset.from_tensor_slices(images).repeat().batch(4), 0, None, 3)
    found = [keras.ops.convert_to_numpy(batch) for epoch in range(2) for batch in stream.epoch(epoch)]
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate([images, images, images])[:24])


@pytest.mark.slow
def test_an_endless_tf_dataset_trains_as_an_array(images, tf):
    """Both epochs' batches behind one another: the batches have one size, so the array must divide."""
    whole = np.concatenate([images[:8][order] for order in orders(8)])
    dataset = tf.data.Dataset.from_tensor_slices(whole).repeat().batch(4)
    assert_same(small().fit(dataset, steps_per_epoch=2), small().fit(images[:8]))


def test_a_tf_dataset_of_unknown_length(images, tf):
    def generator():
        yield from images[orders(epochs=1)[0]]

    for shape in (SHAPE, None):  # known and unknown shape of an image
        spec = tf.TensorSpec(shape, tf.float32)
        dataset = tf.data.Dataset.from_generator(generator, output_signature=spec).batch(4)
        with pytest.raises(
            ValueError, match=r"expected steps_per_epoch, since the tf.data.Dataset is of unknown length"
        ):
            small().fit(dataset)
        if shape is not None:
            assert_same(small(epochs=1).fit(dataset, steps_per_epoch=3), small(epochs=1).fit(images))


def test_a_tf_dataset_whose_shape_shows_only_in_its_batches(images, tf):
    def generator():
        yield images[:4], 0
        yield images[4:], 1

    signature = tf.TensorSpec(None, tf.float32), tf.TensorSpec((), tf.int32)
    dataset = tf.data.Dataset.from_generator(generator, output_signature=signature)
    stream = streams.open_stream(dataset, 0, None, 2)
    assert stream.image_shape == SHAPE
    assert [len(batch) for batch in stream.epoch(0)] == [4, 6]


def test_an_endless_tf_dataset_needs_a_number_of_steps(images, tf):
    dataset = tf.data.Dataset.from_tensor_slices(images).repeat().batch(4)
    with pytest.raises(ValueError, match=r"expected steps_per_epoch, since the tf.data.Dataset is endless"):
        small().fit(dataset)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_other_floats_become_float32(images, tf, dtype):
    dataset = tf.data.Dataset.from_tensor_slices(tf.cast(images, dtype)).batch(10)
    (batch,) = streams.open_stream(dataset, 0, seed=0).epoch(0)
    assert keras.backend.standardize_dtype(batch.dtype) == "float32"
    np.testing.assert_allclose(keras.ops.convert_to_numpy(batch), images, atol=1e-2)


# ---------------------------------------------------------------------- a folder of files


@pytest.fixture
def folder(images, tmp_path):
    """Return a folder of grey pictures, some in folders below it, and what is in them."""
    pixels = np.round(images[..., 0] * 255).astype(np.uint8)
    for number, picture in enumerate(pixels):
        below = tmp_path / ("." if number < 4 else f"class {number % 2}/deep")
        below.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(below / f"{number}.{'PNG' if number % 3 else 'bmp'}")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "thumbs.png").mkdir()  # a folder with an image's name
    files = sorted(file for file in tmp_path.rglob("*") if file.suffix.lower() in (".png", ".bmp") and file.is_file())
    return tmp_path, pixels[[int(file.stem) for file in files]][..., None] / np.float32(255)


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_a_folder_trains_as_the_array_of_its_pictures(folder, kind):
    path, pixels = folder
    assert_same(small().fit(kind(path)), small().fit(pixels))


def test_a_folder_s_batches(folder):
    path, pixels = folder
    stream = streams.open_stream(path, 4, seed=0)
    assert (stream.image_shape, stream.steps_per_epoch, stream.array) == (SHAPE, 3, None)
    for epoch in range(2):
        found = np.concatenate(list(stream.epoch(epoch)))
        np.testing.assert_allclose(found, pixels[streams.shuffled(10, 0, epoch)], atol=1e-7)


def test_a_folder_in_fewer_steps(folder):
    path, pixels = folder
    (batch,) = streams.open_stream(path, 4, seed=0, steps_per_epoch=1).epoch(1)
    np.testing.assert_allclose(batch, pixels[streams.shuffled(10, 0, 1)[:4]], atol=1e-7)


@pytest.mark.slow
def test_a_folder_s_automatic_batches_have_256_images(folder):
    path, _ = folder
    assert int(small(batch_size="auto", epochs=1).fit(path).model_.optimizer.iterations) == 1


RGB = (np.arange(24).reshape(4, 2, 3) * 10).astype(np.uint8)
GREY = (np.arange(8).reshape(4, 2) * 30).astype(np.uint8)
KINDS = {
    "grey": (GREY, None, GREY[..., None] / 255),
    "colour": (RGB, None, RGB / 255),
    "colour with transparency": (np.dstack([RGB, GREY]), None, RGB / 255),
    "grey with transparency": (np.dstack([GREY, GREY[::-1]]), None, GREY[..., None] / 255),
    "16 bits": (GREY.astype(np.uint16) * 300, None, GREY[..., None] * np.float32(300 / 65535)),
    "1 bit": (GREY > 100, "1", (GREY > 100)[..., None]),
    "a palette": (GREY, "P", np.stack([GREY] * 3, axis=-1) / 255),
}


@pytest.mark.parametrize("name", KINDS)
def test_pixels_of_any_kind_of_picture_are_between_0_and_1(tmp_path, name):
    pixels, mode, expected = KINDS[name]
    picture = Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(tmp_path / "one.png")
    ((found,),) = streams.open_stream(tmp_path, 1, seed=0).epoch(0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_16_bit_tiff_keeps_its_steps(tmp_path):
    fine = np.array([[0, 1, 2], [65533, 65534, 65535]], np.uint16)
    Image.fromarray(fine).save(tmp_path / "fine.tiff")
    ((found,),) = streams.open_stream(tmp_path, 1, seed=0).epoch(0)
    np.testing.assert_array_equal(np.round(found[..., 0] * 65535), fine)


def test_pictures_of_several_sizes_name_the_file(folder):
    path, _ = folder
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(path / "odd one.png")
    with pytest.raises(
        RuntimeError, match=r"reading batch \d of 3 in epoch 1 failed.*\(6, 5, 1\).*\(3, 3, 1\).*odd one"
    ):
        small().fit(path)


def test_grey_and_coloured_pictures_name_the_file(folder):
    path, _ = folder
    Image.fromarray(np.zeros((6, 5, 3), np.uint8)).save(path / "red.png")
    with pytest.raises(
        RuntimeError, match=r"expected images of shape \(6, 5, 1\) as in .*, got \(6, 5, 3\) in .*red.png"
    ):
        small().fit(path)


def test_a_file_that_is_no_picture_is_named(folder):
    path, _ = folder
    (path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(RuntimeError, match=r"reading batch \d of 3 in epoch 1 failed.*broken.png"):
        small().fit(path)


def test_a_folder_without_pictures(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(FileNotFoundError, match=rf"expected image files \(.png, .*\) in {tmp_path}, found none"):
        small().fit(tmp_path)


@pytest.mark.parametrize("name", ["missing", "a file.png"])
def test_a_folder_that_is_none(tmp_path, name):
    (tmp_path / "a file.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=rf"there is no folder .*{name}"):
        small().fit(tmp_path / name)


# ----------------------------------------------------------------------- sources that fail


class Bad(Batches):
    """In one epoch, from 1, its second batch of three is not as it should be."""

    def __init__(self, images, what, epoch):
        super().__init__(images)
        self.what, self.epoch = what, epoch

    def __getitem__(self, index):
        batch = super().__getitem__(index)
        return self.what(batch) if index == 1 and self.events.count("begin") == self.epoch else batch


def raising(batch):
    raise KeyError("lost")


def ending(batch):
    raise StopIteration


FAULTS = {
    "another shape": (lambda x: x[:, :5], ValueError, r"expected images of shape \(6, 5, 1\) in {}, got \(5, 5, 1\)"),
    "flat images": (lambda x: x.reshape(4, -1), ValueError, r"shape \(6, 5, 1\) in {}, got \(30,\)"),
    "no images": (lambda x: x[:0], ValueError, "expected at least one image in {}, got none"),
    "integers": (lambda x: (x * 255).astype(np.uint8), ValueError, "floating-point pixels.* in {}, got uint8.*1 / 255"),
    "booleans": (lambda x: x > 0.5, ValueError, "floating-point pixels.* in {}, got bool"),
    "an exception": (raising, RuntimeError, "reading {} failed: KeyError: 'lost'"),
    "an end": (ending, RuntimeError, "reading {} failed"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_batch_is_named(images, name):
    what, error, words = FAULTS[name]
    autoencoder = small(epochs=3)
    with pytest.raises(error, match=words.format("batch 2 of 3 in epoch 2")):
        autoencoder.fit(Bad(images, what, epoch=2))
    assert not hasattr(autoencoder, "model_")


def test_the_cause_is_kept(images):
    """Where Keras has not cut it off, as its own methods do with every error's."""
    with pytest.raises(RuntimeError) as caught:
        list(streams.open_stream(Bad(images, raising, epoch=1), 4, seed=0).epoch(0))
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_bad_image_that_is_not_finite_is_named(images):
    with pytest.raises(FloatingPointError, match="batch 2 of 3 in epoch 2"):
        small(epochs=3).fit(Bad(images, lambda x: x * np.nan, epoch=2))


@pytest.mark.slow
def test_after_an_error_a_fitted_estimator_is_as_it_was(images):
    autoencoder = small().fit(images)
    codes = autoencoder.transform(images)
    with pytest.raises(RuntimeError):
        autoencoder.fit(Bad(images[:, :4], raising, epoch=1))
    np.testing.assert_array_equal(autoencoder.transform(images), codes)


@pytest.mark.slow
def test_a_tf_dataset_that_ends_early(images, tf):
    def generator():
        yield from images

    spec = tf.TensorSpec(SHAPE, tf.float32)
    dataset = tf.data.Dataset.from_generator(generator, output_signature=spec).batch(4)
    with pytest.raises(ValueError, match=r"expected 4 batches per epoch, but .* ended before batch 4 of 4 in epoch 1"):
        small().fit(dataset, steps_per_epoch=4)


def test_a_tf_dataset_that_raises(images, tf):
    def generator():
        yield from images[:5]
        raise OSError("the disk is gone")

    spec = tf.TensorSpec(SHAPE, tf.float32)
    dataset = tf.data.Dataset.from_generator(generator, output_signature=spec).batch(4)
    with pytest.raises(RuntimeError, match=r"reading batch 2 of 3 in epoch 1 failed.*(?s:.*)the disk is gone"):
        small().fit(dataset, steps_per_epoch=3)


def test_a_tf_dataset_of_integers(images, tf):
    dataset = tf.data.Dataset.from_tensor_slices((images * 255).astype(np.uint8)).batch(4)
    with pytest.raises(ValueError, match=r"floating-point pixels.*in the first batch, got .*uint8"):
        small().fit(dataset)


def test_an_empty_tf_dataset(images, tf):
    with pytest.raises(ValueError, match=r"tf.data.Dataset with at least one batch, got an empty one"):
        small().fit(tf.data.Dataset.from_tensor_slices(images[:0]).batch(4))


def test_an_empty_py_dataset(images):
    with pytest.raises(ValueError, match="PyDataset with at least one batch, got an empty one"):
        small().fit(Batches(images[:0]))


@pytest.mark.parametrize("source", ["array", "PyDataset", "folder", "tf.data"])
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (4, "at most the 3 batches there are, got 4"),
        (0, "a positive integer, got 0"),
        (-1, "a positive integer, got -1"),
        (1.5, "a positive integer, got 1.5"),
        ("2", "a positive integer, got '2'"),
    ],
)
def test_steps_per_epoch_out_of_range(source, steps, words, images, request):
    if source == "array":
        given = images
    elif source == "PyDataset":
        given = Batches(images)
    elif source == "folder":
        given, _ = request.getfixturevalue("folder")
    else:
        given = request.getfixturevalue("tf").data.Dataset.from_tensor_slices(images).batch(4)
    with pytest.raises(ValueError, match=f"expected steps_per_epoch to be {words}"):
        small().fit(given, steps_per_epoch=steps)


# ------------------------------------------------------------- validation, and other sources


@pytest.mark.slow
@pytest.mark.parametrize("source", ["PyDataset", "folder", "tf.data"])
def test_validation_from_a_stream_counts_each_image_once(source, images, request):
    path, pixels = request.getfixturevalue("folder")
    if source == "PyDataset":
        given = Batches(pixels)
    elif source == "folder":
        given = path
    else:
        given = request.getfixturevalue("tf").data.Dataset.from_tensor_slices(pixels).batch(4)
    found = small().fit(images, validation_data=given)
    expected = small().fit(images, validation_data=pixels)
    np.testing.assert_allclose(found.history_["val_loss"], expected.history_["val_loss"], rtol=1e-5)


@pytest.mark.parametrize("shape", [(5, 6, 1), (30,)])
def test_validation_images_of_another_shape(images, shape):
    other = np.zeros((10, *shape), np.float32)
    with pytest.raises(ValueError, match=r"validation images of shape \(6, 5, 1\).*, got \("):
        small().fit(images, validation_data=Batches(other))


def test_an_estimator_fitted_on_a_stream_is_one_like_any_other(images):
    autoencoder = small().fit(Batches(images))
    assert (autoencoder.image_shape_, autoencoder.n_features_in_) == (SHAPE, 30)
    assert autoencoder.reconstruct(images).shape == images.shape
    assert autoencoder.score(images) < 0
    with pytest.raises(ValueError, match=r"of shape \(6, 5, 1\), as Autoencoder was fitted on"):
        autoencoder.transform(images[:, :5])


@pytest.mark.slow
def test_a_stream_of_flat_images(images):
    flat = images.reshape(10, -1)
    autoencoder = small().fit(Batches(flat))
    assert autoencoder.image_shape_ == (30,)
    assert autoencoder.transform(flat).shape == (10, 2)


def test_what_is_a_stream(images):
    assert streams.is_stream(Batches(images))
    assert not streams.is_stream(images.tolist())
    assert not streams.is_stream(None)


@pytest.mark.slow
def test_a_folder_of_validation_images_is_read_in_batches_of_the_estimator_s_size(folder, images, monkeypatch):
    """And is opened once."""
    opened, real = [], streams.open_stream

    def noting(source, batch_size, *arguments, **options):
        if not isinstance(source, streams.Stream):
            opened.append((type(source).__name__, batch_size))
        return real(source, batch_size, *arguments, **options)

    monkeypatch.setattr(streams, "open_stream", noting)
    small(batch_size=3).fit(images, validation_data=folder[0])
    assert opened == [("ndarray", 3), (type(folder[0]).__name__, 3)]


# ----------------------------------------------------------------------------- looking ahead


def test_peek_shows_all_of_an_array_and_the_first_batch_of_a_data_set(images):
    assert streams.open_stream(images, 4, seed=0).peek() is images
    np.testing.assert_array_equal(streams.open_stream(Batches(images), 4, seed=0).peek(), images[:4])


def test_peek_consumes_nothing(images, tf):
    """Not of an endless data set either, which has no beginning to return to."""
    endless = tf.data.Dataset.from_tensor_slices(images[:8]).batch(4).repeat()
    stream = streams.open_stream(endless, 4, seed=0, steps_per_epoch=2)
    first = [np.asarray(stream.peek()) for _ in range(2)]
    np.testing.assert_array_equal(first[0], first[1])
    seen = [np.asarray(batch) for batch in (*stream.epoch(0), *stream.epoch(1))]
    np.testing.assert_array_equal(np.concatenate(seen), np.concatenate([images[:8], images[:8]]))


def test_peek_checks_what_it_shows(images, tf):
    dataset = tf.data.Dataset.from_tensor_slices((images * 255).astype(np.uint8)).batch(4)
    with pytest.raises(ValueError, match=r"floating-point pixels.*first batch, got .*uint8"):
        streams.open_stream(dataset, 4, seed=0).peek()


@pytest.mark.slow
def test_a_data_set_of_a_variational_model_loses_no_batch(images, tf):
    """It looks at the images to choose its likelihood."""
    whole = np.concatenate([images[:8][order] for order in orders(8)])
    dataset = tf.data.Dataset.from_tensor_slices(whole).repeat().batch(4)
    options = {"hidden_units": (3,), "epochs": 2, "random_state": 0, "batch_size": 4}
    streamed = ae.VariationalAutoencoder(2, **options).fit(dataset, steps_per_epoch=2)
    array = ae.VariationalAutoencoder(2, **options).fit(images[:8])
    np.testing.assert_allclose(streamed.transform(images), array.transform(images), rtol=1e-4, atol=1e-5)


def test_the_old_name_of_steps_per_epoch_warns_and_works(images):
    with pytest.warns(FutureWarning, match="steps_per_epoch"):
        assert streams.open_stream(images, 4, seed=0).steps == 3
