"""The same work recorded as a list of calls and replayed, see `kernels/cpu/recording.py`.

Only where all the code is minicnn's own: what somebody else wrote may change arrays without the recording noticing.
"""

from __future__ import annotations

from ...kernels.cpu import workspace
from ...kernels.cpu.recording import Recording, is_made_of_arrays
from .recorded import Recorded

_MOST = (
    1 << 27
)  # bytes that a recording may keep for itself; where a step needs more, its kernels take long, not Python
_OWN = ("minicnn", "numpy", "builtins")


def make(function, parts):
    return Recorded(function, parts, _record, _allows)


def _record(function, arrays):
    running = Recording(arrays)
    outputs, running.kept = workspace.keep(lambda: running.record(function), _MOST)
    recorded = running.kept is not None and not running.refused and is_made_of_arrays(outputs)
    return (running.replay if recorded else None), outputs


def _allows(part):
    """Whether a part is minicnn's, as it came, and holds nothing of anybody else's."""
    methods = [getattr(type(part), name, None) for name in ("forward", "backward", "update", "hold")]
    code = [type(part), *(method for method in methods if callable(method))]
    held = [value if callable(value) and hasattr(value, "__module__") else type(value) for value in vars(part).values()]
    replaced = any(name in vars(part) for name in ("forward", "backward", "update", "hold"))
    own = all((one.__module__ or "builtins").split(".")[0] in _OWN for one in [*code, *held])
    return own and not replaced and getattr(part, "may_be_recorded", True)
