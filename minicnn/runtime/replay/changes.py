"""Changes that recorded work must notice: of settings, and of the numbers in weights.

Before every step a recording asks whether it is still valid. Comparing all attributes of all layers takes 50 us for a
ResNet-20. The kernels of a small network take no longer. So objects tell when an attribute is set, and code that writes
into a weight tells when it is done. Then most steps compare one object.
"""

from __future__ import annotations

from contextlib import contextmanager

SET_IN_EVERY_STEP = {
    "steps", "_learning_rate", "_rate_of_step", "_numbers", "_product", "random_counter", "grad", "_losses_of_call",
}  # fmt: skip
"""Attributes on which no recording depends."""


class Changes:
    """`last` is another object after every change."""

    def __init__(self):
        self.note()

    def note(self) -> None:
        """Tell that something has changed."""
        self.last = object()

    @contextmanager
    def within(self):
        """A block that makes a change. It is noted at its end, also after an error or an interruption."""
        try:
            yield
        finally:
            self.note()


of_settings = Changes()
"""Attributes of objects that are `Watched`."""

of_weights = Changes()
"""Numbers in the array of any variable."""

of_drawn_layers = Changes()
"""Attributes that a `call`, which has been run on symbols, may have read."""


class Watched:
    """An object that tells when one of its attributes is set or deleted."""

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name not in SET_IN_EVERY_STEP:
            of_settings.note()

    def __delattr__(self, name):
        super().__delattr__(name)
        of_settings.note()
