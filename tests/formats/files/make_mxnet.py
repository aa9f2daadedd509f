"""Writes the files beside it with MXNet itself: Python 3.11, mxnet 1.9.1 and numpy 1.23.5.

    python tests/formats/files/make_mxnet.py tests/formats/files

``answers.json`` holds what MXNet answers for the pictures that ``pictures`` draws.
"""

import json
import os
import sys

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.gluon import nn


def pictures(shape):
    """Two pictures of these (channels, height, width), as bytes: no generator to agree on."""
    count = 2 * int(np.prod(shape))
    return (np.arange(count) * 37 % 251).astype(np.uint8).reshape(2, *shape)


def answers(net, shape):
    values = nd.array(pictures(shape).astype(np.float32) / 255)
    return nd.softmax(net(values)).asnumpy().tolist()


def lenet(activation="sigmoid"):
    """The network of the seed, narrow."""
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(channels=2, kernel_size=5, activation=activation),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Conv2D(channels=3, kernel_size=5, activation=activation),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Dense(5, activation=activation),
        nn.Dense(4, activation=activation),
        nn.Dense(3),
    )
    return net


def normalised():
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(4, 3, padding=1, use_bias=False),
        nn.BatchNorm(epsilon=2e-5),
        nn.Swish(),
        nn.AvgPool2D(2, 2, ceil_mode=False),
        nn.Conv2D(4, 3, strides=2, groups=2),
        nn.BatchNorm(),
        nn.LeakyReLU(0.01),
        nn.Dropout(0.5),
        nn.GlobalAvgPool2D(),
        nn.Flatten(),
        nn.Dense(3),
    )
    return net


def old_symbol():
    """As programs of 2016 wrote it: a label, no Flatten, MXNet's own defaults."""
    flow = mx.sym.Variable("data")
    flow = mx.sym.Convolution(flow, kernel=(3, 3), num_filter=3, name="conv1")
    flow = mx.sym.BatchNorm(flow, name="bn1")
    flow = mx.sym.Activation(flow, act_type="tanh", name="tanh1")
    flow = mx.sym.Pooling(
        flow, kernel=(3, 3), stride=(2, 2), pool_type="max", pooling_convention="full", name="pool1"
    )
    flow = mx.sym.FullyConnected(flow, num_hidden=4, name="fc1")
    flow = mx.sym.Activation(flow, act_type="relu", name="relu1")
    flow = mx.sym.Dropout(flow, p=0.3, name="drop1")
    flow = mx.sym.FullyConnected(flow, num_hidden=3, no_bias=True, name="fc2")
    return mx.sym.SoftmaxOutput(flow, name="softmax")


def main(folder):
    os.chdir(folder)
    mx.random.seed(5)
    known = {}
    net = lenet()
    net.initialize(mx.init.Normal(0.3))
    net.hybridize()
    known["lenet"] = answers(net, (1, 28, 28))
    net.save_parameters("lenet.params")
    net.export("lenet")
    arrays = [value.data() for value in net.collect_params().values()]
    nd.save("unnamed.params", arrays)

    net = normalised()
    net.initialize(mx.init.Normal(0.3))
    net.hybridize()
    with mx.autograd.record():  # moves the running means and variances
        net(nd.random.uniform(shape=(8, 2, 12, 11)))
    known["normalised"] = answers(net, (2, 12, 11))
    net.export("normalised")

    symbol = old_symbol()
    module = mx.mod.Module(symbol, context=mx.cpu())
    module.bind([("data", (2, 1, 11, 11))], [("softmax_label", (2,))])
    module.init_params(mx.init.Normal(0.4))
    args, auxs = module.get_params()
    args["bn1_gamma"][:] = 7  # does not count
    auxs["bn1_moving_mean"][:] = nd.array([0.1, -0.2, 0.3])
    auxs["bn1_moving_var"][:] = nd.array([0.5, 1.5, 0.001])
    module.set_params(args, auxs)
    values = nd.array(pictures((1, 11, 11)).astype(np.float32) / 255)
    module.forward(mx.io.DataBatch([values], None), is_train=False)
    known["old"] = module.get_outputs()[0].asnumpy().tolist()
    module.save_checkpoint("old", 3)

    nd.save("sparse.params", {"0.weight": nd.ones((2, 3)).tostype("csr")})
    mx.npx.set_np()
    mx.npx.save("numpy.params", {"0.weight": mx.np.ones((2, 3)), "0.bias": mx.np.array([0.5, 1])})
    with open("answers.json", "w") as file:
        json.dump(known, file)


if __name__ == "__main__":
    main(sys.argv[1])
