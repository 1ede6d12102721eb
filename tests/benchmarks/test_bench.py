"""The benchmark's arithmetic, to the last digit, and one whole run on small images without the peers."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def module(name):
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # dataclasses look their module up
    spec.loader.exec_module(found)
    return found


measure = module("measure")


def row(**given):
    return measure.Row(**{"name": "speed", "unit": "images/s", "values": [30.0, 10.0, 20.0], **given})


def test_a_ratio_is_taken_round_by_round():
    found = row(peer="Keras", peers=[10.0, 10.0, 5.0])
    assert found.judged == [3.0, 1.0, 4.0]
    assert found.as_dict()["ratio"] == [3.0, 1.0, 4.0]
    assert found.as_dict()["median"] == [20.0, 10.0, 30.0]


@pytest.mark.parametrize(
    ("given", "met"),
    [
        ({"target": 20}, True),
        ({"target": 20.1}, False),
        ({"target": 20, "at_most": True}, True),
        ({"target": 19.9, "at_most": True}, False),
        ({"peer": "Keras", "peers": [10.0, 10.0, 10.0], "target": 2}, True),
        ({"peer": "Keras", "peers": [10.0, 10.0, 10.0], "target": 2.1}, False),
        ({}, None),
        ({"values": [], "target": 1, "reason": "none here"}, None),
    ],
)
def test_a_target_is_met_by_the_median(given, met):
    assert row(**given).met is met


def test_in_turn_takes_turns():
    calls = []
    found = measure.in_turn({name: lambda name=name: calls.append(name) or len(calls) for name in "abc"}, repeats=2)
    assert calls == list("abcabc")
    assert found == {"a": [1, 4], "b": [2, 5], "c": [3, 6]}


def test_the_table_says_what_was_missed_and_what_was_not_measured():
    text = measure.table([
        row(peer="Keras", peers=[10.0, 10.0, 10.0], target=2.5),
        row(peer="pythae", values=[], reason="not installed", target=1),
        row(values=[0.5], unit="s", target=2, at_most=True),
    ])  # fmt: skip
    lines = text.splitlines()
    assert "2.00 (1.00-3.00)" in lines[1]
    assert lines[1].endswith("MISSED")
    assert "not measured" in lines[2]
    assert "not installed" in lines[2]
    assert "≤ 2" in lines[3]
    assert lines[3].endswith("met")


def test_the_table_for_the_book_has_every_comparison():
    about = dict.fromkeys(("date", "processor", "cores", "images", "keras", "backend", "torch"), "so")
    rows = [row(peer="Keras", peers=[10.0] * 3), row(peer="pythae", values=[], reason="none"), row(values=[1.0])]
    lines = measure.as_markdown(rows, about).splitlines()[4:]
    assert lines == [
        "| speed | 20 images/s | Keras | 10 images/s | 2.00 (1.00 to 3.00) |",
        "| speed | | pythae | not measured | |",
    ]


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "results.json"
    measure.save(path, {"rows": [1]})
    with pytest.raises(TypeError):
        measure.save(path, {"rows": object()})
    assert json.loads(path.read_text()) == {"rows": [1]}


def test_peers_that_cannot_be_installed_are_a_reason(tmp_path, monkeypatch):
    environment = module("environment")
    wanted = tmp_path / "peers.txt"
    wanted.write_text("./no-such-package\n")
    monkeypatch.setattr(environment, "WANTED", wanted)
    python, reason = environment.peers_environment(tmp_path / "peers")
    assert python is None
    assert reason.startswith("installing the peers failed: ")
    assert not (tmp_path / "peers" / "installed.txt").exists()


@pytest.mark.slow
def test_a_quick_run(tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, str(FOLDER / "run.py"), "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text())
    assert found["about"]["images"] == "random"
    rows = found["rows"]
    assert {row["name"] for row in rows} >= {"dense 784-128-32", "conv 32-64", "test error after 10 epochs"}
    assert all(bool(row["values"]) != bool(row["reason"]) for row in rows)
    assert all(len(row["peers"]) == len(row["values"]) for row in rows if row["peer"] and row["values"])
    unmeasured = {row["peer"] for row in rows if row["reason"]}
    assert unmeasured == {"PyTorch, DataLoader", "PyTorch, indexing", "pythae"}
    sure = {row["name"]: row["met"] for row in rows if "equal weights" in row["name"]}
    assert len(sure) == 2
    assert all(sure.values())
    assert "MISSED" in done.stdout or "met" in done.stdout
