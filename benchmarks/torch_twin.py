"""The networks of `models.py` in PyTorch, for images (N, C, H, W)."""

from __future__ import annotations

import models
import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU}


class Sum(nn.Module):
    """body(x) + shortcut(x)"""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Beside(nn.Module):
    """The channels of x, then those of body(x)."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return torch.cat((x, self.body(x)), 1)


def torch_model(name: str, dropout: bool = True) -> nn.Sequential:
    return _chain(models.layers(name, dropout), models.WORKLOADS[name].image)[0]


def _chain(network, shape):
    """(the layers as one module, the shape behind them as Keras counts it: (H, W, C) or (K,))"""
    modules, flattened = [], None
    for layer in network:
        match layer:
            case models.Residual(body, shortcut):
                branch, after = _chain(body, shape)
                modules.append(Sum(branch, _chain(shortcut, shape)[0]))
                shape = after
                continue
            case models.Concatenate(body):
                branch, (H, W, C) = _chain(body, shape)
                modules.append(Beside(branch))
                shape = H, W, shape[2] + C
                continue
            case models.Conv(filters, size, padding, strides, activation, bias):
                options = {"stride": strides, "bias": bias}
                modules += _convolution(shape, filters, size, padding, activation, options)
            case models.Depthwise(size, strides):
                options = {"stride": strides, "bias": False, "groups": shape[2]}
                modules += _convolution(shape, shape[2], size, "same", None, options)
            case models.Dense(units, activation):
                linear = nn.Linear(shape[0], units)
                linear.flattened, flattened = flattened, None
                modules += [linear, *_activated(activation)]
            case models.Pool(size, strides, kind):
                modules.append((nn.MaxPool2d if kind == "max" else nn.AvgPool2d)(size, strides))
            case models.GlobalPool():
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            case models.Norm():
                modules.append(nn.BatchNorm2d(shape[2], eps=1e-3, momentum=0.01))
            case models.Activation(activation):
                modules += _activated(activation)
            case models.Flatten():
                modules.append(nn.Flatten())
                flattened = shape
            case models.Dropout(rate):
                modules.append(nn.Dropout(rate))
        shape = models.shape_after(layer, shape)
    return nn.Sequential(*modules), shape


def _convolution(shape, filters, size, padding, activation, options):
    """The modules of a convolution. PyTorch pads both sides alike, so an odd row of zeros needs a module of its own."""
    before = []
    if padding == "same" and options["stride"] > 1:
        rows = models.padded(shape[0], size, options["stride"])
        if rows % 2:
            before, padding = [nn.ZeroPad2d((rows // 2, rows - rows // 2) * 2)], 0
        else:
            padding = rows // 2
    return [*before, nn.Conv2d(shape[2], filters, size, padding=padding, **options), *_activated(activation)]


def _activated(activation):
    return [ACTIVATIONS[activation]()] if activation else []


def set_torch_weights(model, weights) -> None:
    """Give the PyTorch network the weights of its Keras twin (in the description's order), in PyTorch's layouts."""
    arrays = iter(weights)

    def copy(place):
        if place is not None:  # a convolution without a bias
            place.copy_(torch.from_numpy(next(arrays)))

    with torch.no_grad():
        for module in model.modules():
            match module:
                case nn.Conv2d():
                    kernel = torch.from_numpy(next(arrays))
                    module.weight.copy_(
                        kernel.permute(3, 2, 0, 1) if module.groups == 1 else kernel.permute(2, 3, 0, 1)
                    )
                    copy(module.bias)
                case nn.BatchNorm2d():
                    for place in (module.weight, module.bias, module.running_mean, module.running_var):
                        copy(place)
                case nn.Linear():
                    kernel = torch.from_numpy(next(arrays))
                    if module.flattened:  # Keras flattens (H, W, C), PyTorch (C, H, W)
                        kernel = kernel.reshape(*module.flattened, -1).permute(2, 0, 1, 3).reshape(kernel.shape)
                    module.weight.copy_(kernel.T)
                    copy(module.bias)
