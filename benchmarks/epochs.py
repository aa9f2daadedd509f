"""Trainings epoch by epoch, here and in PyTorch, on the same data with the same recipe.

The others' files use the classes; as a script it serves one contender to a benchmark, see
``Process`` in lenet.benchmarking: ``{"begin": ...}`` starts a training, ``{"threads": n}`` runs its
next epoch on so many.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any, Protocol

import numpy as np

import lenet
from lenet.benchmarking.worker import Process, serve
from lenet.data.preprocess import Preprocessing
from lenet.engine.initialise import initialise
from lenet.engine.plan import make_plan
from lenet.net import Network
from lenet.training import Training


class Epochs(Protocol):
    """A training."""

    what: str
    images: int  # that an epoch trains on

    def epoch(self, threads: int) -> dict[str, float]:
        """Train one epoch; its ``seconds`` of training, and the ``test_accuracy`` after it.

        Counted are shuffling, forward, backward and update.
        """


class LenetEpochs:
    """A training here, as ``lenet train`` does it."""

    def __init__(self, network: Network, data: str, recipe: lenet.Recipe, seed: int) -> None:
        self._training = Training(network, lenet.load(data), recipe, seed, threads=1)
        self._epochs = self._training.epochs()
        self.what = self._training.engine.name
        self.images = len(self._training.data.train)

    def epoch(self, threads: int) -> dict[str, float]:
        self._training.engine = self._training.model.engine(threads)
        record = next(self._epochs)
        return {"seconds": record.seconds, "test_accuracy": record.test_accuracy}


class TorchEpochs:
    """The same in PyTorch, with the images in memory and no loader."""

    def __init__(
        self, network: Network, data: str, recipe: lenet.Recipe, seed: int, way: str
    ) -> None:
        import torch

        from lenet.benchmarking.torch_network import TorchRun

        torch.manual_seed(seed)
        found, plan = lenet.load(data), make_plan(network)
        preprocessing = Preprocessing.measure(
            found.train.images, network.input_shape, recipe.standardize
        )
        self._run = TorchRun(network, plan, initialise(plan, recipe.init, seed), way)
        self._run.optimizer = torch_optimizer(recipe, self._run.module.parameters())
        (self._images, self._labels), (self._test_images, self._test_labels) = (
            (self._run.lay_out(scaled(part.images, preprocessing)), torch.from_numpy(part.labels))
            for part in (found.train, found.test)
        )
        self._batch = recipe.batch_size
        steps = recipe.epochs * math.ceil(len(self._labels) / self._batch)
        self._rates = iter(recipe.rates(steps).tolist())
        self.what = f"torch {torch.__version__}"
        self.images = len(self._labels)

    def epoch(self, threads: int) -> dict[str, float]:
        import torch

        torch.set_num_threads(threads)
        start = time.perf_counter()
        for batch in torch.randperm(len(self._labels)).split(self._batch):
            for group in self._run.optimizer.param_groups:
                group["lr"] = next(self._rates)
            self._run.step(self._images[batch], self._labels[batch])
        seconds = time.perf_counter() - start
        with torch.inference_mode():
            answers = self._run.module.eval()(self._test_images).argmax(1)
        accuracy = (answers == self._test_labels).float().mean().item()
        return {"seconds": seconds, "test_accuracy": accuracy}


def scaled(images: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Images as the network sees them, (N, C, H, W) float32."""
    scale, shift = (values[:, None, None] for values in preprocessing.scale_and_shift())
    return preprocessing.prepare(images) * scale + shift


def torch_optimizer(recipe: lenet.Recipe, parameters: Any) -> Any:
    """PyTorch's optimizer for a recipe; rates are set step by step."""
    import torch

    ours = recipe.make_optimizer()
    if ours.kind == "adamw":
        betas = (ours.beta1, ours.beta2)
        return torch.optim.AdamW(
            parameters, recipe.lr, betas, ours.epsilon, weight_decay=ours.weight_decay
        )
    return torch.optim.SGD(
        parameters,
        recipe.lr,
        0.0 if ours.kind == "sgd" else ours.momentum,
        weight_decay=ours.weight_decay,
        nesterov=ours.kind == "nesterov",
    )


def make_epochs(
    contender: str, network: str, data: str, recipe: lenet.Recipe, seed: int = 0
) -> Epochs:
    """A training by ``lenet`` or by ``torch-eager``, ``torch-channels-last``, ``torch-compile``."""
    framework, _, way = contender.partition("-")
    found = lenet.net.read_network(network)
    if framework == "lenet":
        return LenetEpochs(found, data, recipe, seed)
    return TorchEpochs(found, data, recipe, seed, way)


def start(contender: str) -> Process:
    """A process that trains."""
    return Process(contender, [__file__, contender])


def main() -> None:
    """Serve the contender that the command line names."""
    trainings: list[Epochs] = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if "begin" in request:
            given = request["begin"]
            recipe = lenet.Recipe(**given.pop("recipe"))
            trainings[:] = [make_epochs(sys.argv[1], recipe=recipe, **given)]
            return {"what": trainings[0].what, "images": trainings[0].images}
        return trainings[0].epoch(request["threads"])

    serve(answer)


if __name__ == "__main__":
    main()
