"""How many threads repeated work runs on, beside other programs and alone; on a clock and a machine of its own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import normal

import minicnn
from minicnn import layers
from minicnn.kernels.cpu import pace


class Machine:
    """A processor on which a call takes `seconds[threads]`; `clock` is the time, `threads` what Numba would use."""

    def __init__(self, threads):
        self.clock, self.threads, self.seconds, self.used = 0.0, threads, {}, []
        self.numba = SimpleNamespace(get_num_threads=lambda: self.threads, set_num_threads=self.set)

    def set(self, threads):
        self.threads = threads

    def work(self, arguments):
        self.used.append(self.threads)
        self.clock += self.seconds[self.threads]
        return arguments


@pytest.fixture
def machine(monkeypatch):
    """Four cores; alone, a call takes 8 ms on one thread and 2 ms on four."""
    made = Machine(4)
    made.seconds = {1: 8e-3, 2: 4e-3, 3: 2.7e-3, 4: 2e-3}
    monkeypatch.setattr(pace, "THREADS", 4)
    monkeypatch.setattr(pace, "CHOICES", (4, 3, 2))
    monkeypatch.setattr(pace, "numba", made.numba)
    monkeypatch.setattr(pace, "perf_counter", lambda: made.clock)
    monkeypatch.setattr(pace, "_process", pace._Process())
    return made


def calls(machine, run, seconds):
    """The numbers of threads that the calls of the next so many seconds run on."""
    end, before = machine.clock + seconds, len(machine.used)
    while machine.clock < end:
        assert run(machine.work, "result") == "result"
    return machine.used[before:]


def test_alone_all_threads_are_used(machine):
    used = calls(machine, pace.Pace(), 10)
    assert used.count(4) > 0.98 * len(used)
    assert used[-1] == 4 and machine.threads == 4


def test_alone_a_trial_loses_two_calls_for_each_other_number_of_threads(machine):
    run = pace.Pace()
    for _ in range(15):
        run(machine.work, "result")
    assert machine.used == [4] * 7 + [3] * 2 + [2] * 2 + [4] * 4
    assert pace._process.next_trial > machine.clock


def test_beside_a_busy_program_fewer_threads_are_used_and_later_all_again(machine):
    run = pace.Pace()
    calls(machine, run, 5)
    machine.seconds[4] = 9e-3  # each kernel waits for the thread that has no core
    used = calls(machine, run, 5)
    assert used.count(3) > 0.9 * len(used)
    machine.seconds[3] = 8e-3
    used = calls(machine, run, 5)
    assert used.count(2) > 0.7 * len(used)
    machine.seconds.update({3: 2.7e-3, 4: 2e-3})
    used = calls(machine, run, 10)
    assert used.count(4) > 0.6 * len(used) and used[-1] == 4


def test_trials_take_little_of_the_time(machine):
    machine.seconds[4] = 9e-3
    run = pace.Pace()
    used = calls(machine, run, 60)
    assert used.count(3) > 0.95 * len(used)


def test_one_slow_call_in_a_trial_changes_nothing(machine):
    run = pace.Pace()
    for call in range(40):
        machine.seconds[4] = 50e-3 if call == 16 else 2e-3
        run(machine.work, "result")
    assert machine.used[-1] == 4


def test_new_work_begins_with_what_other_work_has_found(machine):
    machine.seconds[4] = 9e-3
    calls(machine, pace.Pace(), 1)
    with pace.for_other_work():
        assert machine.threads == 3
    assert machine.threads == 4
    assert calls(machine, pace.Pace(), 0.01) == [3] * 4


def test_work_that_more_threads_do_not_help_says_nothing_of_other_work(machine):
    machine.seconds = dict.fromkeys((2, 3, 4), 1e-3)
    machine.seconds[2] = 0.95e-3
    calls(machine, pace.Pace(), 1)
    with pace.for_other_work():
        assert machine.threads == 4


def test_short_work_is_not_tried(machine):
    machine.seconds = {4: 9e-5, 3: 1e-6, 2: 1e-6}
    assert set(calls(machine, pace.Pace(), 0.1)) == {4}


def test_a_trial_within_other_work_uses_all_threads(machine):
    machine.seconds[4] = 9e-3
    run = pace.Pace()
    calls(machine, run, 1)
    machine.seconds[4] = 2e-3
    with pace.for_other_work():
        used = calls(machine, run, 5)
        assert machine.threads == 3
    assert used.count(4) > 0.5 * len(used)


def test_fewer_threads_that_a_user_has_set_stay_the_most(machine):
    machine.set(2)
    run = pace.Pace()
    assert set(calls(machine, run, 1)) == {2}
    pace._process.threads = 3
    with pace.for_other_work():
        assert set(calls(machine, run, 1)) == {2}
    assert machine.threads == 2


def test_an_error_leaves_the_threads_as_they_were(machine):
    pace._process.threads = 2

    def fail(arguments):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pace.Pace()(fail, "arguments")
    assert machine.threads == 4


def test_training_is_the_same_on_any_number_of_threads(monkeypatch):
    x, y = normal(96, 10, 10, 3, dtype=np.float32), np.arange(96) % 4
    weights = []
    for choices in ((pace.THREADS,), tuple(sorted({1, pace.THREADS}))):
        monkeypatch.setattr(pace, "CHOICES", choices)
        monkeypatch.setattr(pace, "_SHORT", 0.0)
        monkeypatch.setattr(pace, "_SLOWER", 0.0)  # every call may begin a trial
        monkeypatch.setattr(pace, "_SHARE", 0)
        monkeypatch.setattr(pace, "_process", pace._Process())
        minicnn.utils.set_random_seed(0)
        model = minicnn.Sequential([
            layers.Input((10, 10, 3)), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
            layers.Dropout(0.3), layers.Dense(4, activation="softmax"),
        ])  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        weights.append([*model.get_weights(), model.predict(x, verbose=0)])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_environment_is_left_as_it_was(python):
    code = """
import os
import numpy as np
from minicnn.ops import rescale
rescale.forward(np.ones((200, 300)), np.full(300, 2.0), np.ones(300))
print("GOMP_SPINCOUNT" in os.environ)
"""
    assert python(code).split() == ["False"]
    assert python(code, GOMP_SPINCOUNT="77").split() == ["True"]
