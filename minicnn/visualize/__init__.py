"""Pictures of training and of what a network sees, as matplotlib figures: `figure.savefig("name.png")`.

history            loss and metrics over the epochs, of training and validation
filters            a convolution's kernels
feature_maps       what a layer makes of an image; before and after training
predictions        images with their labels and what the network thinks of them
confusion_matrix   which class is taken for which
pixels             an image as its matrix of numbers
grad_cam           where in the image the evidence for a class lies

`grid` is the figure of many small images that filters, feature_maps and predictions draw on.
"""

from .feature_maps import feature_maps
from .filters import filters
from .grad_cam import grad_cam, grad_cam_map
from .history import history
from .pixels import pixels
from .predictions import confusion_matrix, predictions

__all__ = [
    "confusion_matrix", "feature_maps", "filters", "grad_cam", "grad_cam_map", "history", "pixels", "predictions",
]  # fmt: skip
