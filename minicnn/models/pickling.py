"""Models in pickles: what they are made from, their weights, and how far they are trained. No graph is followed, so a
deep model needs no deep stack."""

from __future__ import annotations

from ..registry import custom_object_scope


def parts_of(model) -> tuple:
    """What `rebuilt` takes."""
    classes = {type(layer).__name__: type(layer) for layer in model.flattened()}
    training = None
    if model.compiled:
        state = model.optimizer.state(model.trainable_weights) if model.built else None
        optimizer = type(model.optimizer), model.optimizer.get_config()
        training = optimizer, state, model.compile_arguments
    weights = model.get_weights() if model.built else None
    return type(model), model.get_config(), classes, model._built_for, weights, training


def rebuilt(model_class, config, classes, built_for, weights, training):
    """The model of these parts."""
    with custom_object_scope(classes):
        model = model_class.from_config(config)
    if not model.built and built_for is not None:  # a class of one's own
        model.build_for(built_for)
    if weights is not None:
        model.set_weights(weights)
    if training is not None:
        (optimizer_class, optimizer_config), state, arguments = training
        model.compile(optimizer_class.from_config(optimizer_config), **arguments)
        if state is not None:
            model.optimizer.set_state(model.trainable_weights, state)
    return model
