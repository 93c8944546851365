"""More cases as in `call_cases.py`: models of several parts, and layers of today's networks."""

from __future__ import annotations

from call_cases import SHAPE, SPARSE, case, classifier


@case
def inverted_residual(k):
    """MobileNetV2's block: wide, depthwise, narrow, with a gate on the channels."""

    class Inverted(k.layers.Layer):
        def __init__(self, filters, grows=4, **kwargs):
            super().__init__(**kwargs)
            self.wide = k.layers.Conv2D(filters * grows, 1, use_bias=False)
            self.depthwise = k.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
            self.narrow = k.layers.Conv2D(filters, 1, use_bias=False)
            self.norms = [k.layers.BatchNormalization() for _ in range(3)]

        def call(self, x, training=None):
            y = k.ops.relu6(self.norms[0](self.wide(x), training=training))
            y = k.ops.relu6(self.norms[1](self.depthwise(y), training=training))
            return x + self.norms[2](self.narrow(y), training=training)

    return classifier(k, Inverted(6), Inverted(6, 2)), SPARSE


@case
def patches_and_mixers(k):
    """MLP-Mixer: rows of patches, mixed over the patches and over the channels."""

    class Mixer(k.layers.Layer):
        def __init__(self, patches, channels, **kwargs):
            super().__init__(**kwargs)
            self.over_patches = k.Sequential([k.layers.Dense(8, activation="gelu"), k.layers.Dense(patches)])
            self.over_channels = k.Sequential([k.layers.Dense(8, activation="gelu"), k.layers.Dense(channels)])
            self.first, self.second = k.layers.LayerNormalization(), k.layers.LayerNormalization()

        def call(self, x):
            turned = k.ops.transpose(self.first(x), (0, 2, 1))
            x = x + k.ops.transpose(self.over_patches(turned), (0, 2, 1))
            return x + self.over_channels(self.second(x))

    images = k.Input(SHAPE)
    x = k.ops.image.extract_patches(images, 4)
    x = k.layers.Dense(6)(k.ops.reshape(x, (-1, 9, 48)))
    x = k.layers.GlobalAveragePooling1D()(Mixer(9, 6)(Mixer(9, 6)(x)))
    return k.Model(images, k.layers.Dense(10, activation="softmax")(x)), SPARSE


@case
def rows_of_a_table(k):
    """Places, as learned rows that are added to the patches."""

    class Places(k.layers.Layer):
        def __init__(self, count, size, **kwargs):
            super().__init__(**kwargs)
            self.count, self.table = count, k.layers.Embedding(count, size)

        def call(self, x):
            return x + self.table(k.ops.arange(0, self.count, 1))

    images = k.Input(SHAPE)
    x = k.layers.Reshape((9, 5))(k.layers.Conv2D(5, 4, strides=4)(images))
    x = k.layers.Flatten()(k.ops.relu(Places(9, 5)(x)))
    return k.Model(images, k.layers.Dense(10, activation="softmax")(x)), SPARSE


@case
def rows_are_normalized(k):
    """Batch normalization of another axis than the last, and a mean over it."""

    class Rows(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.norm = k.layers.BatchNormalization(axis=1)

        def call(self, x, training=None):
            y = self.norm(x, training=training)
            return y - k.ops.mean(y, axis=2, keepdims=True)

    return classifier(k, Rows(), Rows()), SPARSE


@case
def gate_between_two_branches(k):
    class Gate(k.layers.Layer):
        def build(self, first_shape, second_shape):
            self.scale = self.add_weight(shape=(first_shape[-1],), initializer="zeros", name="scale")

        def call(self, first, second):
            share = k.ops.sigmoid(self.scale)
            return share * first + (1 - share) * second

    images = k.Input(SHAPE)
    a = k.layers.Conv2D(6, 3, padding="same", activation="relu")(images)
    b = k.layers.Conv2D(6, 5, padding="same", activation="tanh")(images)
    x = k.layers.MaxPooling2D(4)(Gate()(a, b))
    return k.Model(images, k.layers.Dense(10, activation="softmax")(k.layers.Flatten()(x))), SPARSE


@case
def stochastic_depth_off(k):
    """A branch that training leaves out at random; with the rate 0 it never does, so that numbers can be compared."""

    class StochasticDepth(k.layers.Layer):
        def __init__(self, rate, **kwargs):
            super().__init__(**kwargs)
            self.rate = rate

        def call(self, x, training=None):
            if training and self.rate > 0:
                keep = 1 - self.rate
                return x / keep * k.ops.floor(keep + k.random.uniform((k.ops.shape(x)[0], 1, 1, 1)))
            return x

    images = k.Input(SHAPE)
    x = k.layers.Conv2D(4, 3, strides=2, padding="same")(images)
    x = k.layers.Add()([x, StochasticDepth(0.0)(k.layers.Conv2D(4, 3, padding="same", activation="elu")(x))])
    return k.Model(images, k.layers.Dense(10, activation="softmax")(k.layers.Flatten()(x))), SPARSE


@case
def pyramid_of_sizes(k):
    """Features of three sizes, resized to one and put side by side."""

    class Pyramid(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.convs = {size: k.layers.Conv2D(3, 1, name=f"of_{size}") for size in ("2", "3")}

        def call(self, x):
            made = [x]
            for size, conv in self.convs.items():
                small = conv(k.ops.average_pool(x, int(size)))
                made.append(k.ops.image.resize(small, (6, 6), interpolation="bilinear"))
            return k.ops.concatenate(made, axis=-1)

    return classifier(k, Pyramid()), SPARSE


@case
def contrast_of_rows(k):
    """A loss that is a function of logits with a temperature, and one that a layer adds."""

    class Centred(k.layers.Layer):
        def call(self, x):
            self.add_loss(0.01 * k.ops.mean(k.ops.square(k.ops.mean(x, axis=0))))
            return x - k.ops.mean(x, axis=-1, keepdims=True)

    def loss(y_true, y_pred):
        logits = k.ops.log_softmax(y_pred / 2.0)
        chosen = k.ops.one_hot(k.ops.reshape(k.ops.cast(y_true, "int32"), (-1,)), 10)
        return -k.ops.sum(chosen * logits, axis=-1)

    images = k.Input(SHAPE)
    x = k.layers.Flatten()(k.layers.Conv2D(4, 4, strides=4, activation="swish")(images))
    return k.Model(images, Centred()(k.layers.Dense(10)(x))), loss
