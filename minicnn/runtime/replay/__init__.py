"""Work that is the same in every step: recorded once and replayed, without the Python around the kernels.

    steps = replay.make(function, parts)        steps(*arrays) is function(*arrays)

The function may use of the host only the `parts()`, objects and attributes of objects, see `settings.py`, and
`transfer.number` for numbers that change in every step. It returns arrays, and numbers as `runtime.weighted_sum` makes
them, in lists and tuples. The next call may overwrite them.

Reading order: `vectorized.py` (the definition), `recorded.py` (what `make` returns),
`settings.py` (what it depends on), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant
from ...kernels.cpu.recording import refuse

__all__ = ["make", "refuse"]


def make(function, parts):
    """The function, to be called with its arrays; where it is recorded, anew whenever one of its parts() has changed.

    parts() gives (the objects whose code it runs, [(object, name of an attribute of it)] that it uses besides).
    """
    return variant(__name__).make(function, parts)
