"""Train a small network in forty lines: forward pass, backward pass, update.

    python examples/training_loop.py

This is what ``lenet train`` does, without its comforts, on the readable NumPy engine. Put
``NativeEngine(plan)`` in the engine's place, and the same loop runs in compiled code.
"""

import numpy as np

import lenet
from lenet.engine.engine import Samples
from lenet.engine.initialise import initialise
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import make_plan
from lenet.engine.reference import ReferenceEngine

EPOCHS, BATCH, RATE = 5, 32, 0.05

data = lenet.load("digits")
network = lenet.parse("1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10")

plan = make_plan(network)  # every layer becomes a step with a place in one table
parameters = initialise(plan, "kaiming", seed=0)  # the table (T,): all weights and biases
optimizer = Optimizer("momentum")
state = np.zeros((optimizer.state_rows, len(parameters)), np.float32)
engine = ReferenceEngine(plan, np.float32)
pixels = np.array([1 / 255], np.float32), np.zeros(1, np.float32)  # scale and shift: bytes to 0..1

random, step = np.random.default_rng(0), 0
for epoch in range(1, EPOCHS + 1):
    order, losses = random.permutation(len(data.train.labels)), []
    for start in range(0, len(order), BATCH):
        batch, step = order[start : start + BATCH], step + 1
        samples = Samples(data.train.images[batch], data.train.labels[batch], *pixels)
        result = engine.gradient(parameters, samples)
        optimizer.update(parameters, result.gradient, state, RATE, step)
        losses.append(result.loss)
    predicted = engine.scores(parameters, data.test.images, *pixels).argmax(axis=1)
    accuracy = (predicted == data.test.labels).mean()
    print(f"epoch {epoch}   loss {np.mean(losses):.4f}   test {accuracy:.4f}")
