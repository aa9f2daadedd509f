"""The public names of lenet, and where each is from. The one list: ``__init__.py`` reads it.

A line is ``from MODULE import NAME as NAME``; what has another name in its module is imported with
an underscore and given its public name at the end.
"""

from lenet import analysis as analysis
from lenet import data as data
from lenet import errors as errors
from lenet import models as models
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
from lenet.analysis.quiz import Quiz as Quiz
from lenet.analysis.quiz import quiz as quiz
from lenet.analysis.versus import dense_versus_conv as dense_versus_conv
from lenet.benchmarking import Benchmark as Benchmark
from lenet.benchmarking import bench as bench
from lenet.cleaning import Cleaning as Cleaning
from lenet.cleaning import clean as clean
from lenet.data import Dataset as Dataset
from lenet.data import Split as Split
from lenet.data import load as load
from lenet.data.preprocess import Preprocessing as Preprocessing
from lenet.drawing import Drawing as Drawing
from lenet.drawing import draw as draw
from lenet.engine.augmentation import Augmentation as Augmentation
from lenet.estimator.classifier import LeNetClassifier as LeNetClassifier
from lenet.formats.export import Export as Export
from lenet.formats.export import export as export
from lenet.formats.importing import import_model as import_model
from lenet.inference.drift import Drift as Drift
from lenet.inference.drift import drift as drift
from lenet.inference.evaluating import evaluate as evaluate
from lenet.inference.predicting import Prediction as Prediction
from lenet.inference.predicting import Predictions as Predictions
from lenet.inference.predicting import predict as predict
from lenet.inference.writing import predict_into as predict_into
from lenet.installation import checks as checks
from lenet.interop.keras import from_keras as from_keras
from lenet.interop.torch import from_torch as from_torch
from lenet.interop.torch import to_torch as to_torch
from lenet.looking import Look as Look
from lenet.looking import look as look
from lenet.metrics import Evaluation as Evaluation
from lenet.model import Model as Model
from lenet.net import AvgPool2d as AvgPool2d
from lenet.net import Block as Block
from lenet.net import Conv2d as Conv2d
from lenet.net import Dense as Dense
from lenet.net import MaxPool2d as MaxPool2d
from lenet.net import Network as Network
from lenet.net import Rbf as Rbf
from lenet.net import Subsample as Subsample
from lenet.net import parse_network as _parse
from lenet.net import zoo as zoo
from lenet.reporting.results import RunComparison as RunComparison
from lenet.reporting.results import RunReport as RunReport
from lenet.reporting.results import compare_runs as compare_runs
from lenet.reporting.results import report as report
from lenet.serving import serve as serve
from lenet.studies.folds import CrossValidation as CrossValidation
from lenet.studies.folds import cross_validate as cross_validate
from lenet.studies.study import StudyResult as StudyResult
from lenet.studies.study import study as study
from lenet.studies.tune import tune as tune
from lenet.studies.tuning import Tuning as Tuning
from lenet.studies.variation import Variation as Variation
from lenet.studies.variation import vary as vary
from lenet.trainer import resume as resume
from lenet.trainer import train as train
from lenet.training import Recipe as Recipe
from lenet.training import named_recipe as _recipe
from lenet.training.choosing import Choice as Choice
from lenet.training.choosing import choose as choose
from lenet.version import VERSION as _VERSION

parse = _parse
recipe = _recipe
__version__ = _VERSION
