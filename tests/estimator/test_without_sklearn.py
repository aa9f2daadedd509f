"""The estimator is asked for or absent: lenet itself never needs scikit-learn."""

import os
import subprocess
import sys

import lenet
from lenet.errors import LenetError


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True
    ).stdout


def test_lenet_never_imports_scikit_learn_by_itself():
    code = """
import sys
import lenet
from lenet import *
lenet.train(data="digits", recipe=lenet.recipe(epochs=1))
assert "LeNetClassifier" in dir(lenet)
print("sklearn" in sys.modules)
"""
    assert run(code) == "False\n"


def test_without_scikit_learn_there_is_one_sentence():
    code = """
import sys
sys.modules["sklearn"] = sys.modules["sklearn.base"] = None
import lenet
from lenet import *
try:
    from lenet import LeNetClassifier
except ImportError as error:
    print(type(error).__name__, error)
"""
    said = run(code)
    assert said.startswith("MissingPackageError scikit-learn is needed for lenet.LeNetClassifier")
    assert said.endswith('run pip install "lenet[sklearn]".\n')
    assert said.count("\n") == 1
    assert issubclass(lenet.errors.MissingPackageError, LenetError)
