"""Rearranging in NumPy: the definition."""

from __future__ import annotations

import numpy as np


def forward(x, table, fill=0.0, need_saved=True):
    y = np.where(table.index < 0, x.dtype.type(fill), x[:, table.index] if table.K else x.dtype.type(0))
    return np.broadcast_to(y, (len(x), table.index.size)), (table if need_saved else None)


def backward(dy, saved):
    dx, copied = np.zeros((len(dy), saved.K), dy.dtype), saved.index >= 0
    np.add.at(dx, (slice(None), saved.index[copied]), dy[:, copied])
    return dx
