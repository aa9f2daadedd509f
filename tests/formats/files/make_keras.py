"""Writes ``net.keras`` beside it with Keras itself, 3.6 or newer, on any backend:

    KERAS_BACKEND=torch python tests/formats/files/make_keras.py tests/formats/files

It prints what Keras answers for the pictures of ``make_mxnet.py``, for ``answers.json``.
"""

import json
import os
import sys

import keras
import numpy as np
from keras import layers

SHAPE = (2, 9, 8)


def network():
    """What differs from other programs: the order of axes, paddings, normalisations, a nest."""
    picture = keras.Input((*SHAPE[1:], SHAPE[0]))
    x = layers.Rescaling(1 / 128, offset=-1)(picture)
    x = layers.SeparableConv2D(3, 3, padding="same", strides=2)(x)
    x = layers.BatchNormalization(activity_regularizer=None)(x)
    x = keras.Sequential([layers.ReLU(), layers.MaxPooling2D(2, 1, padding="same")])(x)
    x = layers.Flatten()(x)
    x = layers.BatchNormalization(scale=False)(x)
    return keras.Model(picture, layers.Dense(3, activation="softmax")(x))


if __name__ == "__main__":
    net = network()
    random = np.random.default_rng(0)
    net.set_weights([random.uniform(0.2, 1, w.shape) for w in net.get_weights()])
    net.save(os.path.join(sys.argv[1], "net.keras"))
    pictures = (np.arange(2 * np.prod(SHAPE)) * 37 % 251).astype(np.uint8).reshape(2, *SHAPE)
    given = pictures.transpose(0, 2, 3, 1).astype(np.float32)
    print(json.dumps(np.asarray(net.predict(given, verbose=0)).tolist()))
