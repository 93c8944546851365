"""One library trains and predicts with one network, in a separate process that waits for commands.

    python benchmarks/contestants.py LIBRARY NETWORK      (started by rivals.py)

Reads commands from standard input and answers each with one line of JSON:

    save FILE      write the weights (minicnn only)          load FILE      read them
    check          logits of a fixed batch, and the losses of three training steps, both without dropout
    train          milliseconds per training step over one shuffled epoch
    predict        milliseconds for four times the training batch
    memory         the process's peak memory in megabytes (VmHWM)

Every library is used as its users would use it for speed. minicnn and Keras run `fit` and `predict`, timed from the
first batch to the last. PyTorch runs a plain loop over tensors, without a DataLoader. All shuffle the images, and all
keep a running loss and accuracy.

The timed steps learn at RATE, which hardly changes a weight. At Adam's default rate a network memorizes the random
images within an epoch, and most of its units die. minicnn skips zero gradients behind a pool, so dead units would make
it faster: fashion's second pool then passes on one fiftieth of its gradients, but half of them on real Fashion-MNIST.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from models import WORKLOADS, keras_model, set_torch_weights, torch_model

LIBRARIES = {
    "minicnn": "minicnn",
    "keras": "Keras on TensorFlow",
    "keras-jit": "Keras on TensorFlow, jit_compile",
    "torch": "PyTorch",
    "torch-channels-last": "PyTorch, channels_last, fused Adam",
    "torch-compile": "PyTorch, torch.compile, fused Adam",
}
CHECKED_STEPS = 3
RATE = 1e-6  # of the timed steps; the checked steps have Adam's default rate, 0.001


def images(name):
    """Random images and labels for a network."""
    work, rng = WORKLOADS[name], np.random.default_rng(0)
    n = work.batch * work.batches
    return rng.random((n, *work.image), np.float32), rng.integers(0, work.classes, n)


class KerasLike:
    """minicnn or Keras, by the same calls."""

    def __init__(self, library, name):
        import importlib

        self.k, self.name, self.work = importlib.import_module(library.split("-")[0]), name, WORKLOADS[name]
        self.options = {"jit_compile": library.endswith("jit")} if library.startswith("keras") else {}
        self.x, self.y = images(name)
        self.k.utils.set_random_seed(0)
        self.model = self._compiled(dropout=True, rate=RATE)
        self.timer = self._timer()

    def _compiled(self, dropout, rate):
        model = keras_model(self.k, self.name, dropout)
        loss = self.k.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(self.k.optimizers.Adam(rate), loss, metrics=["accuracy"], **self.options)
        return model

    def _timer(self):
        class Timer(self.k.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.started = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):
                self.seconds = time.perf_counter() - self.started

            def on_predict_begin(self, logs=None):
                self.started = time.perf_counter()

            def on_predict_end(self, logs=None):
                self.seconds = time.perf_counter() - self.started

        return Timer()

    def save(self, file):
        np.savez(file, *self.model.get_weights())

    def load(self, file):
        with np.load(file) as arrays:
            self.weights = [arrays[key] for key in arrays.files]
        self.model.set_weights(self.weights)

    def check(self):
        twin = self._compiled(dropout=False, rate=1e-3)
        twin.set_weights(self.weights)
        x, y = self.x[: self.work.batch], self.y[: self.work.batch]
        logits = np.asarray(twin.predict(x, verbose=0))
        losses = [float(twin.train_on_batch(x, y)[0]) for _ in range(CHECKED_STEPS)]
        return {"logits": logits.tolist(), "losses": losses}

    def train(self):
        # Train for two epochs and time the second, because the first may have to make its buffers.
        self.model.fit(self.x, self.y, self.work.batch, epochs=2, verbose=0, callbacks=[self.timer])
        return self.timer.seconds / self.work.batches * 1e3

    def predict(self):
        batch = 4 * self.work.batch
        self.model.predict(self.x, batch, verbose=0, callbacks=[self.timer])
        return self.timer.seconds / (len(self.x) / batch) * 1e3


class Torch:
    """PyTorch, used in one of three ways: plain, channels_last, or torch.compile."""

    def __init__(self, library, name):
        import torch

        self.torch, self.way, self.name, self.work = torch, library, name, WORKLOADS[name]
        # TensorFlow and minicnn do this too: with dead units, denormal numbers cost more time than all the rest.
        torch.set_flush_denormal(True)
        x, y = images(name)
        self.x = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        if library != "torch":
            self.x = self.x.to(memory_format=torch.channels_last)
        self.y = torch.from_numpy(y)
        self.model, self.optimizer = self._made(dropout=True, rate=RATE)

    def _made(self, dropout, rate):
        torch = self.torch
        model = torch_model(torch, self.name, dropout)
        if self.way != "torch":
            model = model.to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(model.parameters(), rate, eps=1e-7, fused=self.way != "torch")
        return model, optimizer

    def _runner(self, model):
        return self.torch.compile(model) if self.way == "torch-compile" else model

    def load(self, file):
        with np.load(file) as arrays:
            self.weights = [arrays[key] for key in arrays.files]
        set_torch_weights(self.torch, self.model, self.name, self.weights)
        self.run = self._runner(self.model)

    def _step(self, run, optimizer, x, y):
        optimizer.zero_grad(set_to_none=True)
        logits = run(x)
        loss = self.torch.nn.functional.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        return loss.detach(), (logits.argmax(1) == y).sum()

    def check(self):
        model, optimizer = self._made(dropout=False, rate=1e-3)
        set_torch_weights(self.torch, model, self.name, self.weights)
        run = self._runner(model)
        x, y = self.x[: self.work.batch], self.y[: self.work.batch]
        with self.torch.inference_mode():
            logits = run.eval()(x).tolist()
        run.train()
        losses = [self._step(run, optimizer, x, y)[0].item() for _ in range(CHECKED_STEPS)]
        return {"logits": logits, "losses": losses}

    def train(self):
        torch, batch = self.torch, self.work.batch
        self.run.train()
        started = time.perf_counter()
        order = torch.randperm(len(self.x), device=self.x.device)
        total, right = torch.zeros((), device=order.device), torch.zeros((), dtype=torch.long, device=order.device)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            loss, correct = self._step(self.run, self.optimizer, self.x[rows], self.y[rows])
            total += loss
            right += correct
        total.item(), right.item()
        return (time.perf_counter() - started) / self.work.batches * 1e3

    def predict(self):
        batch = 4 * self.work.batch
        self.run.eval()
        started = time.perf_counter()
        with self.torch.inference_mode():
            parts = [self.run(self.x[start : start + batch]) for start in range(0, len(self.x), batch)]
            self.torch.cat(parts).cpu().numpy()
        return (time.perf_counter() - started) / (len(self.x) / batch) * 1e3


def peak_memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def main():
    library, name = sys.argv[1:]
    serve((Torch if library.startswith("torch") else KerasLike)(library, name))


def serve(contestant):
    """Answer the commands from standard input until it ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = peak_memory() if command == "memory" else getattr(contestant, command)(*arguments)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
