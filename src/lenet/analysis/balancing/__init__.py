"""Activations from layer to layer.

- ``neighbours``: how far apart they are, and what is claimed
- ``advice``: channels that even them out within a budget
- ``text``, ``document``: as a person reads it, and as JSON
"""

from lenet.analysis.balancing.advice import Proposal
from lenet.analysis.balancing.neighbours import Balance, balance

__all__ = ["Balance", "Proposal", "balance"]
