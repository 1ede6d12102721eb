"""The benchmark: what the training engine reaches, beside what people would use instead.

``make bench DATA_DIR=folder`` runs it on MNIST and prints one table; every figure stands
beside its peer, measured in turn in the same run, since such machines are noisy. The
raw figures are written as JSON. ``--quick`` takes small random images and few repeats.
"""

import argparse
import datetime
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from contenders import Peers, PlainKeras, Toolkit, matrix_peak, operations
from environment import peers_environment
from killed_training import kill_and_resume
from measure import Row, as_markdown, in_turn, save, table
from sklearn.decomposition import PCA

import ae_toolkit as ae
from ae_toolkit import metrics
from ae_toolkit._keras import keras
from ae_toolkit.training import loop as compiled_loop

NETWORKS = {  # name: hidden units, code, convolutional?, images in an epoch, targets against (Keras, PyTorch)
    "dense 784-128-32": ((128,), 32, False, 60_000, (3.5, 3.5)),
    "dense 500-500-2000-10": ((500, 500, 2000), 10, False, 20_000, (1.3, 2.0)),
    "conv 32-64": ((32, 64), 32, True, 12_000, (1.25, 2.0)),
}
SHORT, LONG, VARIATIONAL = 6, 32, 35  # epochs that fit the time limits on two cores
PEERS = {"loader": "PyTorch, DataLoader", "index": "PyTorch, indexing", "pythae": "pythae"}


def main():
    """Run the parts that were asked for, print the table, write the JSON."""
    options = parse()
    rows, begin = [], time.time()
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(options, folder)
        for name, part in PARTS.items():
            if options.only in (None, name):
                print(f"bench: {name} ...", file=sys.stderr, flush=True)
                rows += part(setting)
        setting.peers.close()
    about = describe(setting, time.time() - begin)
    save(options.out, {"about": about, "rows": [row.as_dict() for row in rows]})
    if options.record:
        save(options.record, as_markdown(rows, about))
    print("  ".join(f"{key}: {value}" for key, value in about.items()))
    print(table(rows))
    print(f"written to {options.out}")


def parse():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder with mnist.npz; downloaded if left out")
    parser.add_argument("--out", default="_build/bench/results.json")
    parser.add_argument("--peers", help="folder of the environment for PyTorch and pythae; none if left out")
    parser.add_argument("--record", help="also write the table for the book, to this file")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="small random images, two repeats")
    return parser.parse_args()


class Setting:
    """What all parts of the benchmark share."""

    def __init__(self, options, folder):
        self.quick, self.repeats = options.quick, 2 if options.quick else 5
        if options.quick:
            pixels = np.random.default_rng(0).random((1100, 28, 28, 1), dtype=np.float32)
            self.train, self.test = pixels[:1000], pixels[1000:]
        else:
            data = ae.datasets.load("mnist", data_dir=options.data_dir or None)
            self.train, self.test = data.x_train, data.x_test
        python, reason = peers_environment(options.peers) if options.peers else (None, "no peers were asked for")
        self.peers = Peers(python, reason, np.concatenate([self.train, self.test[:2000]]), folder)

    def images(self, n, conv):
        images = self.train[:n]
        return images if conv else images.reshape(len(images), -1)


# ----------------------------------------------------------------------- the parts, each a list of rows


def throughput(setting):
    """Images a second of an epoch, tracing left out."""
    names = [name for name in NETWORKS if not (setting.quick and "2000" in name)]
    return [row for name in names for row in one_throughput(setting, name)]


def one_throughput(setting, name):
    """Return the rows of one network; all contenders and the matrix product take turns."""
    print(f"bench:   {name}", file=sys.stderr, flush=True)
    hidden, code, conv, n, (against_keras, against_torch) = NETWORKS[name]
    images = setting.images(n, conv)
    n = len(images)
    keras_model = PlainKeras(images, hidden, code, conv)
    epochs = 3 if conv else 9  # enough steps for the engine to compile by XLA where that wins
    ours, ours16 = (Toolkit(images, hidden, code, conv, epochs, precision=p) for p in ("float32", "bfloat16"))

    def peer(loop):
        def images_per_second():
            answer = setting.peers.train(loop, n, hidden, code, conv, epochs=2)
            return n / answer["seconds"][-1] if "seconds" in answer else answer["error"]

        return images_per_second

    contenders = {"peak": lambda: matrix_peak("float32"), "Keras": keras_model.images_per_second,
                  "ours": ours.images_per_second, "ours16": ours16.images_per_second,
                  **{loop: peer(loop) for loop in PEERS}}  # fmt: skip
    for contender in contenders.values():  # traced, compiled, warm
        contender()
    found = in_turn(contenders, setting.repeats)
    bfloat16_target = 1.8 if hidden == (500, 500, 2000) else None
    rows = [
        Row(name, "images/s", found["ours"], "Keras fit", found["Keras"], against_keras),
        Row(f"{name}, bfloat16", "images/s", found["ours16"], "Keras fit", found["Keras"], bfloat16_target),
    ]
    for loop, label in PEERS.items():
        target = None if loop == "pythae" else against_torch
        if isinstance(found[loop][0], str):
            rows.append(Row(name, "images/s", peer=label, reason=found[loop][0]))
        else:
            rows.append(Row(name, "images/s", found["ours"], label, found[loop], target))
            rows.append(Row(f"{name}, bfloat16", "images/s", found["ours16"], label, found[loop]))
    if not conv:
        work = [speed * operations(hidden, code) / 1e9 for speed in found["ours"]]
        peaks = [peak / 1e9 for peak in found["peak"]]
        target = 0.6 if hidden == (128,) else None
        rows.append(Row(f"{name}, of the peak", "GFLOP/s", work, "matrix product", peaks, target))
    return rows


def time_to_error(setting):
    """Seconds until an error is reached for the first time, from the call on, with all tracing and compiling."""
    hidden, code, conv, n, _ = NETWORKS["dense 784-128-32"]
    images, held_out = setting.images(n, conv), setting.test[:2000].reshape(-1, 784)
    epochs = 4 if setting.quick else 12
    wanted = PlainKeras(images, hidden, code, conv).train(epochs * 2 // 3, held_out).errors[-1]

    def timed(call):
        def seconds():
            begin = time.perf_counter()
            clock = call()
            total = time.perf_counter() - begin
            reached = [i for i, error in enumerate(clock.errors) if error <= wanted]
            # What came before the first epoch counts; what came after the error was reached does not.
            return total - sum(clock.seconds[reached[0] + 1 :]) if reached else float("inf")

        return seconds

    def ours(batch_size, rate):
        def train():
            compiled_loop._loops.clear()  # what an earlier round compiled must not save this one the time
            options = {"batch_size": batch_size, "learning_rate": rate}
            return Toolkit(images, hidden, code, conv).train(epochs * batch_size // 256, held_out, **options)[1]

        return timed(train)

    def torch():
        answer = setting.peers.train("loader", len(images) + len(held_out), hidden, code, conv, epochs, len(held_out))
        if "error" in answer:
            return answer["error"]
        reached = [i for i, error in enumerate(answer["errors"]) if error <= wanted]
        return sum(answer["seconds"][: reached[0] + 1]) if reached else float("inf")

    found = in_turn(
        {"Keras": timed(lambda: PlainKeras(images, hidden, code, conv).train(epochs, held_out)),
         "ours": ours(256, 1e-3), "larger": ours(1024, 2e-3), "torch": torch}, setting.repeats)  # fmt: skip
    name = f"seconds to an error of {wanted:.2f}"
    rows = [
        Row(name, "s", found["ours"], "Keras fit", found["Keras"], at_most=True),
        Row(f"{name}, batches of 1,024", "s", found["larger"], "Keras fit", found["Keras"], at_most=True),
    ]
    if isinstance(found["torch"][0], str):
        return [*rows, Row(name, "s", peer="PyTorch, DataLoader", reason=found["torch"][0])]
    return [*rows, Row(name, "s", found["ours"], "PyTorch, DataLoader", found["torch"], at_most=True)]


def quality(setting):
    """Compare the test error after equal epochs from equal weights, over seeds."""
    hidden, code, conv, n, _ = NETWORKS["dense 784-128-32"]
    images, test = setting.images(n, conv), setting.test.reshape(-1, 784)
    ours, theirs = [], []
    for seed in range(2 if setting.quick else 3):
        autoencoder, _ = Toolkit(images, hidden, code, conv).train(10, seed=seed)
        ours.append(-autoencoder.score(test))
        plain = PlainKeras(images, hidden, code, conv, seed=seed)
        plain.train(10)
        theirs.append(metrics.reconstruction_error(test, plain.model.predict(test, batch_size=1000, verbose=0)))
    return [Row("test error after 10 epochs", "a image", ours, "Keras fit", theirs, 1.01, at_most=True)]


def digits(setting):
    """Time a small fit in a warm process, with tracing; and another of equal shapes, without."""
    images = ae.datasets.load("digits").x_train

    def fit(code_dim):
        begin = time.perf_counter()
        ae.Autoencoder(code_dim=code_dim, epochs=30, random_state=0).fit(images)
        return time.perf_counter() - begin

    fit(2)
    first, second = [], []
    for code_dim in range(3, 3 + setting.repeats):
        first.append(fit(code_dim))
        second.append(fit(code_dim))
    return [
        Row("digits, 30 epochs, first of its kind", "s", first, target=2.5, at_most=True),
        Row("digits, 30 epochs, second of its kind", "s", second, "the first", first, 1.0, at_most=True),
    ]


def memory(setting):
    """Peak memory of a process that streams ten times as many images."""
    few, many = (1000, 10_000) if setting.quick else (100_000, 1_000_000)
    script = str(Path(__file__).with_name("stream_memory.py"))

    def peak(n):
        return float(subprocess.run([sys.executable, script, str(n)], check=True, capture_output=True).stdout)

    grown = [peak(many) - peak(few) for _ in range(1 if setting.quick else 3)]
    return [Row(f"memory for {many:,} instead of {few:,} images", "MB more", grown, target=300, at_most=True)]


def repeatability(setting):
    """Equal weights, bit for bit: two runs of one seed, and trainings that were killed and resumed."""
    hidden, code, conv, n, _ = NETWORKS["dense 784-128-32"]
    ours = Toolkit(setting.images(n, conv), hidden, code, conv)
    weights = [ours.train(9)[0].model_.get_weights() for _ in range(2)]
    equal = all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    trials = kill_and_resume(1, epochs=10, kills=1, longest=1) if setting.quick else kill_and_resume(20)
    return [Row("two runs, one seed: equal weights", "of 1", [float(equal)], target=1),
            Row(f"killed twice and resumed, {len(trials)} times: equal weights", f"of {len(trials)}",
                [float(sum(trials))], target=len(trials))]  # fmt: skip


def codes(setting):
    """Test error of 30-number codes, as of Hinton and Salakhutdinov (2006), after 90 seconds and after 8 minutes."""
    network = {"network": "patch", "hidden_units": (48, 48), "activation": "silu", "output_activation": "sigmoid"}
    options = {**network, "code_dim": 30, "batch_size": 64, "warmup": 0.1, "precision": "bfloat16"}
    flat, flat_test = setting.train.reshape(len(setting.train), -1), setting.test.reshape(len(setting.test), -1)
    pca = PCA(30, random_state=0).fit(flat)
    by_pca = metrics.reconstruction_error(flat_test, pca.inverse_transform(pca.transform(flat_test)))

    def train(seeds, **more):
        seconds, errors = [], []
        for seed in range(seeds):
            begin = time.perf_counter()
            autoencoder = ae.Autoencoder(**options, **more, random_state=seed).fit(setting.train)
            seconds.append(time.perf_counter() - begin)
            errors.append(-autoencoder.score(setting.test))
        return seconds, errors

    rows = []
    moves = {"rotation": 10, "scale": 0.1, "shift": 0.05, "fraction": 0.25}
    kinds = {
        "short": (3, SHORT, 90, 3.0, {"learning_rate": 3e-3}),
        "long": (1, LONG, 480, 2.2, {"learning_rate": 4e-3, "augmentation": moves}),
    }
    for kind, (seeds, epochs, limit, target, more) in kinds.items():
        seconds, errors = train(2 if setting.quick else seeds, epochs=1 if setting.quick else epochs, **more)
        name = f"30-number code, {kind} training"
        rows += [
            Row(f"{name}: test error", "a image", errors, target=target, at_most=True),
            Row(f"{name}: test error", "a image", errors, "PCA", [by_pca] * len(errors), at_most=True),
            Row(f"{name}: seconds", "s", seconds, target=limit, at_most=True),
        ]
    return rows


def likelihood(setting):
    """Negative log-likelihood of binarised test images, by importance sampling with 500 codes an image."""
    test = setting.test
    black_and_white = (np.random.default_rng(0).random(test.shape) < test).astype("float32")
    variational = ae.VariationalAutoencoder(
        40, network="patch", hidden_units=(32, 32), importance_samples=3, binarize=True, batch_size=64,
        learning_rate=2e-3, warmup=0.05, epochs=1 if setting.quick else VARIATIONAL, random_state=0,
    )  # fmt: skip
    begin = time.perf_counter()
    variational.fit(setting.train)
    seconds = time.perf_counter() - begin
    nats = -variational.log_likelihood(black_and_white, 10 if setting.quick else 500, random_state=0).mean()
    return [
        Row(f"40-number code, IWAE, {len(test):,} test images", "nats", [float(nats)], target=87.5, at_most=True),
        Row("40-number code, IWAE: seconds", "s", [seconds], target=600, at_most=True),
    ]


PARTS = {"throughput": throughput, "time": time_to_error, "quality": quality, "digits": digits, "memory": memory,
         "repeatability": repeatability, "codes": codes, "likelihood": likelihood}  # fmt: skip


def describe(setting, seconds):
    """Return when, where and with what the figures were measured."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(": ")[1] for line in lines if line.startswith("model name")), processor)
    return {
        "date": datetime.date.today().isoformat(), "processor": processor, "cores": os.cpu_count(),
        "images": "random" if setting.quick else "MNIST", "backend": keras.backend.backend(), "keras": keras.version(),
        "torch": getattr(setting.peers, "versions", {}).get("torch", "none"), "minutes": round(seconds / 60, 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
