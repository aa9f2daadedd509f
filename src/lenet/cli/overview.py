"""The verbs, and the page that ``lenet --help`` prints.

Kept apart from the verbs: this page is there at once, and a verb imports no other verb.
"""

from __future__ import annotations

import shutil
import textwrap
from typing import Final

#: Each verb (its module has the same name) with one line on it, in the order of a first session.
VERBS: Final = {
    "train": "Train a network; with no arguments, on the digits inside the package.",
    "report": "A run as one page to look at: how good, what it gets wrong, and why; or a picture.",
    "evaluate": "Accuracy, per class, and confusion of a saved model on a data set's test images.",
    "predict": "What a saved model sees on pictures.",
    "explain": "What a network is made of: one row per layer, totals, memory, and what stands out.",
    "deduce": "The network behind a figure that shows only shapes: kernels, strides, padding.",
    "diagnose": "Whether a network fits; if not, why, and what makes it fit, each tried.",
    "draw": "A picture of a network: the paper's figure or the graph of its layers.",
    "compare": "Networks or runs side by side: what each costs, and what differs from the first.",
    "balance": "Are neighbouring layers about equally large? With a budget: channels that are.",
    "bench": "How fast a network is on this machine, here and in other frameworks.",
    "checks": "Versions, machine, instruction set, threads and folders: for a bug report.",
}

_ABOUT: Final = (
    "Small convolutional networks, understood in a minute and trained in seconds.",
    "Start with 'lenet train': it needs nothing else. A network is named by a zoo name (lenet, "
    "lenet-60, lenet-d2l, lenet-relu, compact, tiny), a notation such as '1x28x28 | conv 6 k5 "
    "relu, maxpool 2 | dense 10', a .json file or a saved model.",
)


def render_overview() -> str:
    """The page, as wide as the terminal."""
    width = max(40, min(100, shutil.get_terminal_size((80, 24)).columns))
    lines = ["Usage: lenet VERB ...", ""]
    for paragraph in _ABOUT:
        lines += [*textwrap.wrap(paragraph, width, break_on_hyphens=False), ""]
    column = max(map(len, VERBS)) + 4
    for name, summary in VERBS.items():
        label = f"  {name}".ljust(column)
        lines += textwrap.wrap(summary, width, initial_indent=label, subsequent_indent=" " * column)
    lines += ["", *textwrap.wrap("lenet VERB --help says more about one.", width)]
    return "\n".join(lines)
