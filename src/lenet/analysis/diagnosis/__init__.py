"""Why a network does not fit, or its weights do not, and changes that were tried and help.

- ``problem``: what is wrong, with its numbers
- ``changes``, ``fixes``: small changes of a network, and those that make it fit, best first
- ``weights``, ``adapt``: a weights file against a network, and the single change between them
- ``text``, ``document``: all of it as a person reads it, and as JSON
"""

from lenet.analysis.diagnosis.problem import Diagnosis, diagnose, explain_misfit
from lenet.analysis.diagnosis.weights import Reconciliation, reconcile

__all__ = ["Diagnosis", "Reconciliation", "diagnose", "explain_misfit", "reconcile"]
