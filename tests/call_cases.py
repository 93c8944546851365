"""Layers, models and losses with `call`, written as Keras's guides write them: for Keras and for minicnn alike.

Each case is a function of the module (keras or minicnn) that returns (model, loss). Inputs are images (12, 12, 3), and
there are 10 classes; a case whose name ends in "_image" is trained to give back its input.
"""

from __future__ import annotations

import numpy as np

CASES: dict = {}
SHAPE = (12, 12, 3)


def case(build):
    CASES[build.__name__] = build
    return build


def classifier(k, *layers):
    """A Sequential with these layers between a small convolution and the classes."""
    before = [k.layers.Input(SHAPE), k.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")]
    return k.Sequential([*before, *layers, k.layers.Flatten(), k.layers.Dense(10, activation="softmax")])


SPARSE = "sparse_categorical_crossentropy"


@case
def linear(k):
    class Linear(k.layers.Layer):
        def __init__(self, units=32, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

        def call(self, inputs):
            return k.ops.matmul(inputs, self.w) + self.b

    return classifier(k, k.layers.Flatten(), Linear(8), k.layers.ReLU(), Linear(12)), SPARSE


@case
def block_of_layers(k):
    class MLPBlock(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = k.layers.Dense(16)
            self.rest = [k.layers.Dense(12), k.layers.Dense(8)]

        def call(self, inputs):
            x = k.ops.relu(self.first(inputs))
            for layer in self.rest:
                x = k.ops.relu(layer(x))
            return x

    return classifier(k, k.layers.Flatten(), MLPBlock()), SPARSE


@case
def sum_that_is_kept(k):
    class ComputeSum(k.layers.Layer):
        def build(self, input_shape):
            self.total = self.add_weight(shape=(input_shape[-1],), initializer="zeros", trainable=False)

        def call(self, inputs):
            self.total.assign_add(k.ops.sum(k.ops.mean(inputs, axis=(1, 2)), axis=0))
            return inputs + 0.01 * self.total

    return classifier(k, ComputeSum()), SPARSE


@case
def activity_regularization(k):
    class ActivityRegularizer(k.layers.Layer):
        def __init__(self, rate=1e-2):
            super().__init__()
            self.rate = rate

        def call(self, inputs):
            self.add_loss(self.rate * k.ops.mean(k.ops.square(inputs)))
            return inputs

    return classifier(k, ActivityRegularizer()), SPARSE


@case
def loss_inside_a_block(k):
    class Outer(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.conv = k.layers.Conv2D(5, 3, kernel_regularizer=k.regularizers.L2(1e-3))

        def call(self, inputs):
            y = self.conv(inputs)
            self.add_loss(0.01 * k.ops.sum(k.ops.abs(k.ops.mean(y, axis=0))))
            return k.ops.tanh(y)

    return classifier(k, Outer()), SPARSE


@case
def training_argument(k):
    class Doubled(k.layers.Layer):
        def call(self, inputs, training=None):
            if training:
                return inputs * 2.0
            return inputs

    return classifier(k, Doubled()), SPARSE


@case
def residual_blocks(k):
    class Residual(k.layers.Layer):
        def __init__(self, filters, strides=1):
            super().__init__()
            self.conv1 = k.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)
            self.bn1 = k.layers.BatchNormalization()
            self.conv2 = k.layers.Conv2D(filters, 3, padding="same", use_bias=False)
            self.bn2 = k.layers.BatchNormalization()
            self.shortcut = k.layers.Conv2D(filters, 1, strides=strides) if strides != 1 else None

        def call(self, inputs, training=False):
            x = k.ops.relu(self.bn1(self.conv1(inputs), training=training))
            x = self.bn2(self.conv2(x), training=training)
            short = inputs if self.shortcut is None else self.shortcut(inputs)
            return k.ops.relu(x + short)

    class ResNet(k.Model):
        def __init__(self):
            super().__init__()
            self.begin = k.layers.Conv2D(8, 3, padding="same", activation="relu")
            self.blocks = [Residual(8), Residual(12, 2)]
            self.pool = k.layers.GlobalAveragePooling2D()
            self.classify = k.layers.Dense(10, activation="softmax")

        def call(self, inputs, training=False):
            x = self.begin(inputs)
            for block in self.blocks:
                x = block(x, training=training)
            return self.classify(self.pool(x))

    return ResNet(), SPARSE


@case
def squeeze_and_excite(k):
    class SqueezeExcite(k.layers.Layer):
        def __init__(self, ratio=2):
            super().__init__()
            self.ratio = ratio

        def build(self, input_shape):
            channels = input_shape[-1]
            self.reduce = k.layers.Dense(channels // self.ratio, activation="relu")
            self.expand = k.layers.Dense(channels, activation="sigmoid")

        def call(self, inputs):
            s = k.ops.mean(inputs, axis=[1, 2], keepdims=True)
            return inputs * self.expand(self.reduce(s))

    return classifier(k, SqueezeExcite()), SPARSE


@case
def spatial_attention(k):
    class SelfAttention(k.layers.Layer):
        def build(self, input_shape):
            self.q = k.layers.Conv2D(4, 1)
            self.k = k.layers.Conv2D(4, 1)
            self.v = k.layers.Conv2D(input_shape[-1], 1)
            self.gamma = self.add_weight(shape=(), initializer="ones", name="gamma")

        def call(self, x):
            _, H, W, C = x.shape
            q, key, v = (k.ops.reshape(part(x), (-1, H * W, part.filters)) for part in (self.q, self.k, self.v))
            scores = k.ops.softmax(k.ops.matmul(q, k.ops.transpose(key, (0, 2, 1))) / 2.0, axis=-1)
            return x + self.gamma * k.ops.reshape(k.ops.matmul(scores, v), (-1, H, W, C))

    return classifier(k, SelfAttention()), SPARSE


@case
def small_vision_transformer(k):
    class Norm(k.layers.Layer):
        def build(self, input_shape):
            self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma")
            self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="beta")

        def call(self, x):
            centred = x - k.ops.mean(x, axis=-1, keepdims=True)
            return self.gamma * centred * k.ops.rsqrt(k.ops.var(x, axis=-1, keepdims=True) + 1e-5) + self.beta

    class Attention(k.layers.Layer):
        def __init__(self, heads, size):
            super().__init__()
            self.heads, self.size = heads, size

        def build(self, input_shape):
            self.qkv = k.layers.Dense(3 * self.heads * self.size, use_bias=False)
            self.out = k.layers.Dense(input_shape[-1])

        def call(self, x):
            T = x.shape[1]
            parts = k.ops.reshape(self.qkv(x), (-1, T, 3, self.heads, self.size))
            q, key, v = (parts[:, :, i] for i in range(3))
            scores = k.ops.softmax(k.ops.einsum("bthd,bshd->bhts", q, key) / self.size**0.5)
            y = k.ops.einsum("bhts,bshd->bthd", scores, v)
            return self.out(k.ops.reshape(y, (-1, T, self.heads * self.size)))

    class ViT(k.Model):
        def __init__(self):
            super().__init__()
            self.embed = k.layers.Conv2D(8, 4, strides=4)
            self.norm1, self.norm2, self.attend = Norm(), Norm(), Attention(2, 4)
            self.mlp = k.Sequential([k.layers.Dense(16, activation="gelu"), k.layers.Dense(8)])
            self.classify = k.layers.Dense(10)

        def build(self, input_shape):
            self.token = self.add_weight(shape=(1, 1, 8), initializer="random_normal", name="token")
            self.position = self.add_weight(shape=(1, 10, 8), initializer="random_normal", name="position")
            super().build(input_shape)

        def call(self, images):
            x = k.ops.reshape(self.embed(images), (-1, 9, 8))
            token = k.ops.zeros_like(x[:, :1]) + self.token
            x = k.ops.concatenate([token, x], axis=1) + self.position
            x = x + self.attend(self.norm1(x))
            x = x + self.mlp(self.norm2(x))
            return self.classify(x[:, 0])

    return ViT(), k.losses.SparseCategoricalCrossentropy(from_logits=True)


@case
def autoencoder_image(k):
    class Autoencoder(k.Model):
        def __init__(self):
            super().__init__()
            self.encoder = k.Sequential([
                k.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
                k.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            ])  # fmt: skip
            self.decoder = k.Sequential([
                k.layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
                k.layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
            ])  # fmt: skip

        def call(self, x):
            return self.decoder(self.encoder(x))

    return Autoencoder(), "mse"


@case
def variational_image(k):
    class KL(k.layers.Layer):
        def call(self, inputs):
            mean, log_var = inputs
            kl = -0.5 * k.ops.sum(1 + log_var - k.ops.square(mean) - k.ops.exp(log_var), axis=1)
            self.add_loss(0.01 * k.ops.mean(kl))
            return mean + 0.1 * k.ops.exp(0.5 * log_var)

    class VAE(k.Model):
        def __init__(self):
            super().__init__()
            self.flat = k.layers.Flatten()
            self.mean, self.log_var, self.sample = k.layers.Dense(4), k.layers.Dense(4), KL()
            self.decode = k.layers.Dense(12 * 12 * 3)

        def call(self, x):
            h = self.flat(x)
            z = self.sample([self.mean(h), self.log_var(h)])
            return k.ops.reshape(self.decode(z), (-1, *SHAPE))

    return VAE(), "mse"


@case
def u_net_with_two_arguments_image(k):
    class Up(k.layers.Layer):
        def __init__(self, filters):
            super().__init__()
            self.up = k.layers.Conv2DTranspose(filters, 2, strides=2)
            self.conv = k.layers.Conv2D(filters, 3, padding="same", activation="relu")

        def call(self, x, skip):
            return self.conv(k.ops.concatenate([self.up(x), skip], axis=-1))

    inputs = k.Input(SHAPE)
    first = k.layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    second = k.layers.Conv2D(8, 3, padding="same", activation="relu")(k.layers.MaxPooling2D()(first))
    x = Up(6)(second, first)
    return k.Model(inputs, k.layers.Conv2D(3, 1)(x)), "mse"


@case
def lambda_layers(k):
    return classifier(
        k,
        k.layers.Lambda(lambda x: x**2 / 2),
        k.layers.Lambda(lambda x: k.ops.concatenate([x, -x], axis=-1)),
        k.layers.Lambda(lambda x: k.ops.transpose(x, (0, 2, 1, 3))[:, ::-1]),
    ), SPARSE  # fmt: skip


@case
def activation_functions(k):
    def mine(x):
        return x * k.ops.sigmoid(1.5 * x)

    return classifier(
        k, k.layers.Conv2D(5, 3, activation=mine), k.layers.Activation(lambda x: k.ops.maximum(x, 0.1 * x)),
        k.layers.Dense(7, activation=k.ops.tanh),
    ), SPARSE  # fmt: skip


@case
def weight_standardization(k):
    class StandardizedConv(k.layers.Layer):
        def __init__(self, filters):
            super().__init__()
            self.filters = filters

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(3, 3, input_shape[-1], self.filters), name="kernel")
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

        def call(self, inputs):
            mean = k.ops.mean(self.kernel, axis=(0, 1, 2), keepdims=True)
            std = k.ops.std(self.kernel, axis=(0, 1, 2), keepdims=True)
            kernel = (self.kernel - mean) / (std + 1e-5)
            return k.ops.relu(k.ops.conv(inputs, kernel, padding="same") + self.bias)

    return classifier(k, StandardizedConv(5)), SPARSE


@case
def own_batch_norm(k):
    class Norm(k.layers.Layer):
        def build(self, input_shape):
            shape = (input_shape[-1],)
            self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
            self.moving = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="moving")

        def call(self, x, training=None):
            if training:
                mean = k.ops.mean(x, axis=(0, 1, 2))
                self.moving.assign(0.75 * self.moving + 0.25 * mean)
            else:
                mean = self.moving
            return (x - mean) * self.gamma

    return classifier(k, Norm()), SPARSE


@case
def own_prelu(k):
    class PReLU(k.layers.Layer):
        def build(self, input_shape):
            self.alpha = self.add_weight(shape=input_shape[1:], initializer="zeros", name="alpha")

        def call(self, x):
            return k.ops.relu(x) - self.alpha * k.ops.relu(-x)

    return classifier(k, PReLU()), SPARSE


@case
def channel_shuffle(k):
    class Shuffle(k.layers.Layer):
        def call(self, x):
            H, W, C = x.shape[1:]
            x = k.ops.transpose(k.ops.reshape(x, (-1, H, W, 2, C // 2)), (0, 1, 2, 4, 3))
            return k.ops.reshape(x, (-1, H, W, C))

    return classifier(k, Shuffle(), k.layers.DepthwiseConv2D(3)), SPARSE


@case
def pixel_shuffle_image(k):
    class PixelShuffle(k.layers.Layer):
        def call(self, x):
            H, W, C = x.shape[1:]
            x = k.ops.reshape(x, (-1, H, W, 2, 2, C // 4))
            return k.ops.reshape(k.ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 2 * H, 2 * W, C // 4))

    inputs = k.Input(SHAPE)
    x = k.layers.Conv2D(12, 3, strides=2, padding="same", activation="tanh")(inputs)
    return k.Model(inputs, PixelShuffle()(x)), "mae"


@case
def blur_with_a_constant(k):
    class Blur(k.layers.Layer):
        def build(self, input_shape):
            row = np.array([1.0, 2.0, 1.0])
            self.kernel = np.repeat((row[:, None] * row / 16)[:, :, None, None], input_shape[-1], axis=2)

        def call(self, x):
            padded = k.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="reflect")
            return k.ops.depthwise_conv(padded, k.ops.convert_to_tensor(self.kernel, dtype=x.dtype))

    return classifier(k, Blur()), SPARSE


@case
def spectral_normalization(k):
    return classifier(k, k.layers.SpectralNormalization(k.layers.Conv2D(5, 3, activation="relu"), 2)), SPARSE


@case
def maxout(k):
    class Maxout(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = k.layers.Dense(24)

        def call(self, x):
            return k.ops.max(k.ops.reshape(self.dense(x), (-1, 8, 3)), axis=-1)

    return classifier(k, k.layers.Flatten(), Maxout()), SPARSE


@case
def cosine_classes(k):
    class Cosine(k.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], 10), initializer="glorot_uniform", name="w")

        def call(self, x):
            x = x / k.ops.sqrt(k.ops.sum(k.ops.square(x), axis=1, keepdims=True) + 1e-6)
            w = self.w / k.ops.sqrt(k.ops.sum(k.ops.square(self.w), axis=0, keepdims=True) + 1e-6)
            return 8.0 * k.ops.matmul(x, w)

    model = k.Sequential([k.Input(SHAPE), k.layers.Conv2D(6, 3, activation="relu"), k.layers.Flatten(), Cosine()])
    return model, k.losses.SparseCategoricalCrossentropy(from_logits=True)


@case
def masked_pixels(k):
    class DropDark(k.layers.Layer):
        def call(self, x):
            light = k.ops.mean(x, axis=-1, keepdims=True)
            return k.ops.where(light > 0.5, x, k.ops.zeros_like(x)) + k.ops.cast(light < 0.25, x.dtype)

    return k.Sequential([k.Input(SHAPE), DropDark(), k.layers.Flatten(), k.layers.Dense(10, "softmax")]), SPARSE


@case
def layers_in_a_dictionary(k):
    class Two(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.ways = {"small": k.layers.Conv2D(4, 1), "large": k.layers.Conv2D(4, 3, padding="same")}

        def call(self, inputs):
            return {name: layer(inputs) for name, layer in self.ways.items()}

    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.two, self.flat, self.classify = Two(), k.layers.Flatten(), k.layers.Dense(10, activation="softmax")

        def call(self, inputs):
            made = self.two(inputs)
            return self.classify(self.flat(k.ops.concatenate([made["small"], made["large"]], axis=-1)))

    return Net(), SPARSE


@case
def shared_layer(k):
    class Siamese(k.Model):
        def __init__(self):
            super().__init__()
            self.encode = k.Sequential([k.layers.Conv2D(5, 3, activation="relu"), k.layers.GlobalAveragePooling2D()])
            self.classify = k.layers.Dense(10, activation="softmax")

        def call(self, x):
            first, second = self.encode(x[:, :, :6]), self.encode(x[:, :, 6:])
            return self.classify(k.ops.concatenate([first, second, k.ops.abs(first - second)], axis=1))

    return Siamese(), SPARSE


@case
def frozen_half(k):
    model = classifier(k, k.layers.Dense(5, activation="relu"))
    model.layers[0].trainable = False

    class Scaled(k.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(1,), initializer="ones", trainable=False, name="scale")
            self.shift = self.add_weight(shape=(1,), initializer="zeros", name="shift")

        def call(self, x):
            return x * self.scale + self.shift

    return classifier(k, Scaled(), k.layers.Dense(5, activation="relu")), SPARSE


@case
def model_inside_a_model(k):
    inner_in = k.Input((6, 6, 6))
    inner = k.Model(inner_in, k.layers.Conv2D(6, 3, padding="same", activation="relu")(inner_in))

    class Around(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def call(self, x):
            return x + self.inner(self.inner(x))

    return classifier(k, Around()), SPARSE


@case
def dice_loss_image(k):
    def dice(y_true, y_pred):
        y_true = k.ops.cast(y_true, y_pred.dtype)
        both = k.ops.sum(y_true * y_pred, axis=(1, 2, 3))
        return 1 - (2 * both + 1) / (k.ops.sum(y_true, axis=(1, 2, 3)) + k.ops.sum(y_pred, axis=(1, 2, 3)) + 1)

    return k.Sequential([k.Input(SHAPE), k.layers.Conv2D(3, 3, padding="same", activation="sigmoid")]), dice


@case
def loss_made_of_losses_image(k):
    def both(y_true, y_pred):
        edges = k.ops.mean(k.ops.abs((y_true - y_pred)[:, 1:] - (y_true - y_pred)[:, :-1]))
        return k.losses.binary_crossentropy(y_true, y_pred) + 0.5 * edges

    return k.Sequential([k.Input(SHAPE), k.layers.Conv2D(3, 3, padding="same", activation="sigmoid")]), both


@case
def loss_class(k):
    class Focal(k.losses.Loss):
        def __init__(self, gamma=2.0, **kwargs):
            super().__init__(**kwargs)
            self.gamma = gamma

        def call(self, y_true, y_pred):
            y_pred = k.ops.clip(y_pred, 1e-7, 1 - 1e-7)
            chosen = k.ops.sum(k.ops.one_hot(k.ops.cast(y_true, "int32"), 10) * y_pred, axis=-1)
            return -((1 - chosen) ** self.gamma) * k.ops.log(chosen)

    return classifier(k), Focal()


@case
def loss_for_the_batch(k):
    def contrast(y_true, y_pred):
        close = k.ops.matmul(y_pred, k.ops.transpose(y_pred))
        same = k.ops.cast(k.ops.equal(k.ops.expand_dims(y_true, 0), k.ops.expand_dims(y_true, 1)), y_pred.dtype)
        return k.ops.mean(k.ops.square(close - same))

    return classifier(k), contrast
