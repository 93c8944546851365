"""PyTorch on the GPU. Started by `gpu.py`."""

from __future__ import annotations

import time

import torch
from contestant_torch import Torch
from torch_twin import torch_model


class TorchOnGPU(Torch):
    """PyTorch on the GPU: eager, with torch.compile, or with a whole step as a CUDA graph."""

    def __init__(self, library, name):
        torch.backends.cudnn.allow_tf32 = False
        super().__init__(library, name)
        self.x, self.y, self.graph = self.x.cuda(), self.y.cuda(), None

    def _made(self, dropout, rate):
        model = torch_model(self.name, dropout).cuda().to(memory_format=torch.channels_last)
        capturable = {"capturable": True} if self.way == "torch-graph" else {}
        return model, torch.optim.Adam(model.parameters(), rate, eps=1e-7, fused=True, **capturable)

    def train(self):
        if self.way != "torch-graph":
            return super().train()
        return self._train_graph()

    def _train_graph(self):
        """Capture a step once, then replay it for an epoch; see "CUDA Graphs" in PyTorch's documentation."""
        batch = self.work.batch
        self.run.train()
        if self.graph is None:
            self.inputs, self.labels = self.x[:batch].clone(), self.y[:batch].clone()
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self._step(self.run, self.optimizer, self.inputs, self.labels)
            torch.cuda.current_stream().wait_stream(side)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.outputs = self._step(self.run, self.optimizer, self.inputs, self.labels)
        started = time.perf_counter()
        order = torch.randperm(len(self.x), device="cuda")
        total, right = torch.zeros((), device="cuda"), torch.zeros((), dtype=torch.long, device="cuda")
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            self.inputs.copy_(self.x[rows])
            self.labels.copy_(self.y[rows])
            self.graph.replay()
            total += self.outputs[0]
            right += self.outputs[1]
        total.item(), right.item()
        return (time.perf_counter() - started) / self.work.batches * 1e3
