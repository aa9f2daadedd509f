"""Activations from layer to layer: ``balance`` measures, ``advice`` evens out, ``text`` to read."""

from lenet.anatomy.balancing.advice import Proposal
from lenet.anatomy.balancing.balance import Balance, balance

__all__ = ["Balance", "Proposal", "balance"]
