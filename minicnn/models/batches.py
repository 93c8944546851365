"""Where batches come from: arrays cut into pieces, a `PyDataset`, or anything that can be iterated over.

`begin()` starts a pass over a source. It gives the batches one after the other as (data, rows): these rows of the data
are the batch. `length` is the number of batches in a pass, None if it is not known. `once` says that the source can
begin only one pass.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..shapes import is_positive_integer

_AHEAD = 2  # batches that are made while one is trained on
_EVERYTHING = slice(None)
_END = object()


class PyDataset:
    """A data set that makes its batches by number: subclass it with `__len__` and `__getitem__`.

    `self[i]` is batch i: (x, y) or (x, y, weights). `workers` threads make batches ahead of the training, at most
    max_queue_size of them; use_multiprocessing is accepted and changes nothing. `on_epoch_end` is called after every
    pass. If the number of batches is not known, override `num_batches` to return None.
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        if not (is_positive_integer(workers) and is_positive_integer(max_queue_size)):
            raise ValueError(
                "workers and max_queue_size must be positive integers; received "
                f"workers={workers!r}, max_queue_size={max_queue_size!r}."
            )
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    @property
    def num_batches(self) -> int | None:
        """The number of batches, or None if there is no end."""
        return len(self)

    def __len__(self):
        raise NotImplementedError(f"{type(self).__name__} does not define __len__, its number of batches.")

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__, its batches.")

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def on_epoch_begin(self): ...
    def on_epoch_end(self): ...

    def _order_state(self):
        """What decides all batches to come, for minicnn's own data sets."""

    def _set_order_state(self, state): ...


class ArraySource:
    """The rows of a `Data`, batch_size at a time, in a new random order for every pass if a generator is given."""

    once = False

    def __init__(self, data, batch_size, generator: np.random.Generator | None = None):
        self.data, self.batch_size, self.generator = data, batch_size, generator
        self.length = math.ceil(data.size / batch_size)

    def state(self):
        """What decides the order of the passes to come."""
        return {"order": None if self.generator is None else self.generator.bit_generator.state}

    def set_state(self, state):
        if self.generator is not None and state.get("order"):
            self.generator.bit_generator.state = state["order"]

    def begin(self):
        order = None if self.generator is None else self.generator.permutation(self.data.size)
        return ((self.data, rows) for rows in self.data.batches(self.batch_size, order))

    def close(self): ...


class BatchSource:
    """Batches from a PyDataset or an iterable, made ahead of time in threads.

    make(batch) turns what `batches` yields into a `Data`.
    """

    def __init__(self, batches, make, generator: np.random.Generator | None = None):
        self.batches, self.make, self.generator = batches, make, generator
        self.numbered = isinstance(batches, PyDataset)
        self.length = batches.num_batches if self.numbered else _length(batches)
        self.once = not self.numbered and hasattr(batches, "__next__")
        self._threads: ThreadPoolExecutor | None = None

    def state(self):
        """What decides the order of the passes to come."""
        own = self.batches._order_state() if self.numbered else None
        return {"order": None if self.generator is None else self.generator.bit_generator.state, "batches": own}

    def set_state(self, state):
        if self.generator is not None and state.get("order"):
            self.generator.bit_generator.state = state["order"]
        if state.get("batches") is not None and self.numbered:
            self.batches._set_order_state(state["batches"])

    def begin(self):
        self.close()
        tasks, workers, ahead = (self._numbered if self.numbered else self._iterated)()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="minicnn-batches")
        return self._made_ahead(self._threads, tasks, ahead)

    def _numbered(self):
        """(functions that each make one batch, number of threads, number of batches made ahead), for a PyDataset."""
        self.batches.on_epoch_begin()
        numbers = itertools.count() if self.length is None else range(self.length)
        if self.generator is not None and self.length is not None:
            numbers = self.generator.permutation(self.length).tolist()
        workers = getattr(self.batches, "workers", 1)  # a subclass may not have called __init__
        tasks = (lambda i=i: self.make(self.batches[i]) for i in numbers)
        return tasks, workers, min(max(_AHEAD, workers), getattr(self.batches, "max_queue_size", 10))

    def _iterated(self):
        iterator = iter(self.batches)

        def next_one():
            batch = next(iterator, _END)
            return batch if batch is _END else self.make(batch)

        return itertools.repeat(next_one), 1, _AHEAD

    def _made_ahead(self, threads, tasks, ahead):
        """Yield the results of the tasks in order, while the threads work on the next `ahead` tasks."""
        waiting = deque(threads.submit(task) for task in itertools.islice(tasks, ahead))
        while waiting:
            data = waiting.popleft().result()
            if data is _END:
                return
            waiting.extend(threads.submit(task) for task in itertools.islice(tasks, 1))
            yield data, _EVERYTHING
        if self.numbered:
            self.batches.on_epoch_end()

    def close(self):
        """Stop the threads. They finish the batches that they are making, and these are dropped. For a generator they
        also finish all waiting batches. So a generator always stops at the same batch and can be reused."""
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=not self.once)
            self._threads = None


def _length(batches):
    """The number of batches that an iterable reports with `len`, or None."""
    try:
        return len(batches)
    except TypeError:
        return None


def is_source_of_batches(x) -> bool:
    """Whether x yields batches instead of being the data itself."""
    array_like = isinstance(x, (np.ndarray, list, tuple, dict, str)) or hasattr(x, "__array__")
    return isinstance(x, PyDataset) or (hasattr(x, "__iter__") and not array_like)


def refuse_beside_batches(**arguments):
    """ValueError if an argument is given that goes with arrays only."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"If x yields batches, leave {name} out: each batch holds its own targets and weights.")


def parts_of_batch(batch):
    """(x,), (x, y) or (x, y, weights), from what a source yields. A list of one to three parts counts as a tuple."""
    if isinstance(batch, (tuple, list)) and 1 <= len(batch) <= 3:
        return tuple(batch)
    if isinstance(batch, (tuple, list)):
        raise ValueError(f"A batch is (x, y) or (x, y, weights); received {len(batch)} parts.")
    return (batch,)


class Passes:
    """Passes over a source, one after another. Each takes all batches, or the next `steps` batches after the last pass.

    anew: every pass begins with the first batch, as in validation, so that results can be compared. `length` is the
    number of batches in a pass, None as long as it is not known. check(data), if given, is called with every batch
    before the batch is used.
    """

    def __init__(self, source, steps=None, label="steps_per_epoch", check=None, anew=False):
        if steps is not None and not is_positive_integer(steps):
            raise ValueError(f"{label} must be a positive integer; received {label}={steps!r}.")
        if steps is None and getattr(source, "numbered", False) and source.length is None:
            raise ValueError(f"The data set has no end: give the number of batches in a pass with {label}.")
        self.source, self.steps, self.check, self.anew = source, steps, check, anew
        self.length = steps or source.length
        self.ran_out = False
        self._running = None
        self._begun = False
        self._before, self._given = None, 0  # the source's state before the running pass; its batches so far

    def state(self) -> dict:
        """Where the passes are: what `go_on` needs."""
        if self._running is None:
            return {"source": self.source.state(), "given": 0}
        return {"source": self._before, "given": self._given}

    def go_on(self, state: dict) -> None:
        """Bring passes over an equal source to where others were. The batches before that are made and dropped."""
        self.source.set_state(state["source"])
        if not self.source.once:  # else its first batch waits in the running pass
            self._running = None
        if state["given"]:
            if self._running is None:
                self._start()
            for _ in range(state["given"]):
                next(self._running, None)
            self._given = state["given"]

    def first(self):
        """The data of the first batch, to be checked. The first pass gives this batch again."""
        self._start()
        batch = next(self._running, None)
        if batch is None:
            raise ValueError("The data contain no batches; at least one is needed.")
        self._running = itertools.chain([batch], self._running)
        return batch[0]

    def _start(self):
        """Begin a new pass over the source, or continue the first one if the source allows only one."""
        if not (self._begun and self.source.once):
            self._before, self._given = self.source.state(), 0
            self._running = self.source.begin()
        self._begun = True

    def batches(self, done=0):
        """Yield the batches of the next pass: `steps` of them, or fewer if the source ends. The pass after that begins
        the source again. If the source can begin only once, `ran_out` says that there were too few batches, or none.
        done: the batches of this pass that an earlier training has had."""
        if self._running is None:
            self._start()
        count = done
        while self.steps is None or count < self.steps:
            batch = next(self._running, None)
            if batch is None:
                break
            if self.check is not None:  # only the first batch has been checked already
                self.check(batch[0])
            count += 1
            self._given += 1
            yield batch
        if self.source.once:
            self.ran_out = count == 0 or (self.steps is not None and count < self.steps)
        elif self.anew or self.steps is None or self._is_over():
            self._running = None
        if self.steps is None and count:
            self.length = count

    def _is_over(self):
        """Whether the source has no further batch. If it has one, the next pass begins with this batch."""
        batch = next(self._running, None)
        if batch is not None:
            self._running = itertools.chain([batch], self._running)
        return batch is None

    def close(self) -> None:
        """Stop making batches ahead."""
        self.source.close()
