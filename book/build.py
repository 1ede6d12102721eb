"""The build program: execute every notebook, then render the site from the results.

    python book/build.py [--profile quick|full] [--data-dir FOLDER]

papermill executes the notebooks named in ``_toc.yml`` into ``_build/executed``; nothing
executed is written into the source tree. A result is reused only if the notebook, the
package, the profile and the versions are those that made it. ``book/explore.py`` trains what
the moving pictures show. Jupyter Book then renders a copy of the source tree that holds the executed notebooks; every
warning is an error.
A new site replaces the old one when it is complete, and never before.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
#: What `make print` writes: the names of a PDF and of an ePub without their endings.
PRINTED = "autoencoders-tested"
#: In these, the libraries look up how many threads they may start.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
#: How often a kernel may try to start, and what Jupyter says of one that could not.
KERNEL_STARTS = 3
KERNEL_DID_NOT_START = "Kernel died before replying to kernel_info"
sys.path.insert(0, str(ROOT))

from ae_toolkit.book.chapter import PROFILES, versions  # noqa: E402 (found only once the path is set)
from ae_toolkit.data import datasets  # noqa: E402 (as above)


class BuildError(Exception):
    """The book cannot be built; the message says why in words for the author."""


def main(argv=None):
    """Build the book and print where it is; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="quick", help="quick (5,000 images of MNIST) or full (all of MNIST)")
    parser.add_argument("--data-dir", default="", help="folder that holds mnist.npz")
    parser.add_argument("--execute-only", action="store_true", help="do not render the site")
    arguments = parser.parse_args(argv)
    start = time.perf_counter()
    try:
        prepare(arguments.profile, arguments.data_dir)
        execute_all(arguments.profile)
        if not arguments.execute_only:
            make_explorables(arguments.profile)
            page = render(arguments.profile)
            print(f"book: {time.perf_counter() - start:.0f} s in total. Open {page}")
    except (BuildError, OSError) as error:  # OSError: a full disk, a folder without permission
        print(f"book: FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("book: interrupted; what is complete is kept, the rest is made again next time", file=sys.stderr)
        return 130
    return 0


def prepare(profile, data_dir):
    """Check the profile and its data before any time is spent, and set the kernels' environment."""
    if profile not in PROFILES:
        raise BuildError(f"expected PROFILE to be one of {sorted(PROFILES)}, got {profile!r}")
    if data_dir:
        os.environ[datasets.DATA_VARIABLE] = str(Path(data_dir).expanduser().resolve())
    try:
        datasets.load(PROFILES[profile])
    except (datasets.DataError, OSError) as error:
        raise BuildError(str(error)) from error
    set_kernel_environment(workers(profile))


def workers(profile):
    """Return how many notebooks are executed at a time."""
    # Two for the quick profile. The full one reports training times: one at a time.
    return 1 if profile == "full" else min(2, os.cpu_count() or 1)


def set_kernel_environment(at_a_time):
    """Make this project's package, kernel and inline figures what each of so many kernels at a time gets."""
    # Kernels that each start a thread per core spend most of their time waiting for one another.
    for name in THREADS:
        os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // at_a_time)))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "book")])
    os.environ.pop("MPLBACKEND", None)  # a reader's own setting would take the figures out of the pages
    # A kernel of the same name in the reader's home would otherwise come before the environment's own.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own log would become part of a page


def pages():
    """Return the names of the pages in the table of contents, without those below another page."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [entry["file"] for part in toc["parts"] for entry in part["chapters"]]


def chapters():
    """Return the notebooks' paths in the order of the table of contents."""
    paths = [ROOT / f"{name}.ipynb" for name in pages() if name.startswith("notebooks/")]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise BuildError(f"_toc.yml names notebooks that do not exist: {', '.join(missing)}")
    return paths


def executed(profile):
    """Return the folder of a profile's executed notebooks."""
    return ROOT / "_build" / "executed" / profile


def execute_all(profile):
    """Execute every notebook that has no valid result yet, a line of progress for each."""
    folder, start = executed(profile), time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    for part in folder.glob("*.part.ipynb"):  # left by a run that was killed
        part.unlink()
    keys = {path: _key(path, profile) for path in chapters()}
    todo = []
    for path, key in keys.items():
        done = _made_by(folder / path.name)
        if done.get("key") == key:
            print(f"book: {path.stem:<16} reused, executed in {done['seconds']:.0f} s", flush=True)
        else:
            todo.append(path)
    log = folder / "kernels.log"
    log.write_text("")
    with ProcessPoolExecutor(workers(profile), initializer=_send_stderr_to, initargs=(log,)) as pool:
        runs = {path: pool.submit(_execute, path, folder / path.name, profile, keys[path]) for path in todo}
        failures = []
        for path, run in runs.items():
            seconds, failure = run.result()
            print(f"book: {path.stem:<16} {'FAILED after' if failure else 'executed in'} {seconds:.0f} s", flush=True)
            failures += [failure] if failure else []
    if failures:
        raise BuildError("\n".join(failures))
    print(f"book: {len(keys)} notebooks, {len(todo)} executed, in {time.perf_counter() - start:.0f} s", flush=True)


def _send_stderr_to(log):
    """Keep what kernels say outside their notebooks, mostly a backend's greetings, off the screen."""
    with open(log, "a") as stream:
        os.dup2(stream.fileno(), sys.stderr.fileno())


def _execute(path, target, profile, key):
    """Execute one notebook; return its seconds and, if it failed, what failed where."""
    from papermill.exceptions import PapermillExecutionError

    start = time.perf_counter()
    part = target.with_suffix(".part.ipynb")
    try:
        start_again(_run_in_a_kernel, path, part, profile)
    except PapermillExecutionError as error:
        part.unlink(missing_ok=True)
        return time.perf_counter() - start, _explain(path, error)
    except Exception as error:  # a kernel that dies or cannot start, a notebook that is no notebook
        part.unlink(missing_ok=True)
        return time.perf_counter() - start, f"{path.name}: {type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    notebook = nbformat.read(part, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)  # times of day and paths, of no use to a reader
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("remove-cell")
    notebook.metadata.pop("papermill", None)
    notebook.metadata["ae_toolkit"] = {"key": key, "seconds": seconds, "profile": profile}
    nbformat.write(notebook, part)
    os.replace(part, target)
    return seconds, None


def _run_in_a_kernel(path, part, profile):
    """Execute a notebook with papermill."""
    import papermill

    papermill.execute_notebook(
        os.path.relpath(path), str(part), {"PROFILE": profile}, cwd=str(path.parent), kernel_name="python3",
        progress_bar=False, log_output=False, stderr_file=None,
    )  # fmt: skip


def start_again(start, *arguments, **options):
    """Call what starts a kernel, and call it again, a few times at most, where the kernel could not start.

    Jupyter looks for free ports and the kernel opens them a second later; a kernel that starts
    at the same time can have taken one by then (once in some sixty pairs).
    """
    for attempt in range(1, KERNEL_STARTS + 1):
        try:
            return start(*arguments, **options)
        except RuntimeError as error:
            if str(error) != KERNEL_DID_NOT_START or attempt == KERNEL_STARTS:
                raise


def _explain(path, error):
    source = "\n".join(f"    {line}" for line in str(error.source).splitlines()[:12])
    cells = nbformat.read(path, as_version=4).cells
    names = [cell.id for cell in cells if cell.source == error.source]  # such as solution-3
    return (
        f"{path.name}, cell {error.cell_index + 1} ({', '.join(names)}): {error.ename}: {error.evalue}\n{source}\n"
        "  (cells are counted from 1, text and hidden cells included)"
    )


def _made_by(path):
    try:
        return nbformat.read(path, as_version=4).metadata.get("ae_toolkit", {})
    except (OSError, ValueError):
        return {}


def _key(path, profile):
    """Return a digest of all that decides a notebook's outputs."""
    tables = [ROOT / "book" / name for name in ("benchmark.txt", "clustering.txt")]  # which chapters read
    return _digest([path, ROOT / "ae_toolkit", *tables], profile)


def _digest(paths, *words):
    """Return a digest of files, of all files in folders, of some words, and of the versions in use."""
    digest = hashlib.sha256(json.dumps([words, versions()], sort_keys=True).encode())
    for path in paths:
        files = (
            [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix not in ("", ".pyc"))
        )
        for file in files:
            digest.update(os.path.relpath(file, path).encode() + file.read_bytes())
    return digest.hexdigest()


def make_explorables(profile):
    """Train what the moving pictures show, in a process of its own, unless the same files have made it already."""
    if "book/explore" not in pages():
        return
    folder = explorables(profile)
    made_by = folder / "made_by.key"
    key = _digest([*sorted((ROOT / "book").glob("explore*.py")), ROOT / "ae_toolkit"], profile)
    if made_by.is_file() and made_by.read_text() == key:
        return
    made_by.unlink(missing_ok=True)
    command = [sys.executable, str(ROOT / "book" / "explore.py"), "--profile", profile, "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"book/explore.py ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    print(done.stdout.strip(), flush=True)
    made_by.write_text(key)


def explorables(profile):
    """Return the folder of a profile's moving pictures."""
    return ROOT / "_build" / "explore" / profile


def render(profile):
    """Render the site from the executed notebooks and return its first page."""
    build = ROOT / "_build"
    stage, work, site = build / "source", build / "rendering", build / "html"
    for folder in (stage, work):
        shutil.rmtree(folder, ignore_errors=True)
    stage_sources(stage, profile)
    made_by, key = build / "html.key", _digest([stage, ROOT / "ae_toolkit"])
    if (site / "index.html").is_file() and made_by.is_file() and made_by.read_text() == key:
        print("book: the site is that of these very files, not rendered again", flush=True)
        return site / "index.html"
    made_by.unlink(missing_ok=True)
    log = build / "sphinx.log"
    start = time.perf_counter()
    # From an empty folder each time: Sphinx repeats no warning of a page that it does not read again.
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(stage), "--path-output", str(work), "-W", "--keep-going"]
    with open(log, "w", encoding="utf-8") as stream:
        status = subprocess.call(
            command, stdout=stream, stderr=subprocess.STDOUT, cwd=stage, env={**os.environ, "NO_COLOR": "1"}
        )
    if status or not (work / "_build" / "html" / "index.html").is_file():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in lines if any(word in line for word in ("WARNING", "ERROR", "Error", "error:"))]
        raise BuildError(
            f"Jupyter Book ended with status {status}; the whole log is {log}\n" + "\n".join(said[-20:] or lines[-20:])
        )
    old = build / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        os.replace(site, old)
    os.replace(work / "_build" / "html", site)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    made_by.write_text(key)
    print(f"book: rendered in {time.perf_counter() - start:.0f} s", flush=True)
    return site / "index.html"


def stage_sources(stage, profile):
    """Copy what Jupyter Book reads, with the executed notebooks in the place of the empty ones."""
    shutil.copytree(ROOT / "book", stage / "book", ignore=shutil.ignore_patterns("__pycache__"))
    for path in explorables(profile).glob("*.*"):
        if path.suffix != ".key":
            shutil.copy2(path, stage / "book" / "_static" / "explore")
    shutil.copy2(ROOT / "_toc.yml", stage)
    (stage / "notebooks").mkdir()
    for path in chapters():
        notebook = nbformat.read(executed(profile) / path.name, as_version=4)
        notebook.metadata.pop("ae_toolkit")
        _keep_one_parameters_cell(notebook, profile)
        nbformat.write(notebook, stage / "notebooks" / path.name)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    _add_launch_buttons(config)
    _say_where_printed(config)
    # Where the site will stand, which a page says to those who link to it.
    config["sphinx"]["config"]["html_baseurl"] = os.environ.get("BOOK_SITE_URL", "")
    (stage / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _keep_one_parameters_cell(notebook, profile):
    """Drop the cell that papermill added: a reader who downloads the page edits the one above it."""
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('PROFILE = "quick"', f'PROFILE = "{profile}"')


def _add_launch_buttons(config):
    """Link to Binder, and to Colab if there are launch notebooks, where the publisher has said what is where."""
    address = os.environ.get("BOOK_REPOSITORY_URL", "").rstrip("/")
    if not address:
        return
    # Binder installs the book from its source, at a branch or a tag. Colab opens a notebook and nothing else, so
    # that it needs those that `make launch` writes, which are on a branch of their own.
    launch, colab = os.environ.get("BOOK_LAUNCH_BRANCH", ""), {}
    if launch:
        colab = {"colab_url": "https://colab.research.google.com"}
        config["sphinx"]["config"]["extensions"].append("ae_launch")
        config["sphinx"]["config"]["ae_launch_branch"] = launch
    # Said to the theme directly: the book's own theme options replace those that Jupyter Book would derive.
    config["sphinx"]["config"]["html_theme_options"] |= {
        "repository_url": address,
        "repository_branch": os.environ.get("BOOK_REPOSITORY_BRANCH", "main"),
        "use_repository_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",
            **colab,
        },
    }


def _say_where_printed(config):
    """Link to the PDF and the ePub where the publisher has said at which address they will stand; no link without."""
    address = os.environ.get("BOOK_PRINT_URL", "").rstrip("/")
    if address:
        config["parse"]["myst_substitutions"]["printed"] = (
            f"The same pages, printed: [one PDF]({address}/{PRINTED}.pdf) and [one ePub]({address}/{PRINTED}.epub)."
        )


if __name__ == "__main__":
    sys.exit(main())
