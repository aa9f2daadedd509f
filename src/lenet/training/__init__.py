"""Training: ``recipe`` and ``recipe_file`` say how, ``loop`` does it, ``run`` writes it down.

``preparation`` brings network and data together and sets validation images aside, ``history`` is
what epochs yielded. ``checkpoint`` is the state on the disk and whose it is, ``monitoring`` what
one looks at meanwhile, ``guards`` lock the folder and let Ctrl-C wait, ``resume`` goes on with a
run that was cut off. :mod:`lenet.trainer` stands above and is all of it in one call.
"""

from lenet.training.history import EpochRecord, best_epoch
from lenet.training.loop import Callback, Training
from lenet.training.recipe import Recipe
from lenet.training.recipe_file import recipe as named_recipe
from lenet.training.resume import ResumedRun, resume_run
from lenet.training.run import CHECKPOINT_SECONDS, Run

__all__ = [
    "CHECKPOINT_SECONDS",
    "Callback",
    "EpochRecord",
    "Recipe",
    "ResumedRun",
    "Run",
    "Training",
    "best_epoch",
    "named_recipe",
    "resume_run",
]
