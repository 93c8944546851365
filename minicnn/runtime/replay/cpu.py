"""Record the work as a list of calls and replay the list, see `kernels/cpu/recording.py`.

Work is recorded only if all its code is minicnn's own. Other code may change arrays without the recording noticing.
"""

from __future__ import annotations

from functools import partial

from ...kernels.cpu import workspace
from ...kernels.cpu.pace import Pace
from ...kernels.cpu.recording import Recording, is_made_of_arrays
from .recorded import Recorded, is_own

_MOST = 1 << 27  # bytes that a recording may keep; a step that needs more spends its time in kernels, not in Python


def make(function, parts):
    return Recorded(function, parts, _record_step, _allows, Pace())


def _record_step(function, arrays):
    running = Recording(arrays)
    outputs, running.kept = workspace.keep(lambda: running.record(function), _MOST)
    recorded = running.kept is not None and not running.refused and is_made_of_arrays(outputs)
    return (running.replay if recorded else None), outputs


def make_prediction(function, parts, unchanged, idle):
    return Recorded(function, parts, partial(_record_prediction, unchanged, idle), _allows, Pace())


def _record_prediction(unchanged, idle, function, arrays):
    running = Recording(arrays, unchanged)
    outputs = workspace.share(lambda: running.record(function), idle)
    return (None if running.refused else running.replay), outputs


def _allows(part):
    return is_own(part) and getattr(part, "may_be_recorded", True)
