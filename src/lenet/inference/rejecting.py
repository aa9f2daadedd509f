"""From which probability on is an image answered? ``reject`` says it, ``coverage`` looks it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lenet.arguments import plain
from lenet.errors import UsageError
from lenet.model import Model
from lenet.net.words import shown

#: The largest probability below 1 in float32: odds of more are infinite.
_SUREST = 1 - 2.0**-24


def check_reject(reject: float, coverage: float | None = None) -> None:
    """Raise a UsageError, if these are no probability and no share, or both are given."""
    reject, coverage = plain(reject), plain(coverage)
    if not (_is_number(reject) and 0 <= reject <= 1):
        what = f"reject is {shown(reject)}; it must be a probability, from 0 to 1"
        raise UsageError(f"{what}, such as 0.9.", parameter="reject")
    if coverage is None:
        return
    if not (_is_number(coverage) and 0 < coverage <= 1):
        what = f"coverage is {shown(coverage)}; it must be a share of the images, up to 1"
        raise UsageError(f"{what}, such as 0.95.", parameter="coverage")
    if reject:
        what = "reject and coverage both say what is left open"
        raise UsageError(f"{what}; give one of them.", parameter="coverage")


def threshold_of(model: Model, reject: float, coverage: float | None) -> float:
    """Return the probability below which an image is left open.

    For ``coverage`` it is that which this share of the model's test images (else: of its validation
    images) reached after the training; between two shares that the model knows, the odds are
    interpolated.

    Raises:
        UsageError: a value is out of range, both are given, or the model knows no thresholds.
    """
    check_reject(reject, coverage)
    if coverage is None or coverage == 1:
        return float(reject)
    known = _thresholds(model.training)
    if not known:
        what = "the model does not know how many images reach which probability"
        raise UsageError(f"{what}; train it anew, or give reject.", parameter="coverage")
    if coverage < min(known):
        what = f"coverage is {coverage:g}, and the model knows shares from {min(known):g} on"
        raise UsageError(f"{what}; give a larger one, or reject.", parameter="coverage")
    if coverage in known:
        return known[coverage]
    shares = sorted(known)
    probabilities = np.array([known[share] for share in shares]).clip(1e-9, _SUREST)
    odds = np.interp(coverage, shares, np.log(probabilities / (1 - probabilities)))
    return float(1 / (1 + np.exp(-odds)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _thresholds(training: Mapping[str, Any]) -> dict[float, float]:
    """Return the threshold of each share, as far as a file says something that can be meant."""
    coverage = training.get("coverage")
    known = coverage.get("thresholds") if isinstance(coverage, Mapping) else None
    if not isinstance(known, Mapping):
        return {}
    try:
        pairs = {float(share): float(probability) for share, probability in known.items()}
    except (TypeError, ValueError, OverflowError):
        return {}
    is_good = all(0 < share <= 1 and 0 <= value <= 1 for share, value in pairs.items())
    return pairs if is_good else {}
