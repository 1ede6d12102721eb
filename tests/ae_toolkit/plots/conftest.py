"""What the tests of the figures share."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture
def ax():
    return plt.figure().subplots()
