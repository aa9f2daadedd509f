"""Training: ``recipe`` says how, ``loop`` does it, ``run`` writes it down and goes on.

``preparation`` brings network and data together and sets validation images aside. ``checkpoint`` is
the state on the disk and whose it is, ``monitoring`` what one looks at meanwhile, ``guards`` lock
the folder and let Ctrl-C wait. :mod:`lenet.trainer` stands above and is all of it in one call.
"""

from lenet.training.loop import Callback, EpochRecord, Training
from lenet.training.recipe import Recipe, checked_names
from lenet.training.recipe import recipe as named_recipe
from lenet.training.run import CHECKPOINT_SECONDS, Run, resume_run

__all__ = [
    "CHECKPOINT_SECONDS",
    "Callback",
    "EpochRecord",
    "Recipe",
    "Run",
    "Training",
    "checked_names",
    "named_recipe",
    "resume_run",
]
