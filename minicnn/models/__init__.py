"""Models: layers put together, and trained.

training_step  what happens to one batch: read it first     trainer      compile and fit: epochs, callbacks, arguments
schedule       what is joined, kept and freed               inference    evaluate and predict
recorded_step  which steps are recorded and replayed       prediction    a small batch, recorded and replayed
sequential     layers in a row                              functional   Model(inputs, outputs)
graph          which layer runs when                        graph_config the graph as Keras's JSON
heads          loss and metrics of each output              by_name      inputs and outputs as lists or by name
checks         data and model checked before a run          data         arrays cut into batches
batches        generators and PyDataset                     progress     the line that fit prints
drawn          `call` run on symbols, its graph     alone        whether images of a batch are mixed
summary        the table of layers                          nonfinite    which layer gave the first NaN
files          save_model, load_model                       cloning      clone_model
pickling       models in pickles
"""

from ..layers.base import registry
from ..registry import missing_name
from . import drawn  # noqa: F401 - runs what defines `call`
from .cloning import clone_model
from .files import load_model, model_from_json, save_model
from .functional import Functional, Model
from .sequential import Sequential

registry.entries |= {"Functional": Functional, "Model": Functional, "Sequential": Sequential}


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
