"""Draw training curves."""

from __future__ import annotations

from ..figures import figure_of


def history(record, first_epoch=1, keys=None):
    """Draw loss and metrics over the epochs. Each has a panel with its training and its validation curve.

    record: the History that `fit` returns, or its dictionary of lists. first_epoch: the first epoch drawn, counted from
    1, to leave out high values at the start. keys: the names to draw, without "val_"; all unless given.
    """
    logs = getattr(record, "history", record)
    names = [name for name in logs if not name.startswith("val_")]
    keys = list(dict.fromkeys(["loss"] * ("loss" in names) + names)) if keys is None else list(keys)
    missing = [key for key in keys if key not in logs and f"val_{key}" not in logs]
    if not keys or missing:
        raise ValueError(f"keys must be names from the record: {', '.join(sorted(logs))}; received {missing or keys}.")
    figure = figure_of((4.6 * len(keys), 3.6))
    for axes, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys, strict=True):
        for name, label, style in ((key, "training", "-"), (f"val_{key}", "validation", "--")):
            values = logs.get(name)
            if values is None:
                continue
            if not 1 <= first_epoch <= len(values):
                raise ValueError(f"first_epoch must be from 1 to {len(values)}; received first_epoch={first_epoch!r}.")
            epochs = range(first_epoch, len(values) + 1)
            axes.plot(epochs, values[first_epoch - 1 :], style, marker="." if len(epochs) < 30 else None, label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(key.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
