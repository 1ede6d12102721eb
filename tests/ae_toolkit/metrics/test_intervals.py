"""Intervals of differences: they cover what they should, and say what would make them shorter."""

import numpy as np
import pytest

from ae_toolkit.metrics import DifferenceInterval, difference_interval


def drawn(rng, n_seeds, n_images, seed_deviation, image_deviation, hard=None):
    """Return values of mean 0 with an effect of the seed, of the image (shared, if `hard` is given) and of both."""
    hard = rng.normal(0, image_deviation, n_images) if hard is None else hard
    return rng.normal(0, seed_deviation, (n_seeds, 1)) + hard + rng.normal(0, 0.2, (n_seeds, n_images))


@pytest.mark.parametrize(
    ("n_seeds", "n_images", "seed_deviation", "image_deviation"),
    [(1, 200, 0.0, 1.0), (8, 100, 0.0, 1.0), (8, 60, 0.3, 1.0), (12, 1, 1.0, 0.0), (5, 40, 1.0, 1.0)],
)
def test_about_95_of_100_intervals_hold_the_truth(n_seeds, n_images, seed_deviation, image_deviation):
    rng = np.random.default_rng(1)
    trials = 400
    held = sum(
        not difference_interval(
            drawn(rng, n_seeds, n_images, seed_deviation, image_deviation), 0.0, n_resamples=400, random_state=trial
        ).excludes(0.0)
        for trial in range(trials)
    )
    assert 0.86 * trials < held < 0.985 * trials  # percentile intervals of few values are a little short


def test_the_value_is_the_difference_of_the_means():
    left, right = np.arange(12.0).reshape(3, 4), np.arange(4.0)[None]
    found = difference_interval(left, right)
    assert found.value == left.mean() - right.mean()
    assert found.low < found.value < found.high
    assert (found.n_seeds, found.n_images) == (3, 4)


@pytest.mark.parametrize("right_seeds", [1, 2, 3])
def test_images_that_both_saw_are_drawn_together(right_seeds):
    """What makes an image hard for both cancels out, however many seeds each side has."""
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, 300)
    left = drawn(rng, 3, 300, 0.0, 0, hard) + 0.3
    right = drawn(rng, right_seeds, 300, 0.0, 0, hard)
    together, apart = (difference_interval(left, right, paired=paired) for paired in (True, False))
    assert together.excludes(0.0)
    assert not apart.excludes(0.0)
    assert together.image_variance < 0.01 * apart.image_variance


def test_seeds_that_both_had_are_drawn_together():
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 5, (6, 1))
    left, right = luck + rng.normal(1, 0.3, (6, 50)), luck + rng.normal(0, 0.3, (6, 50))
    assert difference_interval(left, right).excludes(0.0)
    assert not difference_interval(left, right, paired=False).excludes(0.0)


def test_one_value_per_seed():
    found = difference_interval([1.0, 1.2, 1.1], 0.5)
    assert found.excludes(0.0)
    assert found.image_variance == 0
    assert found.n_images == 1
    assert found.seed_variance == pytest.approx(0.01 / 3)


def test_few_seeds_are_not_taken_for_surer_than_they_are():
    """Resampling two seeds as they are would give a standard error that is too small by the root of two."""
    rng = np.random.default_rng(0)
    found = [difference_interval(rng.normal(0, 1, 2), 0.0, n_resamples=500) for _ in range(300)]
    spread = np.mean([(interval.high - interval.low) for interval in found])
    assert spread == pytest.approx(
        np.mean([np.sqrt(interval.seed_variance) for interval in found]) * 2 * 2**0.5, rel=0.1
    )


def test_equal_values_have_equal_intervals_and_the_global_generator_is_left_alone():
    left = np.random.default_rng(0).random((3, 20))
    np.random.seed(0)  # noqa: NPY002 (the global generator is what is meant)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (the global generator is what is meant)
    assert difference_interval(left, 0.2) == difference_interval(left, 0.2)
    assert difference_interval(left, 0.2) != difference_interval(left, 0.2, random_state=1)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002 (the global generator is what is meant)


def test_a_higher_level_is_wider():
    left = np.random.default_rng(0).random((3, 50))
    widths = [found.high - found.low for found in (difference_interval(left, 0, level=p) for p in (0.5, 0.9, 0.99))]
    assert widths == sorted(widths)


# ---------------------------------------------------------------- how many would decide


def test_more_images_decide_where_images_are_the_doubt():
    rng = np.random.default_rng(0)
    few = difference_interval(rng.normal(0.05, 1, (1, 200)))
    assert set(few.to_decide(0.0)) == {"images"}
    n = few.to_decide(0.0)["images"]
    assert n > 200
    again = DifferenceInterval(few.value, 0, 0, 0, few.image_variance * 200 / n, 1, n)
    assert 1.8 < again.value / again.image_variance**0.5 < 2.2  # clear of 0 by two standard errors


def test_more_seeds_decide_where_seeds_are_the_doubt():
    found = difference_interval([0.9, -0.5, 0.3, 0.1], 0.0)
    assert set(found.to_decide(0.0)) == {"seeds"}
    assert found.to_decide(0.0)["seeds"] > 4


def test_both_where_neither_would_do_alone():
    found = DifferenceInterval(0.1, -1.9, 2.1, 0.5, 0.5, 3, 100)
    needed = found.to_decide(0.0)
    assert set(needed) == {"seeds", "images"}
    assert needed["seeds"] > 3 * 100


def test_nothing_is_needed_where_it_is_decided_and_nothing_helps_a_tie():
    assert DifferenceInterval(1.0, 0.5, 1.5, 0.1, 0.1, 3, 100).to_decide(0.0) == {}
    assert DifferenceInterval(0.0, -1.0, 1.0, 0.1, 0.1, 3, 100).to_decide(0.0) == {}


# ------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("value", [np.nan, [1.0, np.inf], [], np.zeros((2, 2, 2)), np.zeros((0, 3))])
def test_values_that_cannot_be_compared(side, value):
    with pytest.raises(ValueError, match=f"expected .*{side}"):
        difference_interval(**{"left": [1.0, 2.0], "right": [1.0, 2.0], side: value})


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match=r"several seeds or several images.*got one value"):
        difference_interval(1.0, 2.0)


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, np.nan])
def test_a_level_out_of_range(level):
    with pytest.raises(ValueError, match="level to be between 0 and 1"):
        difference_interval([1.0, 2.0], level=level)


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_a_number_of_resamples_that_is_none(n):
    with pytest.raises(ValueError, match="n_resamples"):
        difference_interval([1.0, 2.0], n_resamples=n)
