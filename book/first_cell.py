# @title Install the book's toolkit (run this first)
"""Install ae_toolkit where it is missing, from the very file that this notebook was made with.

Its SHA-256 is compared before anything is installed. Where this version is there already, nothing happens.
"""

import sys

VERSION = ""
WHEEL = ""
SHA256 = ""
OLDEST_PYTHON = (3, 11)


class NotInstalledError(Exception):
    """Why the toolkit is not there; Jupyter shows the sentence, without a traceback."""

    def _render_traceback_(self, *context):
        return [str(self)]


def installed():
    """Return the toolkit's version here, or None."""
    from importlib import metadata

    try:
        return metadata.version("ae-toolkit")
    except metadata.PackageNotFoundError:
        return None


def download():
    """Return the content of the wheel, which is the one that was meant."""
    import hashlib
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(WHEEL, timeout=60) as answer:
            content = answer.read()
    except (OSError, HTTPException, ValueError) as error:
        raise NotInstalledError(f"Nothing was installed: the address {WHEEL} does not answer ({error}).") from None
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        message = "Nothing was installed: expected a file with the SHA-256 {} at {}, got one with {}."
        raise NotInstalledError(message.format(SHA256, WHEEL, found))
    return content


def install(content):
    """Give the wheel to pip, which installs all of it and of what it needs, or nothing."""
    import importlib.util
    import os
    import subprocess
    import tempfile

    extras = "clustering,data" if importlib.util.find_spec("tensorflow") else "clustering,data,tensorflow"
    with tempfile.TemporaryDirectory() as folder:
        wheel = os.path.join(folder, WHEEL.rsplit("/", 1)[-1])
        with open(wheel, "wb") as file:
            file.write(content)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*command, f"{wheel}[{extras}]"], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()] or ["it did not say why"]
        errors = [line for line in said if line.startswith("ERROR: ")] or said
        reason = errors[-1].replace("ERROR: ", "", 1)
        raise NotInstalledError(f"Nothing was installed: pip could not install what the toolkit needs ({reason}).")
    importlib.invalidate_caches()
    if "ae_toolkit" in sys.modules:
        raise NotInstalledError(f"Version {VERSION} of the toolkit is installed now: restart the kernel to use it.")


def provide():
    """Install the toolkit unless it is there."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        message = "Nothing was installed: the toolkit needs Python {}.{} or newer, and this is Python {}.{}."
        raise NotInstalledError(message.format(*OLDEST_PYTHON + sys.version_info[:2]))
    if installed() == VERSION:
        return
    if not WHEEL:
        message = (
            "Nothing was installed: this notebook names no address of the toolkit, so get a checkout of the book "
            'and run there: "{}" -m pip install ".[tensorflow,clustering,data]" (version {} is needed).'
        )
        raise NotInstalledError(message.format(sys.executable, VERSION))
    install(download())


provide()
