"""lenet: small convolutional networks, understood in a minute and trained in seconds.

This page is the map of the public names; each is loaded when it is first used, so that importing
the package costs next to nothing.

    net = lenet.zoo.lenet()                              describe
    print(lenet.explain(net))                            understand
    model = lenet.train(net, lenet.load("digits"))       train
    model.predict(images); model.save("a.safetensors")   use
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenet import errors as errors
    from lenet.anatomy import Report as Report
    from lenet.anatomy import explain as explain
    from lenet.data import Dataset as Dataset
    from lenet.data import Part as Part
    from lenet.data import load as load
    from lenet.data.preprocess import Preprocessing as Preprocessing
    from lenet.inference import Prediction as Prediction
    from lenet.inference import evaluate as evaluate
    from lenet.inference import predict as predict
    from lenet.installation import checks as checks
    from lenet.metrics import Evaluation as Evaluation
    from lenet.model import Model as Model
    from lenet.net import AvgPool2d as AvgPool2d
    from lenet.net import Block as Block
    from lenet.net import Conv2d as Conv2d
    from lenet.net import Dense as Dense
    from lenet.net import MaxPool2d as MaxPool2d
    from lenet.net import Network as Network
    from lenet.net import parse_network as parse
    from lenet.net import zoo as zoo
    from lenet.training import Recipe as Recipe
    from lenet.training import named_recipe as recipe
    from lenet.training import train as train
    from lenet.version import VERSION as __version__  # noqa: N811

#: Each public name: the module that has it, and what it is called there (None: the module itself).
_PUBLIC: dict[str, tuple[str, str | None]] = {
    # what a network is
    "Network": ("lenet.net", "Network"),
    "Block": ("lenet.net", "Block"),
    "Conv2d": ("lenet.net", "Conv2d"),
    "MaxPool2d": ("lenet.net", "MaxPool2d"),
    "AvgPool2d": ("lenet.net", "AvgPool2d"),
    "Dense": ("lenet.net", "Dense"),
    "parse": ("lenet.net", "parse_network"),
    "zoo": ("lenet.net.zoo", None),
    # what follows from it
    "explain": ("lenet.anatomy", "explain"),
    "Report": ("lenet.anatomy", "Report"),
    # images in
    "load": ("lenet.data", "load"),
    "Dataset": ("lenet.data", "Dataset"),
    "Part": ("lenet.data", "Part"),
    "Preprocessing": ("lenet.data.preprocess", "Preprocessing"),
    # training and use
    "Recipe": ("lenet.training", "Recipe"),
    "recipe": ("lenet.training", "named_recipe"),
    "train": ("lenet.training", "train"),
    "Model": ("lenet.model", "Model"),
    "predict": ("lenet.inference", "predict"),
    "Prediction": ("lenet.inference", "Prediction"),
    "evaluate": ("lenet.inference", "evaluate"),
    "Evaluation": ("lenet.metrics", "Evaluation"),
    # this installation
    "checks": ("lenet.installation", "checks"),
    "errors": ("lenet.errors", None),
    "__version__": ("lenet.version", "VERSION"),
}

__all__ = [
    "AvgPool2d",
    "Block",
    "Conv2d",
    "Dataset",
    "Dense",
    "Evaluation",
    "MaxPool2d",
    "Model",
    "Network",
    "Part",
    "Prediction",
    "Preprocessing",
    "Recipe",
    "Report",
    "__version__",
    "checks",
    "errors",
    "evaluate",
    "explain",
    "load",
    "parse",
    "predict",
    "recipe",
    "train",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lenet' has no attribute {name!r}; see dir(lenet)")
    module, attribute = _PUBLIC[name]
    found = import_module(module)
    value = found if attribute is None else getattr(found, attribute)
    # Kept here from now on: this function is asked once a name.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
