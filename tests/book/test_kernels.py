"""Kernels that could not start, since another one took their port, start again; nothing else is tried twice."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book"))

import build

LOST_ITS_PORT = RuntimeError("Kernel died before replying to kernel_info")


def failing(*errors):
    """Return a start that raises these errors, one per call, and then succeeds; and the list of its calls."""
    calls, left = [], list(errors)

    def start(*arguments, **options):
        calls.append((arguments, options))
        if left:
            raise left.pop(0)
        return "running"

    return start, calls


@pytest.mark.parametrize("n_lost", [0, 1, 2])
def test_a_kernel_that_lost_its_port_starts_again(n_lost):
    start, calls = failing(*[LOST_ITS_PORT] * n_lost)
    assert build.start_again(start, "chapter", cwd="here") == "running"
    assert calls == [(("chapter",), {"cwd": "here"})] * (n_lost + 1)


@pytest.mark.parametrize(
    ("errors", "n_calls"), [([LOST_ITS_PORT] * 9, 3), ([RuntimeError("Kernel died")], 1), ([OSError("disk full")], 1)]
)
def test_a_kernel_that_never_starts_and_every_other_error_are_raised(errors, n_calls):
    start, calls = failing(*errors)
    with pytest.raises(type(errors[0]), match=str(errors[0])):
        build.start_again(start)
    assert len(calls) == n_calls


def test_the_build_starts_its_kernels_so(monkeypatch, tmp_path):
    start, calls = failing(LOST_ITS_PORT)
    monkeypatch.setattr(build, "_run_in_a_kernel", start)
    target = tmp_path / "chapter.ipynb"
    with pytest.raises(FileNotFoundError):  # this start writes no notebook
        build._execute(Path("chapter.ipynb"), target, "quick", "key")
    assert len(calls) == 2


def test_the_replay_starts_its_kernels_so(monkeypatch):
    import nbval_history

    start, calls = failing(LOST_ITS_PORT)
    monkeypatch.setattr(nbval_history, "_start_once", start)
    assert nbval_history.kernel.start_new_kernel(kernel_name="python3") == "running"
    assert len(calls) == 2
