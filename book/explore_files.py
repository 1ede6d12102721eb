"""What the moving pictures' programs share: numbers in 8 bits, text for a script, and files written whole.

A moving picture's data is a script and not plain JSON, since a browser that reads the book from a
file may load scripts and nothing else.
"""

import base64
import io
import json
import os

import numpy as np


def rounded(values):
    """Return whole numbers from -127 to 127, and the factor that makes about the values of them again."""
    scale = float(np.abs(values).max()) / 127 or 1.0
    return np.round(values / scale).astype(np.int8), scale


def encoded(array):
    """Return an array's bytes as text."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def as_bytes(images):
    """Return pixels from 0 to 1 as text of one byte each."""
    return encoded(np.round(255 * images).astype(np.uint8))


def dense(kernel, scale, bias, activation):
    """Return what the browser needs of a dense layer whose kernel has been rounded."""
    return {
        "inputs": kernel.shape[0], "outputs": kernel.shape[1], "scale": scale, "kernel": encoded(kernel),
        "bias": encoded(np.asarray(bias, dtype=np.float32)), "activation": activation,
    }  # fmt: skip


def write_script(path, variable, record):
    """Write a script that sets a global variable to a record; return the file's size in bytes."""
    write(path, f"window.{variable} = {json.dumps(record, separators=(',', ':'))};\n".encode())
    return path.stat().st_size


def write(path, content):
    """Write a file whole: to a temporary name, which is then renamed."""
    temporary = path.with_suffix(".part")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def drawing(figure):
    """Return a figure as SVG, the same bytes for the same figure."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return buffer.getvalue()
