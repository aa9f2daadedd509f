"""lenet: small convolutional networks, understood in a minute and trained in seconds.

This page is the map of the public names; each is loaded when it is first used, so that importing
the package costs next to nothing.

    net = lenet.zoo.lenet()                              describe
    print(lenet.explain(net))                            understand
    print(lenet.deduce("28x28 -> 6@24x24 -> 10"))        read a figure
    model = lenet.train(net, lenet.load("digits"))       train
    model.predict(images); model.save("a.safetensors")   use
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenet import analysis as analysis
    from lenet import data as data
    from lenet import errors as errors
    from lenet import net as net
    from lenet.analysis import Report as Report
    from lenet.analysis import explain as explain
    from lenet.analysis.balance import Balance as Balance
    from lenet.analysis.balance import balance as balance
    from lenet.analysis.comparison import Comparison as Comparison
    from lenet.analysis.comparison import compare as compare
    from lenet.analysis.deduction import Deduction as Deduction
    from lenet.analysis.deduction import deduce as deduce
    from lenet.analysis.diagnosis import Diagnosis as Diagnosis
    from lenet.analysis.diagnosis import Reconciliation as Reconciliation
    from lenet.analysis.diagnosis import diagnose as diagnose
    from lenet.analysis.diagnosis import reconcile as reconcile
    from lenet.analysis.versus import dense_versus_conv as dense_versus_conv
    from lenet.benchmarking import Benchmark as Benchmark
    from lenet.benchmarking import bench as bench
    from lenet.data import Dataset as Dataset
    from lenet.data import Split as Split
    from lenet.data import load as load
    from lenet.data.preprocess import Preprocessing as Preprocessing
    from lenet.drawing import Drawing as Drawing
    from lenet.drawing import draw as draw
    from lenet.engine.augmentation import Augmentation as Augmentation
    from lenet.estimator.classifier import LeNetClassifier as LeNetClassifier
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
    from lenet.reporting.run_report import RunReport as RunReport
    from lenet.reporting.run_report import report as report
    from lenet.reporting.versus import RunComparison as RunComparison
    from lenet.reporting.versus import compare_runs as compare_runs
    from lenet.training import Recipe as Recipe
    from lenet.training import named_recipe as recipe
    from lenet.training import resume as resume
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
    "net": ("lenet.net", None),
    # what follows from it
    "analysis": ("lenet.analysis", None),
    "explain": ("lenet.analysis", "explain"),
    "Report": ("lenet.analysis", "Report"),
    "deduce": ("lenet.analysis.deduction", "deduce"),
    "Deduction": ("lenet.analysis.deduction", "Deduction"),
    "diagnose": ("lenet.analysis.diagnosis", "diagnose"),
    "Diagnosis": ("lenet.analysis.diagnosis", "Diagnosis"),
    "reconcile": ("lenet.analysis.diagnosis", "reconcile"),
    "Reconciliation": ("lenet.analysis.diagnosis", "Reconciliation"),
    "compare": ("lenet.analysis.comparison", "compare"),
    "Comparison": ("lenet.analysis.comparison", "Comparison"),
    "balance": ("lenet.analysis.balance", "balance"),
    "Balance": ("lenet.analysis.balance", "Balance"),
    "dense_versus_conv": ("lenet.analysis.versus", "dense_versus_conv"),
    "draw": ("lenet.drawing", "draw"),
    "Drawing": ("lenet.drawing", "Drawing"),
    # images in
    "data": ("lenet.data", None),
    "load": ("lenet.data", "load"),
    "Dataset": ("lenet.data", "Dataset"),
    "Split": ("lenet.data", "Split"),
    "Preprocessing": ("lenet.data.preprocess", "Preprocessing"),
    # training and use
    "Augmentation": ("lenet.engine.augmentation", "Augmentation"),
    "Recipe": ("lenet.training", "Recipe"),
    "recipe": ("lenet.training", "named_recipe"),
    "train": ("lenet.training", "train"),
    "resume": ("lenet.training", "resume"),
    "Model": ("lenet.model", "Model"),
    "report": ("lenet.reporting.run_report", "report"),
    "compare_runs": ("lenet.reporting.versus", "compare_runs"),
    "RunComparison": ("lenet.reporting.versus", "RunComparison"),
    "RunReport": ("lenet.reporting.run_report", "RunReport"),
    "predict": ("lenet.inference", "predict"),
    "Prediction": ("lenet.inference", "Prediction"),
    "evaluate": ("lenet.inference", "evaluate"),
    "Evaluation": ("lenet.metrics", "Evaluation"),
    "LeNetClassifier": ("lenet.estimator.classifier", "LeNetClassifier"),
    # this machine and installation
    "bench": ("lenet.benchmarking", "bench"),
    "Benchmark": ("lenet.benchmarking", "Benchmark"),
    "checks": ("lenet.installation", "checks"),
    "errors": ("lenet.errors", None),
    "__version__": ("lenet.version", "VERSION"),
}

__all__ = [
    "Augmentation",
    "AvgPool2d",
    "Balance",
    "Benchmark",
    "Block",
    "Comparison",
    "Conv2d",
    "Dataset",
    "Deduction",
    "Dense",
    "Diagnosis",
    "Drawing",
    "Evaluation",
    "MaxPool2d",
    "Model",
    "Network",
    "Prediction",
    "Preprocessing",
    "Recipe",
    "Reconciliation",
    "Report",
    "RunComparison",
    "RunReport",
    "Split",
    "__version__",
    "analysis",
    "balance",
    "bench",
    "checks",
    "compare",
    "compare_runs",
    "data",
    "deduce",
    "dense_versus_conv",
    "diagnose",
    "draw",
    "errors",
    "evaluate",
    "explain",
    "load",
    "net",
    "parse",
    "predict",
    "recipe",
    "reconcile",
    "report",
    "resume",
    "train",
    "zoo",
]

#: Public as well, but not everybody has the packages they need: ``from lenet import *`` leaves
#: them out.
_EXTRA = ("LeNetClassifier",)


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
    return sorted((*__all__, *_EXTRA))
