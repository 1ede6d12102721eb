"""The first page's moving picture: a decoder's code walks around the plane, a frame for each step."""

import io

import explore_files
import numpy as np
from scipy.special import ndtri

STRIP, CARD = "hero.png", "card.png"
N_FRAMES = 144  # as many steps as the animation in ae.css has
#: The walk's centre and half axes, as fractions of the plane's probability, and how often it winds meanwhile.
CENTRE, AXES, WINDS = (0.5, 0.5), (0.36, 0.36), (2, 3)
#: Width and height of the picture that stands beside a link to the book, as its readers expect it.
CARD_SIZE = (1200, 630)


def make(model, folder):
    """Draw the frames of a walk side by side, and a picture of the plane; return what there is to say of them."""
    frames = decoded(model, walk(N_FRAMES))
    explore_files.write(folder / STRIP, png(np.concatenate(frames, axis=1)))
    explore_files.write(folder / CARD, png(card(model, frames.shape[1])))
    size = (folder / STRIP).stat().st_size
    return f"{STRIP}, {len(frames)} frames, {size / 1000:.0f} kB"


def walk(n):
    """Return n codes on a closed curve, which crosses the plane of a code with a normal distribution."""
    turn = 2 * np.pi * np.arange(n) / n
    place = [centre + half * np.sin(winds * turn) for centre, half, winds in zip(CENTRE, AXES, WINDS, strict=True)]
    return ndtri(np.stack(place, axis=1))


def decoded(model, codes):
    """Return the grey values of what is decoded, from 0 to 255."""
    return np.round(255 * np.clip(model.inverse_transform(codes.astype(np.float32))[..., 0], 0, 1)).astype(np.uint8)


def card(model, height):
    """Return a picture of the plane: as many images side by side as fill it, at twice their size."""
    columns, rows = (length // (2 * height) for length in CARD_SIZE)
    y, x = np.meshgrid(np.linspace(0.95, 0.05, rows), np.linspace(0.03, 0.97, columns), indexing="ij")
    images = decoded(model, ndtri(np.stack([x.ravel(), y.ravel()], axis=1)))
    grid = images.reshape(rows, columns, height, height).transpose(0, 2, 1, 3).reshape(rows * height, columns * height)
    picture = np.zeros((CARD_SIZE[1], CARD_SIZE[0]), np.uint8)
    large = grid.repeat(2, axis=0).repeat(2, axis=1)
    top, left = ((whole - part) // 2 for whole, part in zip(picture.shape, large.shape, strict=True))
    picture[top : top + large.shape[0], left : left + large.shape[1]] = large
    return picture


def png(pixels):
    """Return grey values as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
