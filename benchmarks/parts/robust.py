"""What holds however a training goes: memory that does not grow, equal results, killed trainings that resume."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from contenders import SMALL_DENSE, ToolkitTraining
from killed_training import kill_and_resume
from measure import Row

STREAM = str(Path(__file__).parents[1] / "stream_memory.py")


def memory(setting):
    """Peak memory of a process that streams ten times as many images."""
    few, many = (1000, 10_000) if setting.quick else (100_000, 1_000_000)
    grown = [peak_megabytes(many) - peak_megabytes(few) for _ in range(1 if setting.quick else 3)]
    name = f"memory for {many:,} instead of {few:,} images"
    return [Row(name, "MB more", grown, target=300, smaller_is_better=True)]


def peak_megabytes(n):
    """Return the peak memory of a process that trains on n images."""
    return float(subprocess.run([sys.executable, STREAM, str(n)], check=True, capture_output=True).stdout)


def repeatability(setting):
    """Equal weights, bit for bit: two runs of one seed, and trainings that were killed and resumed."""
    ours = ToolkitTraining(setting.images(60_000, conv=False), SMALL_DENSE)
    weights = [ours.train(9)[0].model_.get_weights() for _ in range(2)]
    equal = all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    trials = kill_and_resume(1, epochs=10, kills=1, longest=1) if setting.quick else kill_and_resume(20)
    name = f"killed twice and resumed, {len(trials)} times: equal weights"
    return [
        Row("two runs, one seed: equal weights", "of 1", [float(equal)], target=1),
        Row(name, f"of {len(trials)}", [float(sum(trials))], target=len(trials)),
    ]
