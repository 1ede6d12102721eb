"""The benchmark's arithmetic, to the last digit, and one whole run on small images without the peers."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ae_toolkit as ae

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def module(name):
    """Return a module of the benchmark, whose programs find each other as a script's neighbours do."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


measure, report = module("measure"), module("report")


def row(**given):
    return measure.Row(**{"name": "speed", "unit": "images/s", "values": [30.0, 10.0, 20.0], **given})


def test_a_ratio_is_taken_round_by_round():
    found = row(peer="Keras", peers=[10.0, 10.0, 5.0])
    assert found.ratios == [3.0, 1.0, 4.0]
    assert found.as_dict()["ratio"] == [3.0, 1.0, 4.0]
    assert found.as_dict()["median"] == [20.0, 10.0, 30.0]


def test_a_ratio_above_one_is_better_for_seconds_too():
    seconds = row(unit="s", values=[2.0, 4.0], peer="Keras", peers=[6.0, 8.0], smaller_is_better=True)
    assert seconds.ratios == [3.0, 2.0]


@pytest.mark.parametrize(
    ("given", "met"),
    [
        ({"target": 20}, True),
        ({"target": 20.1}, False),
        ({"target": 20, "smaller_is_better": True}, True),
        ({"target": 19.9, "smaller_is_better": True}, False),
        ({"peer": "Keras", "peers": [10.0, 10.0, 10.0], "target": 2}, True),
        ({"peer": "Keras", "peers": [10.0, 10.0, 10.0], "target": 2.1}, False),
        ({"peer": "Keras", "peers": [40.0, 40.0, 40.0], "target": 2, "smaller_is_better": True}, True),
        ({"peer": "Keras", "peers": [40.0, 40.0, 40.0], "target": 2.1, "smaller_is_better": True}, False),
        ({}, None),
        ({"values": [], "target": 1, "reason": "none here"}, None),
    ],
)
def test_a_target_is_met_by_the_median(given, met):
    assert row(**given).met is met


@pytest.mark.slow
def test_in_turn_takes_turns():
    calls = []
    found = measure.in_turn({name: lambda name=name: calls.append(name) or len(calls) for name in "abc"}, repeats=2)
    assert calls == list("abcabc")
    assert found == {"a": [1, 4], "b": [2, 5], "c": [3, 6]}


# ------------------------------------------------------------------- what is kept


def test_a_part_measured_anew_replaces_its_own_rows_only():
    earlier = [row(part="a", date="Monday"), row(part="b", date="Monday"), row(part="gone")]
    new = [row(part="a", date="Friday"), row(part="a", date="Friday", name="further")]
    found = report.merged(earlier, new, ["a", "b"])
    assert [(each.part, each.date, each.name) for each in found] == [
        ("a", "Friday", "speed"), ("a", "Friday", "further"), ("b", "Monday", "speed"),
    ]  # fmt: skip


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = [row(peer="Keras", peers=[1.0, 2.0, 3.0], part="a"), row(values=[], reason="none here")]
    report.save(tmp_path / "results.json", {"rows": [each.as_dict() for each in rows]})
    assert report.read(tmp_path / "results.json") == rows
    assert report.read(tmp_path / "nothing.json") == []


@pytest.mark.parametrize("content", ['{"rows": [{"name": "of an older kind"}]}', "[]", "no JSON"])
def test_results_of_another_kind_are_named(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(SystemExit, match=r"expected .*results\.json to hold the rows of an earlier run, got "):
        report.read(path)
    assert path.read_text() == content


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "results.json"
    report.save(path, {"rows": [1]})
    with pytest.raises(TypeError):
        report.save(path, {"rows": object()})
    assert json.loads(path.read_text()) == {"rows": [1]}
    assert [each.name for each in path.parent.iterdir()] == ["results.json"]


# ------------------------------------------------------------------- what is shown


def test_the_table_says_what_was_missed_and_what_was_not_measured():
    text = report.table([
        row(peer="Keras", peers=[10.0, 10.0, 10.0], target=2.5, date="2026-11-24"),
        row(peer="pythae", values=[], reason="not installed", target=1),
        row(values=[0.5], unit="s", target=2, smaller_is_better=True),
    ])  # fmt: skip
    lines = text.splitlines()
    assert "ratio, above 1: the toolkit is better" in lines[0]
    assert "2.00 (1.00-3.00)" in lines[1]
    assert lines[1].split()[-2:] == ["MISSED", "2026-11-24"]
    assert "not measured" in lines[2]
    assert "not installed" in lines[2]
    assert "≤ 2" in lines[3]
    assert lines[3].endswith("met")


def test_the_table_for_the_book_has_every_comparison():
    about = dict.fromkeys(("keras", "backend", "torch"), "so")
    where = {"date": "2026-11-24", "machine": "a processor, 2 cores", "images": "MNIST"}
    rows = [
        row(peer="Keras", peers=[10.0] * 3, **where),
        row(peer="pythae", values=[], reason="none", **where),
        row(values=[1.0], **{**where, "date": "2026-11-25"}),
    ]
    lines = report.as_markdown(rows, about).splitlines()
    assert lines[0].startswith("Measured on 2026-11-24 to 2026-11-25 with `make bench`: a processor, 2 cores, MNIST, ")
    assert "above 1: the toolkit is better" in lines[2]
    assert lines[4:] == [
        "| speed | 20 images/s | Keras | 10 images/s | 2.00 (1.00 to 3.00) |",
        "| speed | | pythae | not measured | |",
    ]


def test_the_table_of_clusters_has_a_line_for_each_method_and_peer():
    about = {"keras": "3", "backend": "tensorflow"}
    where = {"date": "2026-11-24", "machine": "a processor", "images": "MNIST"}
    rows = [
        row(name=f"ours: {key}", values=[0.5, 0.7], peer="theirs", peers=[0.25, 0.25], **where)
        for key in ("accuracy", "nmi", "ari", "seconds", "megabytes")
    ]
    rows += [row(name="ours: accuracy", values=[], peer="another", reason="not installed", **where)]
    lines = report.clusters_as_markdown(rows, about).splitlines()
    assert lines[0].startswith("Measured on 2026-11-24 with `make bench`: a processor, MNIST, ")
    assert lines[0].endswith("on.")
    remarked = report.clusters_as_markdown(rows, {**about, "remark": "It was busy."}).splitlines()
    assert remarked == [f"{lines[0]} It was busy.", *lines[1:]]
    assert lines[4:] == [
        "| theirs | 0.250 ± 0.000 | 0.250 ± 0.000 | 0.250 ± 0.000 | 0 ± 0 | 0 | 2 |",
        "| ours | 0.600 ± 0.141 | 0.600 ± 0.141 | 0.600 ± 0.141 | 1 ± 0 | 1 | 2 |",
    ]


@pytest.mark.slow
def test_peers_that_cannot_be_installed_are_a_reason(tmp_path, monkeypatch):
    peers = module("peers")
    wanted = tmp_path / "peers.txt"
    wanted.write_text("./no-such-package\n")
    monkeypatch.setattr(peers, "WANTED", wanted)
    python, reason = peers.peers_environment(tmp_path / "peers")
    assert python is None
    assert reason.startswith("installing the peers failed: ")
    assert not (tmp_path / "peers" / "installed.txt").exists()


# ------------------------------------------------------------------- whole runs


def run(*arguments):
    """Run the benchmark on small random images; return what it printed and its rows."""
    out = arguments[arguments.index("--out") + 1]
    command = [sys.executable, str(FOLDER / "run.py"), "--quick", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, json.loads(Path(out).read_text())["rows"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worker", "arguments", "keys"),
    [
        ("cluster_worker.py", ["k-means on PCA, 10 numbers"], {"seconds", "megabytes"}),
        (
            "label_worker.py", ["logistic regression on pixels", "--images", "digits", "--per-class", "5"],
            {"seconds", "test", "unlabelled", "calibration"},
        ),
    ],
)  # fmt: skip
def test_a_method_runs_in_a_process_of_its_own(tmp_path, worker, arguments, keys):
    images, labels = tmp_path / "images.npy", tmp_path / "labels.npy"
    if worker == "cluster_worker.py":
        np.save(images, ae.datasets.load("digits").x_train[:200])
        arguments = [*arguments, "--images", str(images), "--labels", str(labels)]
    command = [sys.executable, str(FOLDER / worker), *arguments, "--seed", "0", "--small"]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    answer = json.loads(done.stdout)
    assert set(answer) == keys
    assert all(value > 0 for value in answer.values())
    assert not labels.exists() or np.load(labels).shape == (200,)


EXPECTED = {  # part: a beginning of a row's name
    "throughput": {"dense 784-128-32", "dense 784-128-32, bfloat16", "dense 784-128-32, of the peak", "conv 32-64"},
    "time": {"seconds to an error of"},
    "quality": {"test error after 10 epochs"},
    "digits": {"digits, 3 epochs, first of its kind", "digits, 3 epochs, second of its kind"},
    "search": {"grid search of 4 autoencoders"},
    "memory": {"memory for 10,000 instead of 1,000 images"},
    "repeatability": {"two runs, one seed: equal weights", "killed twice and resumed, 1 times: equal weights"},
    "codes": {
        "30-number code, 12 epochs, defaults: test error",
        "30-number code, 32 epochs, rate 4e-3, bfloat16, augmented: seconds",
    },
    "likelihood": {"40-number code, IWAE", "40-number code, IWAE: seconds", "40-number code, four levels: seconds"},
    "k-means": {"k-means on codes, 10 numbers: accuracy", "k-means on codes, 10 numbers: megabytes"},
    "deep-clusters": {"DEC, 5 + 5 epochs: nmi", "DEC, 5 + 5 epochs: seconds"},
    "manifold": {"ManifoldClustering: ari"},
    "manifold-few": {"ManifoldClustering, mnist5k: accuracy", "ManifoldClustering, mnist5k: seconds"},
    "manifold-later": {"ManifoldClustering, images that come later: accuracy lost"},
    "manifold-growth": {"ManifoldClustering, 200 images: memory", "ManifoldClustering: exponent of seconds"},
    "labels": {
        "10 labels per class: wrong of test images",
        "10 labels per class: wrong of training images without a label",
        "10 labels per class: expected calibration error, one view of each",
        "10 labels per class: seconds",
    },
    "outliers": {
        "one digit is normal: AUROC, mean over digits",
        "nine digits are normal: AUROC, mean over digits",
    },
}


@pytest.mark.slow
def test_a_quick_run(tmp_path):
    out, record, clusters = tmp_path / "results.json", tmp_path / "table.txt", tmp_path / "clusters.txt"
    printed, rows = run("--out", out, "--record", record, "--record-clusters", clusters)
    assert {each["part"] for each in rows} == set(EXPECTED)
    for part, names in EXPECTED.items():
        found = [each["name"] for each in rows if each["part"] == part]
        assert all(any(each.startswith(name) for each in found) for name in names), part
    assert all(bool(each["values"]) != bool(each["reason"]) for each in rows)
    assert all(len(each["peers"]) == len(each["values"]) for each in rows if each["peer"] and each["values"])
    assert {each["peer"] for each in rows if each["reason"]} == {
        "PyTorch, DataLoader", "PyTorch, indexing", "pythae", "ClustPy's DEC, 5 + 5 epochs",
    }  # fmt: skip
    assert {each["images"] for each in rows} == {"a few images"}
    assert all(each["date"] and each["machine"] for each in rows)
    sure = [each["met"] for each in rows if "equal weights" in each["name"]]
    assert sure == [True, True]
    assert any(each["peer"].startswith("best Keras: ") for each in rows)
    assert "MISSED" in printed or "met" in printed
    assert record.read_text().startswith("Measured on ")
    assert "DEC" not in record.read_text()
    assert "labels" not in record.read_text()
    assert "AUROC" not in record.read_text()
    table = clusters.read_text()
    clusterers = "k-means on PCA, 10 numbers", "DEC, 5 + 5 epochs", "ManifoldClustering", "n2d's recipe"
    assert all(f"\n| {name} | 0." in table for name in clusterers)

    # One part again: its rows are replaced, the others stay as they are.
    _, again = run("--out", out, "--only", "quality")
    assert [each for each in again if each["part"] != "quality"] == [each for each in rows if each["part"] != "quality"]
    assert [each["name"] for each in again] == [each["name"] for each in rows]
