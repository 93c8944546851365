"""Every layer, over awkward shapes: used by the gradient checks and by the comparison with Keras.

A case is (name, make, shapes): make(layers) builds the layer from minicnn.layers or keras.layers, shapes is the shape
of its input, batch included, or a list of them for a merge.
"""

from __future__ import annotations

LAYERS = [
    ("Conv2D", lambda L: L.Conv2D(4, 3, activation="relu"), (2, 6, 5, 3)),
    ("Conv2D same", lambda L: L.Conv2D(4, (3, 2), padding="same"), (1, 5, 7, 2)),
    ("Conv2D same, even kernel, strides", lambda L: L.Conv2D(3, (4, 2), (3, 2), "same"), (2, 7, 6, 1)),
    ("Conv2D all sizes one", lambda L: L.Conv2D(1, 1), (1, 1, 1, 1)),
    ("Conv2D to one pixel", lambda L: L.Conv2D(2, (4, 3), activation="tanh"), (3, 4, 3, 2)),
    ("Conv2D dilated", lambda L: L.Conv2D(2, 3, dilation_rate=(2, 1), padding="same"), (1, 6, 5, 2)),
    ("Conv2D groups", lambda L: L.Conv2D(6, 3, groups=2, padding="same", activation="sigmoid"), (2, 4, 5, 4)),
    ("Conv2D no bias, stride over kernel", lambda L: L.Conv2D(3, 1, strides=2, use_bias=False), (2, 5, 6, 2)),
    ("Conv2D many filters, softmax", lambda L: L.Conv2D(19, 2, activation="softmax"), (1, 3, 3, 2)),
    ("DepthwiseConv2D", lambda L: L.DepthwiseConv2D(3, padding="same", activation="relu"), (2, 5, 4, 3)),
    ("DepthwiseConv2D multiplier", lambda L: L.DepthwiseConv2D((2, 3), 2, depth_multiplier=2), (1, 6, 7, 3)),
    ("DepthwiseConv2D same, strides", lambda L: L.DepthwiseConv2D(3, 2, "same", use_bias=False), (2, 5, 6, 2)),
    ("MaxPooling2D", lambda L: L.MaxPooling2D(), (2, 6, 4, 3)),
    ("MaxPooling2D overlapping, same", lambda L: L.MaxPooling2D(3, strides=2, padding="same"), (2, 6, 5, 2)),
    ("MaxPooling2D a rest", lambda L: L.MaxPool2D((2, 3)), (1, 5, 7, 1)),
    ("AveragePooling2D", lambda L: L.AveragePooling2D(2), (2, 6, 4, 3)),
    ("AveragePooling2D overlapping, same", lambda L: L.AveragePooling2D(3, 2, "same"), (2, 6, 5, 2)),
    ("AveragePooling2D a rest", lambda L: L.AvgPool2D((2, 3), strides=(3, 1)), (1, 5, 7, 1)),
    ("GlobalAveragePooling2D", lambda L: L.GlobalAveragePooling2D(), (2, 3, 5, 4)),
    ("GlobalAveragePooling2D keepdims", lambda L: L.GlobalAveragePooling2D(keepdims=True), (1, 3, 2, 1)),
    ("GlobalMaxPooling2D", lambda L: L.GlobalMaxPooling2D(), (2, 3, 5, 4)),
    ("GlobalMaxPooling2D keepdims", lambda L: L.GlobalMaxPooling2D(keepdims=True), (1, 1, 1, 1)),
    ("Dense", lambda L: L.Dense(5, activation="relu"), (3, 7)),
    ("Dense sigmoid", lambda L: L.Dense(1, activation="sigmoid"), (4, 3)),
    ("Dense softmax", lambda L: L.Dense(10, activation="softmax"), (5, 6)),
    ("Dense all sizes one", lambda L: L.Dense(1, use_bias=False), (1, 1)),
    ("Dense over images", lambda L: L.Dense(4, activation="gelu"), (2, 3, 2, 5)),
    ("Flatten", lambda L: L.Flatten(), (2, 3, 2, 4)),
    ("Reshape", lambda L: L.Reshape((4, -1, 2)), (3, 4, 6)),
    ("ZeroPadding2D", lambda L: L.ZeroPadding2D(((1, 0), (2, 3))), (2, 3, 4, 2)),
    ("ZeroPadding2D pair", lambda L: L.ZeroPadding2D((1, 2)), (1, 1, 1, 1)),
    ("BatchNormalization images", lambda L: L.BatchNormalization(momentum=0.8), (4, 3, 2, 3)),
    ("BatchNormalization rows", lambda L: L.BatchNormalization(epsilon=1e-2), (6, 4)),
    ("BatchNormalization plain", lambda L: L.BatchNormalization(center=False, scale=False), (5, 2, 2, 1)),
    ("Activation", lambda L: L.Activation("swish"), (2, 3, 4)),
    ("Activation linear", lambda L: L.Activation("linear"), (2, 3)),
    ("Activation softmax", lambda L: L.Activation("softmax"), (2, 3, 4)),
    ("Activation sigmoid", lambda L: L.Activation("sigmoid"), (2, 5)),
    ("Activation tanh", lambda L: L.Activation("tanh"), (2, 5)),
    ("Activation softplus", lambda L: L.Activation("softplus"), (2, 5)),
    ("Activation gelu", lambda L: L.Activation("gelu"), (2, 5)),
    ("Activation elu", lambda L: L.Activation("elu"), (2, 5)),
    ("Activation leaky_relu", lambda L: L.Activation("leaky_relu"), (2, 5)),
    ("Activation relu6", lambda L: L.Activation("relu6"), (2, 5)),
    ("ReLU", lambda L: L.ReLU(), (2, 3, 4)),
    ("ReLU max_value", lambda L: L.ReLU(max_value=0.8), (2, 3, 4)),
    ("ReLU negative_slope", lambda L: L.ReLU(negative_slope=0.1), (2, 3, 4)),
    ("LeakyReLU", lambda L: L.LeakyReLU(negative_slope=0.25), (2, 3, 4)),
    ("LeakyReLU default", lambda L: L.LeakyReLU(), (2, 6)),
    ("ELU", lambda L: L.ELU(alpha=1.5), (2, 3, 4)),
    ("Softmax", lambda L: L.Softmax(), (2, 3, 4)),
    ("Rescaling", lambda L: L.Rescaling(1 / 127.5, offset=-1), (2, 3, 3, 2)),
    ("Rescaling per channel", lambda L: L.Rescaling([0.5, 2.0], [1.0, -1.0]), (2, 3, 3, 2)),
    ("Add", lambda L: L.Add(), [(2, 3, 4)] * 3),
    ("Add broadcast", lambda L: L.Add(), [(2, 3, 2, 4), (2, 1, 1, 4)]),
    ("Multiply", lambda L: L.Multiply(), [(2, 3, 4)] * 3),
    ("Multiply broadcast", lambda L: L.Multiply(), [(2, 3, 2, 4), (2, 1, 1, 4)]),
    ("Concatenate", lambda L: L.Concatenate(), [(2, 3, 4), (2, 3, 1)]),
    ("Concatenate axis 1", lambda L: L.Concatenate(axis=1), [(2, 3, 4), (2, 2, 4), (2, 1, 4)]),
]

ONLY_HERE = [  # layers whose numbers are drawn, so that Keras's are others
    ("Dropout", lambda L: L.Dropout(0.4), (3, 4, 5)),
    ("SpatialDropout2D", lambda L: L.SpatialDropout2D(0.5), (2, 3, 3, 4)),
    ("Dropout noise_shape", lambda L: L.Dropout(0.5, noise_shape=(None, 1, None)), (3, 4, 5)),
]

NAMES = [name for name, _, _ in LAYERS]
