"""The five networks that are timed, for Keras and for PyTorch: the same layers and the same numbers of weights.

All networks end in logits. With `dropout=False` two libraries can be compared number by number.
"""

from __future__ import annotations

from typing import NamedTuple


class Workload(NamedTuple):
    """The images (H, W, C) that a network takes, the images per batch, the number of classes, and of batches."""

    image: tuple[int, int, int]
    batch: int
    classes: int
    batches: int


WORKLOADS = {
    "fashion": Workload((28, 28, 1), 32, 10, 60),
    "mlp": Workload((28, 28, 1), 32, 10, 300),
    "mnistcnn": Workload((28, 28, 1), 128, 10, 20),
    "cifar": Workload((32, 32, 3), 32, 10, 30),
    "catdog": Workload((224, 224, 3), 32, 2, 4),
}


def layers(name: str, dropout: bool = True) -> list[tuple]:
    """A network as a list of (kind, arguments...), from which it is built in both libraries."""
    drop = (lambda rate: [("dropout", rate)]) if dropout else (lambda rate: [])
    if name == "fashion":
        return [
            ("conv", 32, 3, "same"), ("pool",), ("conv", 64, 3, "same"), ("pool",),
            ("flatten",), ("dense", 100, True), *drop(0.4), ("dense", 10, False),
        ]  # fmt: skip
    if name == "mlp":
        return [("flatten",), *(("dense", units, True) for units in (512, 256, 128, 64)), ("dense", 10, False)]
    if name == "mnistcnn":
        return [
            ("conv", 64, 2, "same"), ("pool",), ("conv", 128, 2, "same"), ("pool",), ("flatten",), ("dense", 10, False)
        ]  # fmt: skip
    if name == "cifar":
        made = []
        for filters in (32, 64, 64):
            made += [("conv", filters, 3, "same"), ("conv", filters, 3, "same"), ("pool",), *drop(0.25)]
        return [*made, ("flatten",), ("dense", 128, True), *drop(0.5), ("dense", 10, False)]
    if name == "catdog":
        made = []
        for filters in (32, 64, 128):
            made += [("norm",), ("conv", filters, 3, "valid"), ("pool",)]
        return [*made, ("flatten",), *drop(0.5), ("dense", 2, False)]
    raise ValueError(f"The networks are {', '.join(WORKLOADS)}; received {name!r}.")


def keras_model(k, name: str, dropout: bool = True):
    """The network, built with the library k: minicnn or keras."""
    made = {
        "conv": lambda filters, size, padding: k.layers.Conv2D(filters, size, padding=padding, activation="relu"),
        "pool": lambda: k.layers.MaxPooling2D(2),
        "norm": lambda: k.layers.BatchNormalization(),
        "flatten": lambda: k.layers.Flatten(),
        "dense": lambda units, relu: k.layers.Dense(units, activation="relu" if relu else None),
        "dropout": lambda rate: k.layers.Dropout(rate),
    }
    inputs = k.Input(WORKLOADS[name].image)
    return k.Sequential([inputs, *(made[kind](*arguments) for kind, *arguments in layers(name, dropout))])


def torch_model(torch, name: str, dropout: bool = True):
    """The network in PyTorch, for images (N, C, H, W)."""
    from torch import nn

    (H, W, C), modules = WORKLOADS[name].image, []
    for kind, *arguments in layers(name, dropout):
        if kind == "conv":
            filters, size, padding = arguments
            modules += [nn.Conv2d(C, filters, size, padding=padding), nn.ReLU()]
            C = filters
            H, W = (H, W) if padding == "same" else (H - size + 1, W - size + 1)
        elif kind == "pool":
            modules.append(nn.MaxPool2d(2))
            H, W = H // 2, W // 2
        elif kind == "norm":
            modules.append(nn.BatchNorm2d(C, eps=1e-3, momentum=0.01))
        elif kind == "flatten":
            modules.append(nn.Flatten())
            H, W, C = 1, 1, H * W * C
        elif kind == "dense":
            units, relu = arguments
            modules += [nn.Linear(C, units), *([nn.ReLU()] if relu else [])]
            C = units
        elif kind == "dropout":
            modules.append(nn.Dropout(*arguments))
    return nn.Sequential(*modules)


def set_torch_weights(torch, model, name: str, weights) -> None:
    """Give the PyTorch network the weights of its Keras twin, in PyTorch's layouts."""
    (H, W, C), flattened, arrays = WORKLOADS[name].image, None, iter(weights)
    with torch.no_grad():
        for module in model:
            kind = type(module).__name__
            if kind == "Conv2d":
                module.weight.copy_(torch.from_numpy(next(arrays)).permute(3, 2, 0, 1))
                module.bias.copy_(torch.from_numpy(next(arrays)))
                C = module.out_channels
                if module.padding == "valid":
                    H, W = H - module.kernel_size[0] + 1, W - module.kernel_size[1] + 1
            elif kind == "MaxPool2d":
                H, W = H // 2, W // 2
            elif kind == "Flatten":
                flattened = (H, W, C)
            elif kind == "BatchNorm2d":
                for place in (module.weight, module.bias, module.running_mean, module.running_var):
                    place.copy_(torch.from_numpy(next(arrays)))
            elif kind == "Linear":
                kernel = torch.from_numpy(next(arrays))
                if flattened:  # Keras flattens (H, W, C), PyTorch (C, H, W)
                    kernel = kernel.reshape(*flattened, -1).permute(2, 0, 1, 3).reshape(kernel.shape)
                    flattened = None
                module.weight.copy_(kernel.T)
                module.bias.copy_(torch.from_numpy(next(arrays)))
