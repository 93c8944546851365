"""Record the work as a list of calls and replay the list, see `kernels/cpu/recording.py`.

Work is recorded only if all its code is minicnn's own. Other code may change arrays without the recording noticing.
"""

from __future__ import annotations

from functools import partial

from ...kernels.cpu import workspace
from ...kernels.cpu.recording import Recording, is_made_of_arrays
from .recorded import Recorded

_MOST = 1 << 27  # bytes that a recording may keep; a step that needs more spends its time in kernels, not in Python
_OWN = ("minicnn", "numpy", "builtins")


def make(function, parts, unchanged=None):
    return Recorded(function, parts, partial(_record, unchanged), _allows)


def _record(unchanged, function, arrays):
    running = Recording(arrays, unchanged)
    outputs, running.kept = workspace.keep(lambda: running.record(function), _MOST)
    recorded = running.kept is not None and not running.refused and is_made_of_arrays(outputs)
    return (running.replay if recorded else None), outputs


def _allows(part):
    """Whether a part may be recorded: its class and its attributes come from minicnn, NumPy or Python, and none of its
    methods is replaced."""
    methods = [getattr(type(part), name, None) for name in ("forward", "backward", "update", "hold")]
    code = [type(part), *(method for method in methods if callable(method))]
    held = [value if callable(value) and hasattr(value, "__module__") else type(value) for value in vars(part).values()]
    replaced = any(name in vars(part) for name in ("forward", "backward", "update", "hold"))
    own = all((one.__module__ or "builtins").split(".")[0] in _OWN for one in [*code, *held])
    return own and not replaced and getattr(part, "may_be_recorded", True)
