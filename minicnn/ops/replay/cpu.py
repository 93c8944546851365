"""The same work recorded as a list of calls and played, see `kernels/tape.py`.

Only where all the code is minicnn's own: a layer that somebody else wrote may do with arrays what no tape sees.
"""

from __future__ import annotations

from ...kernels import workspace
from ...kernels.tape import Tape, is_made_of_arrays
from .recorded import Recorded

_MOST = 1 << 27  # bytes that a tape may keep for itself; where a step needs more, its kernels take long, not Python


def make(function, settings, parts):
    own = all(type(part).__module__.split(".")[0] == "minicnn" for part in parts)
    return Recorded(function, settings, _record) if own else function


def _record(function, arrays):
    tape = Tape(arrays)
    outputs, tape.kept = workspace.keep(lambda: tape.record(function), _MOST)
    recorded = tape.kept is not None and not tape.refused and is_made_of_arrays(outputs)
    return (tape.play if recorded else None), outputs
