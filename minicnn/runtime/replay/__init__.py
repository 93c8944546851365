"""Record work that is the same in every step once, and replay it without the Python code around the kernels.

    steps = replay.make(function, parts)        steps(*arrays) returns what function(*arrays) returns

On the host the function may depend only on the objects and attributes that `parts()` returns (see `settings.py`), and
on `transfer.number` for numbers that change in every step. It returns arrays, and numbers from `runtime.weighted_sum`,
in lists and tuples. The next call may overwrite them.

Reading order: `vectorized.py` (the definition), `recorded.py` (what `make` returns),
`settings.py` (what it depends on), `changes.py` (how it learns that this has changed), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant
from ...kernels.cpu.recording import refuse

__all__ = ["make", "make_prediction", "refuse"]


def make(function, parts):
    """The function, to be called with its arrays. If it is recorded, a change of one of its parts() records it again.

    parts() returns two things: the objects whose code the function runs, and the other attributes that it uses, as
    [(object, name of the attribute)].
    """
    return variant(__name__).make(function, parts)


def make_prediction(function, parts, unchanged, idle):
    """The same for a function that saves nothing for a backward pass, and returns a list of arrays.

    unchanged() returns True if no weight has changed since its last call. Then a replay skips the work that depends on
    weights alone. idle is a dictionary. Functions that are given the same one use the same memory, so only one of them
    may run at a time.
    """
    return variant(__name__).make_prediction(function, parts, unchanged, idle)
