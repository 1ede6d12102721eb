"""The gate itself: a planted fault turns the build red, and again the second time.

Each test works on a copy of the source tree. The copy takes over what was executed
already, so that only the chapter with the fault is executed again. Where the fault is one
of rendering, the copy's book is one page and one small notebook, which render in seconds.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import check
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTED = ROOT / "_build" / "executed" / "quick"
EXPLORE = ROOT / "_build" / "explore" / "quick"
CHAPTER = "write_your_own"  # the chapter that takes the fewest seconds

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not list(EXECUTED.glob("*.ipynb")), reason="nothing executed yet: run `make book` first"),
]


def copy_tree(target):
    """Copy the source tree with the chapters' results, but without a site."""
    outside = shutil.ignore_patterns(".git", ".venv", "_build", "dist", "tests", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, target, ignore=outside)
    for folder in (EXECUTED, EXPLORE):
        shutil.copytree(folder, target / folder.relative_to(ROOT))
    return target


@pytest.fixture
def copy(tmp_path):
    """A copy of the source tree with the chapters' results, but without a site."""
    return copy_tree(tmp_path / "copy")


@pytest.fixture(scope="module")
def built_small(tmp_path_factory):
    """A copy with a table of contents of one page and one notebook, of which a build is green; built once."""
    copy = copy_tree(tmp_path_factory.mktemp("small") / "copy")
    (copy / "book" / "page.md").write_text("# A page\n\nText.\n")

    def shorten(notebook):
        parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
        begin = nbformat.v4.new_code_cell("import ae_toolkit as ae\n\nrun = ae.Chapter(PROFILE)")
        notebook.cells = [nbformat.v4.new_markdown_cell("# A notebook"), parameters, begin, notebook.cells[-1]]

    shutil.copy(copy / "notebooks" / f"{CHAPTER}.ipynb", copy / "notebooks" / "small.ipynb")
    change_notebook(copy / "notebooks" / "small.ipynb", shorten)
    (copy / "_toc.yml").write_text(
        "format: jb-book\nroot: book/page\nparts:\n  - caption: All\n    chapters:\n      - file: notebooks/small\n"
    )
    done = build(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.fixture
def small(built_small, tmp_path):
    """A copy of the small book that is this test's own."""
    return shutil.copytree(built_small, tmp_path / "copy")


def outside_pytest():
    """Return the environment without what the tests have set for themselves."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "MPLBACKEND"))}


def call(copy, *command, **variables):
    return subprocess.run(
        [sys.executable, *command], cwd=copy, capture_output=True, text=True,
        env=outside_pytest() | {"PYTHONPATH": f"{copy}{os.pathsep}{copy / 'book'}"} | variables,
    )  # fmt: skip


def build(copy, *arguments):
    return call(copy, "book/build.py", *arguments)


def change_notebook(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def red(copy, *said):
    """Assert that the build fails with these words and leaves nothing half-made."""
    done = build(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    for words in said:
        assert words in done.stderr
    assert not list((copy / "_build").rglob("*.part*"))


def red_twice(copy, *said):
    for _ in range(2):
        red(copy, *said)
        assert not (copy / "_build" / "html").exists()


def test_a_cell_that_raises(copy):
    def plant(notebook):
        notebook.cells.insert(1, nbformat.v4.new_code_cell("1 / 0"))

    change_notebook(copy / "notebooks" / f"{CHAPTER}.ipynb", plant)
    red_twice(copy, f"{CHAPTER}.ipynb, cell ", "ZeroDivisionError: division by zero", "1 / 0")


def test_a_wrong_verdict(copy):
    source = "\n".join(
        (
            "import numpy as np",
            "from ae_toolkit.book import Prediction, settle",
            'seen = Prediction("the error falls", np.array([2.0, 2.2]), "<", 1.0, "it began there")',
            'settle("C02", "confirmed", seen, because="It is said to.")',
        )
    )

    def plant(notebook):
        notebook.cells.insert(1, nbformat.v4.new_code_cell(source))

    change_notebook(copy / "notebooks" / f"{CHAPTER}.ipynb", plant)
    red_twice(copy, f"{CHAPTER}.ipynb, cell ", "ClaimError", "2.1 ± 0.14 ≥ 1")


def test_a_verdict_of_the_book_turned_round(copy):
    def plant(notebook):
        cell = next(cell for cell in notebook.cells if 'run.settle("C01"' in cell.source.replace("\n    ", ""))
        assert '"confirmed"' in cell.source
        cell.source = cell.source.replace('"confirmed"', '"refuted"')

    change_notebook(copy / "notebooks" / "01_background.ipynb", plant)
    # Once: that a chapter's error stays one in the next build is tested above, on a chapter that is shorter.
    red(copy, "01_background.ipynb, cell ", "ClaimError: C01 says 'refuted'")
    assert not (copy / "_build" / "html").exists()


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("See {ref}`a-place-that-is-not-there`.", "a-place-that-is-not-there"),
        ("It is {glue:text}`a_number_nobody_computed`.", "a_number_nobody_computed"),
    ],
    ids=["a broken cross-reference", "a missing glued number"],
)
def test_a_fault_of_a_page(small, planted, said):
    before = (small / "_build" / "html" / "book" / "page.html").read_text()
    with open(small / "book" / "page.md", "a") as page:
        page.write(f"\n{planted}\n")
    for _ in range(2):
        red(small, said)
        # The earlier site stays as it was until a whole new one takes its place.
        assert (small / "_build" / "html" / "book" / "page.html").read_text() == before


def test_a_changed_number_and_a_warning_that_no_longer_comes(copy):
    # Of a copy of an executed notebook, all outputs of one cell; nbval executes it anew and compares.
    # What only the error stream says is not compared.
    path = copy / "_build" / "executed" / "quick" / f"{CHAPTER}.ipynb"

    def plant(notebook):
        silent = next(cell for cell in notebook.cells if cell.cell_type == "code" and not cell.outputs)
        silent.outputs = [nbformat.v4.new_output("stream", name="stderr", text="UserWarning: nearly")]
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if output.get("metadata", {}).get("scrapbook"):
                    output["data"] = {kind: f"9{text}" for kind, text in output["data"].items()}
                    return
        raise AssertionError("the chapter glues no number")

    change_notebook(path, plant)
    done = call(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *check.REPLAY, str(path))
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_changed_package_code_executes_again_and_an_unchanged_tree_does_not(copy):
    done = build(copy, "--execute-only")
    assert done.returncode == 0, done.stderr
    assert "0 executed" in done.stdout
    keys = json.loads((copy / "_build" / "executed" / "quick" / f"{CHAPTER}.ipynb").read_text())["metadata"][
        "ae_toolkit"
    ]
    with open(copy / "ae_toolkit" / "metrics" / "clustering.py", "a") as module:
        module.write("\n\n# changed\n")
    probe = call(
        copy, "-c",
        "import sys; sys.path.insert(0, 'book'); import build; "
        f"print(build._key(build.ROOT / 'notebooks' / '{CHAPTER}.ipynb', 'quick'))",
    )  # fmt: skip
    assert probe.stdout.strip() not in ("", keys["key"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "fast"], "expected PROFILE to be one of ['full', 'quick'], got 'fast'"),
        (["--profile", "full", "--data-dir", "nowhere"], "to be an existing folder"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(copy, arguments, said):
    before = sorted((copy / "_build").rglob("*"))
    done = build(copy, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""
    assert sorted((copy / "_build").rglob("*")) == before


def test_a_kernel_that_dies_is_named(copy):
    def plant(notebook):
        notebook.cells.insert(1, nbformat.v4.new_code_cell("import os\nos._exit(3)"))

    change_notebook(copy / "notebooks" / f"{CHAPTER}.ipynb", plant)
    red_twice(copy, f"{CHAPTER}.ipynb: DeadKernelError")


def test_launch_buttons_appear_only_where_the_repository_is_known(small):
    def launches(**variables):
        done = call(small, "book/build.py", BOOK_REPOSITORY_BRANCH="v1.2.3", **variables)
        assert done.returncode == 0, done.stderr
        page = (small / "_build" / "html" / "notebooks" / "small.html").read_text()
        return set(re.findall(r'href="https://(mybinder\.org|colab\.research\.google\.com)/([^"]*)"', page))

    assert launches(BOOK_REPOSITORY_URL="") == set()
    here = {"BOOK_REPOSITORY_URL": "https://github.com/someone/book"}
    binder = ("mybinder.org", "v2/gh/someone/book/v1.2.3?urlpath=lab/tree/notebooks/small.ipynb")
    assert launches(**here) == {binder}
    assert launches(**here, BOOK_LAUNCH_BRANCH="launch") == {
        binder,
        ("colab.research.google.com", "github/someone/book/blob/launch/notebooks/small.ipynb"),
    }


def test_a_plain_jupyter_book_build_executes_and_renders_too(copy):
    toc = "format: jb-book\nroot: book/ledger\nchapters:\n"
    toc += f"  - file: notebooks/{CHAPTER}\n  - file: book/bibliography\n"
    (copy / "_toc.yml").write_text(toc)
    shutil.rmtree(copy / "_build")
    program = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run(
        [program, "build", "."], cwd=copy, env=outside_pytest(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    chapter = (copy / "_build" / "html" / "notebooks" / f"{CHAPTER}.html").read_text()
    assert "Produced with profile quick" in chapter
    assert "<img" in chapter
    assert (
        "executed chapters: produced with profile quick"
        in (copy / "_build" / "html" / "book" / "ledger.html").read_text()
    )
