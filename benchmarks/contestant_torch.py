"""PyTorch, used in one of three ways: plain, channels_last, or torch.compile. Started by `contestants.py`."""

from __future__ import annotations

import time

import numpy as np
import torch
from contestants import CHECKED_STEPS, RATE, THREADS, Contestant
from torch_twin import set_torch_weights, torch_model


class Torch(Contestant):
    def __init__(self, library, name):
        super().__init__(library, name)
        torch.set_num_threads(THREADS)
        # TensorFlow and minicnn do this too: with dead units, denormal numbers cost more time than all the rest.
        torch.set_flush_denormal(True)
        self.x = torch.from_numpy(np.ascontiguousarray(self.x.transpose(0, 3, 1, 2)))
        if library != "torch":
            self.x = self.x.to(memory_format=torch.channels_last)
        self.y = torch.from_numpy(self.y)
        classes = self.work.loss == "cross-entropy"
        self.loss = torch.nn.functional.cross_entropy if classes else torch.nn.functional.mse_loss
        self.model, self.optimizer = self._made(dropout=True, rate=RATE)

    def _made(self, dropout, rate):
        model = torch_model(self.name, dropout)
        if self.way != "torch":
            model = model.to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(model.parameters(), rate, eps=1e-7, fused=self.way != "torch")
        return model, optimizer

    def _runner(self, model):
        return torch.compile(model) if self.way == "torch-compile" else model

    def use(self, weights):
        set_torch_weights(self.model, weights)
        self.run = self._runner(self.model)

    def _step(self, run, optimizer, x, y):
        """(the loss, how many are right): for numbers instead of classes, none."""
        optimizer.zero_grad(set_to_none=True)
        logits = run(x)
        loss = self.loss(logits, y)
        loss.backward()
        optimizer.step()
        return loss.detach(), 0 if y.is_floating_point() else (logits.argmax(1) == y).sum()

    def check(self):
        model, optimizer = self._made(dropout=False, rate=1e-3)
        set_torch_weights(model, self.weights)
        run = self._runner(model)
        x, y = self.first_batch()
        with torch.inference_mode():
            logits = run.eval()(x).tolist()
        run.train()
        losses = [self._step(run, optimizer, x, y)[0].item() for _ in range(CHECKED_STEPS)]
        return {"logits": logits, "losses": losses}

    def train(self):
        batch = self.work.batch
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
        self.run.eval()
        started = time.perf_counter()
        with torch.inference_mode():
            torch.cat([self.run(self.x[rows]) for rows in self.batches()]).cpu().numpy()
        return self.milliseconds_per_batch(time.perf_counter() - started)

    def caller(self):
        run, image = self.run.eval(), self.x[:1]

        def call():
            with torch.inference_mode():
                return run(image).cpu().numpy()

        return call
