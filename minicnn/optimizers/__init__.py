"""Optimizers as Keras names them.

base       Optimizer: rate, clipping, weight decay, memory      schedules   rates that change with the step
sgd        SGD with momentum            rmsprop    RMSprop       adam        Adam and AdamW
adamax     Adamax                       adagrad    Adagrad       adadelta    Adadelta
nadam      Nadam                        lamb       Lamb          lion        Lion
ftrl       Ftrl                         adafactor  Adafactor     muon        Muon
memories   the arrays that an optimizer keeps for each weight, and their order in files
loss_scale LossScaleOptimizer
"""

from ..registry import missing_name
from ..registry import serialize as registry_serialize
from . import schedules
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .base import Optimizer, get, registry
from .ftrl import Ftrl
from .lamb import Lamb
from .lion import Lion
from .loss_scale import LossScaleOptimizer
from .muon import Muon
from .nadam import Nadam
from .rmsprop import RMSprop
from .sgd import SGD


def serialize(optimizer) -> dict:
    """An optimizer as {"class_name", "config"}."""
    return registry_serialize(optimizer)


def deserialize(config, custom_objects=None) -> Optimizer:
    """An optimizer from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "Muon", "Nadam", "Optimizer", "RMSprop", "deserialize", "get", "registry", "schedules", "serialize",
]  # fmt: skip
