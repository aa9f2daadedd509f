"""The inverse problem: from the shapes that a figure shows to the network behind it.

- ``figure``: the figure's text, read into shapes
- ``given``: what is known of single layers beforehand
- ``solve``: the size formula solved backwards on one axis
- ``priors``: what is common counts: the candidates of a step, ranked
- ``budget``: the best combination under a limit on the parameters
- ``chain``: all of it, step by step over a whole figure
- ``result``: what was found; ``document`` is the same for JSON
- ``wording``, ``impossible``, ``render``: as sentences, as errors, as a page of text
"""

from lenet.analysis.deduction.chain import deduce
from lenet.analysis.deduction.figure import Figure, Stage, read_figure
from lenet.analysis.deduction.priors import Candidate
from lenet.analysis.deduction.render import render_deduction
from lenet.analysis.deduction.result import Deduction, Step

__all__ = [
    "Candidate",
    "Deduction",
    "Figure",
    "Stage",
    "Step",
    "deduce",
    "read_figure",
    "render_deduction",
]
