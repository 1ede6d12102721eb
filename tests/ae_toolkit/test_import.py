"""The package's front door: what importing it costs, offers, and says when Keras has no backend."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ae_toolkit

BACKENDS = {"tensorflow", "jax", "torch"}
HEAVY = ("keras", "tensorflow", "jax", "torch", "sklearn", "skimage", "scipy", "matplotlib", "numpy", "IPython")


def run(code, **variables):
    """Run `code` in a fresh interpreter that finds the same package, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name not in ("EAGER_IMPORT", "KERAS_BACKEND")}
    environment |= {"PYTHONPATH": str(Path(ae_toolkit.__file__).parents[1]), **variables}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_backend(tmp_path, code, **variables):
    """Run `code` where no Keras backend can be imported."""
    blocker = (
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('tensorflow', 'jax', 'torch'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
    )
    return run(blocker + code, KERAS_HOME=str(tmp_path), **variables)


def test_import_loads_no_heavy_library():
    code = f"import sys, ae_toolkit; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code).strip() == "[]"


def test_import_takes_less_than_a_fifth_of_a_second():
    code = (
        "import time, lazy_loader; start = time.perf_counter(); import ae_toolkit; print(time.perf_counter() - start)"
    )
    assert min(float(run(code)) for _ in range(5)) < 0.2


@pytest.mark.slow
def test_datasets_claims_and_metrics_load_no_keras():
    code = (
        "import sys, ae_toolkit as ae; ae.datasets.load('digits'); ae.book.claims.article(); ae.metrics.knn_probe; "
        "print('keras' in sys.modules)"
    )
    assert run(code).strip() == "False"


@pytest.mark.slow
def test_only_structural_similarity_loads_scikit_image():
    code = (
        "import sys, numpy as np, ae_toolkit as ae; images = np.zeros((1, 8, 8)); ae.metrics.psnr(images, images + 1); "
        "before = 'skimage' in sys.modules; ae.metrics.ssim(images, images); print(before, 'skimage' in sys.modules)"
    )
    assert run(code).split() == ["False", "True"]


def test_every_public_name_resolves():
    assert {"Autoencoder", "Chapter", "ImageDataset", "datasets", "metrics", "plots", "book"} <= set(ae_toolkit.__all__)
    for name in ae_toolkit.__all__:
        assert getattr(ae_toolkit, name).__name__.rpartition(".")[2] == name
    assert set(ae_toolkit.__all__) <= set(dir(ae_toolkit))


def imported(path):
    """Return the packages that a file imports anywhere, within functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        found |= {name.partition(".")[0] for name in names}
    return found


@pytest.mark.slow
def test_only_the_engine_s_backends_import_tensorflow_jax_or_pytorch():
    package = Path(ae_toolkit.__file__).parent
    importing = {path.relative_to(package) for path in package.rglob("*.py") if imported(path) & BACKENDS}
    assert importing, "the engine no longer imports any backend: is this test still looking at the right place?"
    assert {path.parent.as_posix() for path in importing} == {"training/backend"}


def test_imports_are_found_wherever_they_stand(tmp_path):
    (tmp_path / "module.py").write_text(
        "import numpy as np\ndef f():\n    from tensorflow.python import x\nfrom . import jax\nimport torch.nn, os\n"
    )
    assert imported(tmp_path / "module.py") == {"numpy", "tensorflow", "torch", "os"}


def test_only_the_book_s_own_tools_import_ipython():
    assert "IPython" in HEAVY  # which importing the toolkit loads none of
    package = Path(ae_toolkit.__file__).parent
    importing = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if "IPython" in imported(path)}
    assert importing == {"book/chapter.py", "book/figures.py"}


@pytest.mark.slow
def test_no_room_but_its_own_loads_the_book_s_tools():
    code = (
        "import sys, ae_toolkit as ae; ae.Autoencoder; ae.plots.PALETTE; ae.metrics.knn_probe; ae.datasets.load; "
        "ae.save; ae.export_onnx; ae.training.fit; print([name for name in sys.modules if 'ae_toolkit.book.' in name])"
    )
    assert run(code).strip() == "[]"


def test_one_module_imports_private_names_of_scikit_learn():
    importing = set()
    for path in Path(ae_toolkit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{item.name}" for item in node.names]
            for module, *inside in (name.split(".") for name in names):
                if module == "sklearn" and any(name.startswith("_") for name in inside):
                    importing.add(path.name)
    assert importing == {"_sklearn.py"}


@pytest.mark.slow
def test_a_scikit_learn_without_a_private_name_says_so():
    code = (
        "import sklearn.utils.validation as validation; del validation._is_fitted\n"
        "try:\n    import ae_toolkit._sklearn\nexcept ImportError as error:\n    print(error)\n"
    )
    message = run(code)
    assert "_is_fitted" in message
    assert "Install an older scikit-learn" in message


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        ae_toolkit.no_such_thing  # noqa: B018 (the access is what is tested)


def test_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", ae_toolkit.__version__)


@pytest.mark.slow
def test_no_backend_names_the_extra(tmp_path):
    code = (
        "import ae_toolkit as ae\n"
        "for use in ('ae.Autoencoder', 'ae.networks', 'ae.networks.losses', 'ae.training', 'ae.Chapter(\"quick\")'):\n"
        "    try:\n"
        "        eval(use)\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    messages = without_backend(tmp_path, code).splitlines()
    assert len(messages) == 5
    for message in messages:
        assert "pip install 'ae-toolkit[tensorflow]'" in message
        assert "expected the backend 'tensorflow'" in message
        assert "KERAS_BACKEND" in message


@pytest.mark.slow
def test_no_backend_names_the_one_that_was_asked_for(tmp_path):
    code = "import ae_toolkit as ae\ntry:\n    ae.Autoencoder\nexcept ImportError as error:\n    print(error)\n"
    assert "expected the backend 'jax'" in without_backend(tmp_path, code, KERAS_BACKEND="jax")


@pytest.mark.slow
def test_what_needs_no_backend_works_without_one(tmp_path):
    code = (
        "import ae_toolkit as ae\n"
        "data = ae.datasets.load('digits')\n"
        "print(ae.metrics.reconstruction_error(data.x_test, data.x_test))\n"
    )
    assert without_backend(tmp_path, code).strip() == "0.0"


def test_the_extra_in_the_message_exists():
    pyproject = Path(ae_toolkit.__file__).parents[1] / "pyproject.toml"
    if not pyproject.is_file():
        pytest.skip("not run from a source tree: there is no pyproject.toml beside the package")
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    assert project["name"] == "ae-toolkit"
    assert "tensorflow" in project["optional-dependencies"]
