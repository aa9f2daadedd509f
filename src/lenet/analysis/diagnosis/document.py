"""A diagnosis and a comparison with weights as JSON; docs/diagnose.md explains every key."""

from __future__ import annotations

from typing import Any

from lenet.analysis.diagnosis.problem import Diagnosis
from lenet.analysis.diagnosis.weights import Reconciliation


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as dicts, lists, numbers, strings and None."""
    least = diagnosis.least_input
    return {
        "format": "lenet-diagnosis",
        "version": 1,
        "name": diagnosis.name,
        "network": str(diagnosis.network),
        "fits": diagnosis.fits,
        "input_shape": list(diagnosis.network.input_shape),
        "output_shape": list(diagnosis.network.output_shape) if diagnosis.fits else None,
        "least_input": None if least is None else list(least),
        "layer": diagnosis.layer,
        "problem": diagnosis.problem or None,
        "fixes": [
            {"what": fix.what, "effect": fix.effect or None, "network": str(fix.network)}
            for fix in diagnosis.fixes
        ],
    }


def reconciliation_document(found: Reconciliation) -> dict[str, Any]:
    """The comparison as dicts, lists, numbers, strings and None."""
    return {
        "format": "lenet-reconciliation",
        "version": 1,
        "name": found.name,
        "network": str(found.network),
        "agrees": found.agrees,
        "weights": found.tensors,
        "mismatches": [
            {
                "layer": one.layer,
                "tensor": one.tensor,
                "found": one.found and list(one.found),
                "wanted": one.wanted and list(one.wanted),
                "normalised": one.normalised,
            }
            for one in found.mismatches
        ],
        "notes": list(found.notes),
        "changes": found.changes,
        "fixes": [{"what": fix.what, "network": str(fix.network)} for fix in found.fixes],
    }
