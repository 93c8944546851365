"""Before the first step of training, evaluation or prediction: check the data, and build the model for them."""

from __future__ import annotations

from ..layers.batch_norm import BatchNormalization
from ..layers.dropout import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from ..nest import is_nested, taken_apart
from ..printing import say
from .batches import ArraySource, BatchSource, Passes, parts_of_batch
from .data import Data

_STEPS_OF_KERAS = (
    "train_step", "test_step", "compute_loss", "compute_metrics", "make_train_function", "make_test_function",
)  # fmt: skip
_TRAIN_OTHERWISE = (AlphaDropout, BatchNormalization, Dropout, GaussianDropout, GaussianNoise)


class Checks:
    """The part of a model that checks whether data fit the model."""

    def _data(self, x, y=None, sample_weight=None):
        if self._draws and x is not None:
            self.take_form_of(x)
            if not self.built or self._outputs_of_heads() is None:
                data = Data(x, None, None, self.input_names, self.output_names)
                self._build_for(data)
                self._shapes_of_outputs([part.shape for part in data.xs])
            self._renew_heads()
        losses = self._heads_with_loss()
        if hasattr(y, "__array__") and len(losses) == 1 < len(self._heads):  # one array is for the only output with one
            y = {losses[0].name: y}
        if isinstance(x, (list, tuple, dict)) and self.plan is not None:
            x = self.inputs_given(x)
        y, sample_weight = (self._of_outputs(given) for given in (y, sample_weight))
        return Data(x, y, sample_weight, self.input_names, self.output_names)

    def _of_outputs(self, given):
        """What is given for the outputs (targets, losses, weights), in a list if it has their nested form."""
        return taken_apart(self._output_nest, given) if self._output_nest is not None and is_nested(given) else given

    def _passes(
        self, data, batch_size, steps, label, generator=None, class_weight=None, targets_needed=True, anew=False
    ):
        """The passes over a Data, or over a source of batches. The first batch of a source builds the model."""
        if isinstance(data, Data):
            return Passes(ArraySource(data, batch_size, generator), steps, label, anew=anew)

        def make(batch):
            made = self._data(*parts_of_batch(batch))
            if targets_needed:
                self._check_targets_given(made, "training on batches")
            if class_weight is not None:
                made.apply_class_weight(class_weight, self._heads[0].loss)
            return made

        check = self._prepare if targets_needed else self._build_for
        passes = Passes(BatchSource(data, make, generator), steps, label, check, anew)
        try:
            check(passes.first())
        except BaseException:
            passes.close()
            raise
        return passes

    def _check_compiled(self, method):
        if self.optimizer is None:
            raise RuntimeError(f"Call compile(optimizer, loss) before {method}: {self.name!r} is not compiled yet.")
        self._check_not_overridden(_STEPS_OF_KERAS)

    def _tell_that_call_does_not_train(self):
        """Print, as it is easily overlooked, that layers work as in inference because `call` takes no `training`."""
        if self.takes_training:
            return
        known = dict.fromkeys(type(layer).__name__ for layer in self.flattened() if isinstance(layer, _TRAIN_OTHERWISE))
        if known:
            say(
                f"minicnn: call of {type(self).__name__} takes no argument training. So {' and '.join(known)} in it "
                "work as in inference, as in Keras 3; with call(self, inputs, training=None) they train."
            )

    def _check_not_overridden(self, names):
        """NotImplementedError if a user's class defines one of these methods, which Keras calls and minicnn does not:
        to train without it would give other numbers."""
        for name in names:
            if hasattr(self, name):
                raise NotImplementedError(
                    f"{type(self).__name__} defines {name}, which minicnn does not call: its steps are in "
                    "models/training_step.py. Give compile a loss (it may be your own function of y_true and y_pred) "
                    "and metrics, and add what needs the inputs with add_loss in call."
                )

    def _check_targets_given(self, data, method):
        for head in self._heads_with_loss():
            if data.ys[head.index] is None:
                which = f" for {head.name!r}" if len(self._heads) > 1 else ""
                raise ValueError(f"{method} needs targets: call {method}(x, y); received y=None{which}.")

    def _build_for(self, data):
        if self.built and self.inputs:
            data.fit_ranks([symbol.shape for symbol in self.inputs])
        shapes = [(None, *x.shape[1:]) for x in data.xs]
        self.build_for(shapes if self.takes_several else shapes[0])

    def _prepare(self, data):
        """Build the model, check data against it, and choose the metrics, all before the first step."""
        self._build_for(data)
        self.to_device()
        if self.optimizer is not None:
            self.optimizer.to_device()
        shapes = self._shapes_of_outputs([x.shape for x in data.xs])
        self._renew_heads()
        ends = self.ends_in if self.gives_several else [self.ends_in]
        for head in self._heads:
            i = head.index
            if data.ys[i] is None and head.identifiers + head.weighted_identifiers:
                raise ValueError(f"The metrics of {head.name!r} need targets; received no targets for this output.")
            head.prepare(data.ys[i], data.weights[i], shapes[i], ends[i], self.dtype)

    def _shapes_of_outputs(self, input_shapes):
        made = self.compute_output_shape(list(input_shapes) if self.takes_several else input_shapes[0])
        size = input_shapes[0][0]  # a user's compute_output_shape may leave the batch's size open
        return [
            tuple(size if i == 0 and part is None else part for i, part in enumerate(shape))
            for shape in (made if self.gives_several else [made])
        ]
