"""What the room offers, whichever of its modules it stands in."""

from ae_toolkit import metrics


def test_every_public_name_is_offered():
    assert metrics.__all__ == sorted(metrics.__all__)
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)
    own = {
        name for name, value in vars(metrics).items()
        if getattr(value, "__module__", "").startswith("ae_toolkit") and not name.startswith("_")
    }  # fmt: skip
    assert own == set(metrics.__all__)
