"""Image files, and reading ahead."""

import threading

import numpy as np
import pytest
from PIL import Image

from ae_toolkit.data._reading import find_images, read_ahead, read_image


def test_images_are_found_at_any_depth_and_nothing_else_is(tmp_path):
    (tmp_path / "deeper" / "still.png").mkdir(parents=True)  # a folder of that name is no image
    for name in ("b.PNG", "a.jpg", "notes.txt", "deeper/c.webp"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images(tmp_path)] == ["a.jpg", "b.PNG", "c.webp"]


def test_a_folder_without_images_or_none_at_all(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected image files .*found none"):
        find_images(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        find_images(tmp_path / "missing")


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [1.0]),
        ("L", 51, [0.2]),
        ("LA", (51, 7), [0.2]),
        ("I;16", 13107, [0.2]),
        ("RGB", (255, 51, 0), [1.0, 0.2, 0.0]),
        ("RGBA", (255, 51, 0, 9), [1.0, 0.2, 0.0]),
    ],
)
def test_pixels_of_every_kind_are_scaled_to_1(tmp_path, mode, colour, expected):
    Image.new(mode, (3, 2), colour).save(tmp_path / "picture.png")
    array = read_image(tmp_path / "picture.png")
    assert array.shape == (2, 3, len(expected))
    assert array.dtype == np.float32
    np.testing.assert_allclose(array[1, 2], expected, atol=1e-6)


def test_what_is_no_picture_is_an_error(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(OSError, match=r"text\.png"):
        read_image(tmp_path / "text.png")


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_reading_ahead_keeps_the_order_and_its_bounds(workers):
    asked, yielded = [], []

    def function(index):
        asked.append(index)
        return index

    for value in read_ahead(function, 20, workers):
        yielded.append(value)
        assert len(asked) - len(yielded) <= max(1, workers) + 1
    assert yielded == list(range(20))
    assert sorted(asked) == yielded


def test_reading_ahead_uses_as_many_threads_as_are_asked_for():
    both = threading.Barrier(2, timeout=20)  # passes only if two are in it at once

    def function(index):
        both.wait()
        return index

    assert list(read_ahead(function, 4, 2)) == [0, 1, 2, 3]
