"""How fast the engine trains: images per second, and seconds until an error is reached."""

import sys
import time
from dataclasses import dataclass

from contenders import (
    PLAIN,
    PLAIN_KERAS,
    SMALL_DENSE,
    KerasTraining,
    Network,
    ToolkitTraining,
    informed_variants,
    matrix_peak,
    operations,
)
from measure import Row, best, in_turn, promising
from peers import LOOPS, PeerTraining

from ae_toolkit.training import kept_loops

HOPELESS = 2.0  # a way to call Keras that is this many times slower than the best one is measured once only


@dataclass(frozen=True)
class Race:
    """A network, how many images an epoch has, and what has to be reached.

    Attributes
    ----------
    against_keras, against_keras16 : float or None
        Smallest ratio to the best way to call Keras, in float32 and in bfloat16, which is
        compared with Keras's mixed_bfloat16.
    of_peak : float or None
        Smallest fraction of the matrix product's speed.
    """

    network: Network
    n: int
    against_keras: float
    against_keras16: float | None = None
    of_peak: float | None = None


RACES = {
    "dense 784-128-32": Race(SMALL_DENSE, 60_000, 1.5, of_peak=0.65),
    "dense 500-500-2000-10": Race(Network((500, 500, 2000), 10), 20_000, 1.0, 1.2),
    "conv 32-64": Race(Network((32, 64), 32, conv=True), 12_000, 1.0, 1.2),
}


def throughput(setting):
    """Images per second of an epoch, tracing and compiling left out."""
    chosen = [name for name in RACES if not (setting.quick and "2000" in name)]
    return [row for name in chosen for row in one_race(setting, name, RACES[name])]


def one_race(setting, name, race):
    """Return the rows of one network; all contenders and the matrix product take turns."""
    print(f"bench:   {name}", file=sys.stderr, flush=True)
    images = setting.images(200 if setting.quick and race.network.conv else race.n, race.network.conv)
    keras32, keras16 = (
        keras_contenders(images, race.network, precision, setting.quick) for precision in ("float32", "bfloat16")
    )
    ours = {
        precision: ToolkitTraining(images, race.network, precision=precision).images_per_second
        for precision in ("float32", "bfloat16")
    }
    peers = {
        label: PeerTraining(setting.peers, loop, len(images), race.network).images_per_second
        for loop, label in LOOPS.items()
    }
    # The first round traces, compiles and warms up, and shows which ways to call Keras are worth repeating.
    for contender in (*ours.values(), *peers.values()):
        contender()
    chosen = {PLAIN.label: keras32[PLAIN.label], **worth_repeating(keras32), **worth_repeating(keras16)}
    found = in_turn({"peak": matrix_peak, **ours, **chosen, **peers}, setting.repeats)
    best32, best16 = (best({label: found[label] for label in group if label in found}) for group in (keras32, keras16))
    rows = [
        Row(name, "images/s", found["float32"], f"best Keras: {best32}", found[best32], race.against_keras),
        Row(name, "images/s", found["float32"], PLAIN_KERAS, found[PLAIN.label]),
        Row(f"{name}, bfloat16", "images/s", found["bfloat16"], f"best Keras: {best16}", found[best16],
            race.against_keras16),
        Row(f"{name}, bfloat16", "images/s", found["bfloat16"], f"best Keras: {best32}", found[best32]),
    ]  # fmt: skip
    for label in LOOPS.values():
        rows += peer_rows(name, found, label)
    if not race.network.conv:
        rows.append(share_of_peak(name, race, found))
    return rows


def keras_contenders(images, network, precision, quick):
    """Return a function per way to call Keras, by its label."""
    ending = "" if precision == "float32" else ", mixed_bfloat16"
    return {
        variant.label + ending: KerasTraining(images, network, variant, precision=precision).images_per_second
        for variant in informed_variants(quick)
    }


def worth_repeating(contenders):
    """Call each contender once and return those that may be the best."""
    first = {label: contender() for label, contender in contenders.items()}
    return {label: contenders[label] for label in promising(first, HOPELESS)}


def peer_rows(name, found, label):
    """Return the rows of both precisions beside a peer, or one that says why there is none."""
    if isinstance(found[label][0], str):
        return [Row(name, "images/s", peer=label, reason=found[label][0])]
    return [
        Row(name, "images/s", found["float32"], label, found[label]),
        Row(f"{name}, bfloat16", "images/s", found["bfloat16"], label, found[label]),
    ]


def share_of_peak(name, race, found):
    """Return the row that compares the arithmetic of a training with the fastest matrix product."""
    per_image = operations(race.network.hidden, race.network.code) / 1e9
    ours, peak = [speed * per_image for speed in found["float32"]], [speed / 1e9 for speed in found["peak"]]
    return Row(f"{name}, of the peak", "GFLOP/s", ours, "matrix product", peak, race.of_peak)


# ----------------------------------------------------------------------- seconds to an error


class UntilError:
    """Counts a training's seconds until an error is reached for the first time, with all tracing and compiling."""

    def __init__(self, wanted):
        self.wanted = wanted

    def seconds(self, train):
        """Return the seconds of `train`, which returns a clock; infinity if the error was not reached."""
        begin = time.perf_counter()
        clock = train()
        total = time.perf_counter() - begin
        reached = self.first(clock.errors)
        # What came before the first epoch counts; what came after the error was reached does not.
        return float("inf") if reached is None else total - sum(clock.seconds[reached + 1 :])

    def first(self, errors):
        """Return the first epoch that reached the error, or None."""
        return next((i for i, error in enumerate(errors) if error <= self.wanted), None)


class TimeToError:
    """The contenders of `time_to_error`, each a method or a function without arguments that returns seconds."""

    def __init__(self, setting, network, epochs):
        self.peers, self.network, self.epochs = setting.peers, network, epochs
        self.images, self.held_out = setting.images(60_000, network.conv), setting.test[:2000].reshape(-1, 784)
        at_two_thirds = KerasTraining(self.images, network).train(epochs * 2 // 3, self.held_out).errors[-1]
        self.until = UntilError(at_two_thirds)

    def keras(self, variant):
        """Return a function that trains by one way to call Keras, from a new model on."""

        def seconds():
            return self.until.seconds(
                lambda: KerasTraining(self.images, self.network, variant).train(self.epochs, self.held_out)
            )

        return seconds

    def toolkit(self, batch_size, rate):
        """Return a function that trains with the toolkit, from a new model on."""
        epochs = self.epochs * batch_size // 256

        def train():
            kept_loops.forget()  # what an earlier round compiled must not save this one the time
            training = ToolkitTraining(self.images, self.network, batch_size=batch_size, learning_rate=rate)
            return training.train(epochs, self.held_out)[1]

        return lambda: self.until.seconds(train)

    def torch(self):
        """Return the seconds of PyTorch's loop, or the reason why there are none."""
        n = len(self.images) + len(self.held_out)
        answer = self.peers.train("loader", n, self.network, self.epochs, len(self.held_out))
        if "error" in answer:
            return answer["error"]
        reached = self.until.first(answer["errors"])
        return float("inf") if reached is None else sum(answer["seconds"][: reached + 1])


def time_to_error(setting):
    """Seconds until an error is reached for the first time, from the call on, with all tracing and compiling."""
    race = TimeToError(setting, SMALL_DENSE, epochs=4 if setting.quick else 12)
    by_keras = {variant.label: race.keras(variant) for variant in informed_variants(setting.quick)}
    first = {label: contender() for label, contender in by_keras.items()}
    chosen = promising(first, 1.25, smaller_is_better=True)
    contenders = {"ours": race.toolkit(256, 1e-3), "larger": race.toolkit(1024, 2e-3), "torch": race.torch,
                  **{label: by_keras[label] for label in {PLAIN.label, *chosen}}}  # fmt: skip
    found = in_turn(contenders, setting.repeats)
    winner = best({label: found[label] for label in chosen}, smaller_is_better=True)
    name = f"seconds to an error of {race.until.wanted:.2f}"
    rows = [
        Row(label, "s", found[ours], peer, found[theirs], smaller_is_better=True)
        for ours, label in (("ours", name), ("larger", f"{name}, batches of 1,024"))
        for peer, theirs in ((f"best Keras: {winner}", winner), (PLAIN_KERAS, PLAIN.label))
    ]
    if isinstance(found["torch"][0], str):
        return [*rows, Row(name, "s", peer=LOOPS["loader"], reason=found["torch"][0])]
    return [*rows, Row(name, "s", found["ours"], LOOPS["loader"], found["torch"], smaller_is_better=True)]
