"""Pickles of models: configuration, weights, and the state of the training. Pickling does not follow the graph from
layer to layer, so a deep model needs no deep recursion."""

from __future__ import annotations

from ..registry import custom_object_scope


def classes_in(model) -> dict[str, type]:
    """{name: class} of all layers, and of a user's regularizers, initializers and constraints in them."""
    layers = model.flattened()
    held = [part for layer in layers for part in vars(layer).values() if hasattr(part, "get_config")]
    own = [part for part in held if not type(part).__module__.startswith("minicnn.")]
    return {type(part).__name__: type(part) for part in [*own, *layers]}


def parts_of(model) -> tuple:
    """The arguments with which `rebuilt` makes an equal model."""
    classes = classes_in(model)
    training = None
    if model.compiled:
        optimizer = type(model.optimizer), model.optimizer.get_config()
        training = optimizer, _progress_of(model) if model.built else None, model.compile_arguments
    weights = model.get_weights() if model.built else None
    counters = [(part.random_stream, part.random_counter) for part in _random_parts(model)]
    return type(model), model.get_config(), classes, model._built_for, (weights, counters), training


def _random_parts(model) -> list:
    """The layers that draw random numbers, and the generators that layers hold."""
    held = [part for layer in model.flattened() for part in (layer, *vars(layer).values())]
    return list({id(part): part for part in held if hasattr(part, "random_counter")}.values())


def _progress_of(model):
    """The optimizer's (indices of weights with memories, state for these, indices of weights without weight decay)."""
    optimizer, places = model.optimizer, list(enumerate(model.weights))
    remembered = [i for i, v in places if optimizer.remembers(v)]
    spared = [i for i, v in places if not optimizer.decays(v)]
    return remembered, optimizer.state([model.weights[i] for i in remembered]), spared


def rebuilt(model_class, config, classes, built_for, weights_and_counters, training):
    """The model made from what `parts_of` returned."""
    with custom_object_scope(classes):
        model = model_class.from_config(config)
    if not model.built and built_for is not None:  # a user's subclass
        model.build_for(built_for)
    weights, counters = weights_and_counters
    if weights is not None:
        model.set_weights(weights)
    for part, state in zip(_random_parts(model), counters, strict=True):
        part.random_stream, part.random_counter = state
    if training is not None:
        (optimizer_class, optimizer_config), progress, arguments = training
        model.compile(optimizer_class.from_config(optimizer_config), **arguments)
        if progress is not None:
            remembered, state, spared = progress
            model.optimizer.set_state([model.weights[i] for i in remembered], state)
            model.optimizer.exclude_from_weight_decay([model.weights[i] for i in spared])
    return model
