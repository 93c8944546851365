"""Plots of training and of what a network computes, as matplotlib figures: `figure.savefig("name.png")`.

history            loss and metrics over the epochs, of training and validation
filters            a convolution's kernels
feature_maps       a layer's outputs for an image; before and after training
predictions        images with the predicted class and the right one
confusion_matrix   how often each class is predicted as each other class
pixels             an image as its matrix of numbers
explore            an HTML page on which one's own network computes, with every number
grad_cam           the places in an image that are evidence for a class

`grid` is the figure of many small images that filters, feature_maps and predictions draw on.
"""

from ..registry import missing_name
from .explore import explore
from .feature_maps import feature_maps
from .filters import filters
from .grad_cam import grad_cam, grad_cam_map
from .history import history
from .pixels import pixels
from .predictions import confusion_matrix, predictions


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "confusion_matrix", "explore", "feature_maps", "filters", "grad_cam", "grad_cam_map", "history", "pixels",
    "predictions",
]  # fmt: skip
