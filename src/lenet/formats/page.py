"""A model as a page: one HTML file to draw on and to look inside, without a server or a network.

Everything is in the file: the modules of ``lenet/web`` as one script, their style, the weights in
base64, some test images, and what ``lenet.explain`` says. The page computes only what depends on
the picture. Its policy lets the browser run this one script and load nothing at all, whatever the
names of the classes are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.analysis import explain
from lenet.data import Split
from lenet.data.centring import INK
from lenet.drawing.formats import theme_rules
from lenet.engine import operations
from lenet.engine.normalise import EPSILON
from lenet.errors import OutputError, UsageError
from lenet.model import Model
from lenet.net.layers import LEAKY_SLOPE
from lenet.net.words import name_text

WEB: Final = Path(__file__).parent.parent / "web"
#: A browser computes every layer anew for each movement of the pen.
MOST_PARAMETERS: Final = 4_000_000
#: The module that begins, and how: after the browser has painted the page's name.
_ENTRY: Final = "page"
_START: Final = """
requestAnimationFrame(() => setTimeout(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  pageModule.startPage(facts, document.getElementById("page"));
}));
"""
_PARTS: Final = re.compile(r'<script type="[^"]*"(?: id="facts")?>(.*?)</script>', re.DOTALL)
#: Test images inside a page: so many, and so many bytes as they are packed, but for the first two.
_MOST_IMAGES: Final = 40
_MOST_BYTES: Final = 12_000
_LARGEST_IMAGE: Final = 300_000
#: Of a layer's numbers so many are inside the range of its colours.
_SHOWN: Final = 0.998
#: Ranges that an activation has by itself.
_BOUNDED: Final = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
#: What a module's lines may be, so that they can be put into one script; docs/page.md says it.
_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT: Final = re.compile(
    r"^export (?=(?:async )?(?:function\*? ?|class |const )(\w+))", re.MULTILINE
)


def write_page(model: Model, split: Split | None = None, name: str = "") -> str:
    """Write a page of ``model`` with some images of ``split``, which are of the network's size.

    ``name`` is what to call a network that has no name of its own.

    Raises:
        UsageError: the model is in int8, has no weights, or more than a browser can follow.
    """
    if model.parameter_count > MOST_PARAMETERS:
        raise UsageError(
            f"the model has {model.parameter_count:,} parameters, and a page follows at most "
            f"{MOST_PARAMETERS:,}; make a page of a smaller network."
        )
    facts = page_facts(model, split, name)
    style, script = page_style(), page_script()
    data = json.dumps(facts, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    template = (WEB / "page.html").read_text(encoding="utf-8")
    values = {
        "policy": _policy(script, style),
        "title": escape(f"{facts['name']} · lenet"),
        "name": escape(facts["name"]),
        "style": style,
        "facts": data,
        "script": script,
    }
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template)


def page_parts(page: str) -> tuple[str, str]:
    """Return the facts (JSON) of a page that :func:`write_page` wrote, and its modules' script."""
    facts, script = _PARTS.findall(page)
    return facts, script.removesuffix(_START)


def page_facts(model: Model, split: Split | None = None, name: str = "") -> dict[str, Any]:
    """Return what the page knows of a model, as values for JSON."""
    report = explain(model.network)
    told = report.to_dict()
    scale, shift = model.preprocessing.scale_and_shift()
    tensors = model.plan.tensors
    parts = [tensor.view(model.table).astype("<f4").tobytes() for tensor in tensors]
    facts = {key: told[key] for key in ("network", "input_shape", "layers", "total")}
    chosen = None if split is None else _chosen(split)
    return {
        "format": "lenet-page",
        "version": 1,
        "name": name_text(told["name"] or name or "network"),
        **facts,
        "layer_count": report.layer_count,  # as explain counts: poolings apart
        "classes": list(model.classes),
        "training": _training(model),
        "constants": {"leaky_slope": LEAKY_SLOPE, "epsilon": EPSILON},
        "preparation": {
            **model.preprocessing.to_dict(),
            "scale": scale.tolist(),
            "shift": shift.tolist(),
            "ink": INK,
        },
        "tensors": [[tensor.name, tensor.size] for tensor in tensors],
        "values": _base64(b"".join(parts)),
        "images": None if chosen is None else _images(chosen),
        "ranges": None if chosen is None else _ranges(model, chosen),
    }


def page_style() -> str:
    """Return the page's style sheet, with lenet's colours for light and dark on top."""
    return theme_rules() + (WEB / "page.css").read_text(encoding="utf-8")


def page_script() -> str:
    """Return the page's script: all modules, and what begins."""
    return page_modules() + _START


def page_modules() -> str:
    """Return all modules as one script; each is a function's body, and keeps its names to itself.

    Raises:
        OutputError: a module has an import or export of another form than this reads.
    """
    parts: dict[str, str] = {}
    _gather(_ENTRY, parts)
    return "".join(parts.values())


def _gather(name: str, parts: dict[str, str]) -> None:
    """Put a module into ``parts`` behind those that it imports."""
    text = (WEB / f"{name}.js").read_text(encoding="utf-8")
    for match in _IMPORT.finditer(text):
        if match[2] not in parts:
            _gather(match[2], parts)
    names = _EXPORT.findall(text)
    body = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {found[2]}Module;\n", text)
    body = _EXPORT.sub("", body)
    if strange := re.search(r"^(import|export)\b.*", body, re.MULTILINE):
        raise OutputError(f"{name}.js has a line that no page can hold: {strange[0]!r}.")
    given = ", ".join(names)
    parts[name] = f"const {name}Module = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n\n"


def _policy(script: str, style: str) -> str:
    """Return a content security policy: this script and this style, and nothing else."""
    hashes = (
        base64.b64encode(hashlib.sha256(f"\n{text}".encode()).digest()).decode()
        for text in (script, style)
    )
    allowed = "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'"
    return f"{allowed.format(*hashes)}; base-uri 'none'; form-action 'none'"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _chosen(split: Split) -> Split | None:
    """Return some images, one of each class in turn; None where one alone is too large."""
    if split.images[0].size > _LARGEST_IMAGE:
        return None
    order = np.argsort(split.labels, kind="stable")
    labels = split.labels[order]
    turn = np.arange(len(labels)) - np.searchsorted(labels, labels)  # its place in its class
    first = order[np.lexsort((labels, turn))][:_MOST_IMAGES]
    sizes = np.cumsum([len(_packed(image.tobytes())) for image in split.images[first]])
    first = first[: max(2, int((sizes <= _MOST_BYTES).sum()))]
    return Split(split.images[first], split.labels[first])


def _training(model: Model) -> dict[str, Any] | None:
    """Return how good the model is, where its training says so; a file may say anything."""
    accuracy, dataset = (model.training.get(key) for key in ("test_accuracy", "dataset"))
    if not isinstance(accuracy, float) or not isinstance(dataset, str) or not 0 < accuracy <= 1:
        return None
    return {"accuracy": accuracy, "dataset": name_text(dataset)}


def _images(split: Split) -> dict[str, Any]:
    pixels = _base64(_packed(split.images.tobytes()))
    return {"pixels": pixels, "labels": split.labels.tolist()}


def _packed(content: bytes) -> bytes:
    """Shorten runs of zeros, which are most of MNIST: each becomes 0 and its length, 1 to 255."""
    return re.sub(rb"\0{1,255}", lambda run: bytes([0, len(run[0])]), content)


@np.errstate(all="ignore")
def _ranges(model: Model, split: Split) -> list[list[float]]:
    """Return which numbers the colours of each layer stand for: those it has for these images."""
    x: npt.NDArray[Any] = model.prepare(split.images)
    ranges: list[list[float]] = []
    for step in model.plan.steps:
        x = operations.apply(step, operations.read_inputs(step, x, model.table))
        known = x[np.isfinite(x)]  # large weights may lead beyond what floats hold
        sizes = np.abs(known) if known.size else np.ones(1)
        most = float(np.quantile(sizes, _SHOWN)) or float(sizes.max()) or 1.0
        least = -most if (known < 0).any() else 0.0
        own = list(_BOUNDED.get(step.activation, (least, most)))
        # A pooling changes no scale: the same colour is the same number before and behind it.
        ranges.append(ranges[-1] if ranges and step.kind in ("maxpool", "avgpool") else own)
    return ranges
