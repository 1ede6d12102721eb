"""Make ``.venv`` and install the project into it, once; say what is reused.

The only program here that runs outside the environment: it uses nothing but the standard
library, and is written so that an old Python reads it and gets a clear message. An
installation that was interrupted is started again; one that is complete and matches
``pyproject.toml`` and the constraints is left alone.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST, NEWEST = (3, 11), (3, 13)


def main():
    """Bring the environment up to date, or exit with one line that says what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--constraints", default="constraints.txt", help="pip constraints file; empty for none")
    arguments = parser.parse_args()
    check_python()
    wanted = recipe(arguments.constraints)
    folder = os.path.join(ROOT, ".venv")
    record = os.path.join(folder, "installed.json")
    found = read(record)
    if found == wanted:
        print("environment: reusing .venv, {} (nothing installed)".format(wanted["python"]))
        return
    start = time.time()
    if found is None or any(found[key] != wanted[key] for key in ("python", "root")):
        if os.path.exists(folder):
            print("environment: .venv is unfinished or of another Python or folder; making it again", flush=True)
            shutil.rmtree(folder)
        print("environment: making .venv with {}".format(wanted["python"]), flush=True)
        run([sys.executable, "-m", "venv", folder], "making .venv (on Debian and Ubuntu: install python3-venv)")
    elif os.path.exists(record):
        os.remove(record)  # until the installation below is complete
    python = os.path.join(folder, "bin", "python")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if arguments.constraints:
        command += ["--constraint", arguments.constraints]
    print("environment: installing {} (some minutes the first time)".format(wanted["extras"]), flush=True)
    run([*command, "--editable", wanted["extras"]], "installing the project")
    write(record, wanted)
    print(f"environment: ready after {time.time() - start:.0f} s", flush=True)


def check_python():
    """Exit unless this Python is one that the project's dependencies exist for."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            "environment: expected Python {}.{} to {}.{}, got {} ({}). "
            "Name another one: make book PYTHON=/path/to/python3.12".format(
                *OLDEST + NEWEST + (platform.python_version(), sys.executable)
            )
        )


def recipe(constraints):
    """Return what an installation depends on; an equal one need not be repeated."""
    small = sys.platform == "linux" and platform.machine() == "x86_64"
    digest = hashlib.sha256()
    for name in ["pyproject.toml"] + ([constraints] if constraints else []):
        path = os.path.join(ROOT, name)
        if not os.path.isfile(path):
            sys.exit(f"environment: expected a file {path}, found none")
        with open(path, "rb") as stream:
            digest.update(stream.read())
    return {
        "root": ROOT,
        "python": f"Python {platform.python_version()}",
        # The build without GPU code is half the size, where it exists.
        "extras": ".[{},book,print,test]".format("tensorflow-cpu" if small else "tensorflow"),
        "files": digest.hexdigest(),
    }


def run(command, doing):
    """Run a command in the project's folder, or exit with its status."""
    status = subprocess.call(command, cwd=ROOT)
    if status:
        sys.exit(f"environment: {doing} failed with status {status}; see the lines above")


def read(path):
    """Return the record of a finished installation, or None."""
    try:
        with open(path) as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def write(path, content):
    """Write the record under a temporary name first."""
    with open(path + ".part", "w") as stream:
        json.dump(content, stream)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
