"""Work that is the same in every step: a GPU may record it once and replay it, in one launch instead of sixty.

    steps = replay.make(function, key)        steps(*arrays) is function(*arrays)

The function may use of the host only what stays the same while key() does, and `transfer.number` for numbers that do
not. It returns arrays, and numbers as `ops.total` makes them, in lists and tuples. The next call may overwrite them.
"""

from ...backend import variant


def make(function, key):
    """The function, to be called with its arrays; where it is recorded, anew whenever key() is another."""
    return variant(__name__).make(function, key)
