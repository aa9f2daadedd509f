"""A deduction as JSON can hold it; docs/deduce.md explains every key."""

from __future__ import annotations

from typing import Any

from lenet.analysis.deduction.priors import Candidate
from lenet.analysis.deduction.result import Deduction, Step


def to_dict(deduction: Deduction) -> dict[str, Any]:
    """The deduction as dicts, lists, numbers, strings and None."""
    return {
        "format": "lenet-deduction",
        "version": 1,
        "figure": [list(stage.shape) for stage in deduction.figure.stages],
        "network": str(deduction.network),
        "parameters": deduction.parameters,
        "notes": list(deduction.figure.notes),
        "assumptions": list(deduction.assumptions),
        "steps": [_step_dict(step) for step in deduction.steps],
    }


def _step_dict(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "figure_name": step.target.name or None,
        "input_shape": list(step.source.shape),
        "output_shape": list(step.target.shape),
        "chosen": step.candidates.index(step.chosen),
        "candidates": [_candidate_dict(candidate) for candidate in step.candidates],
        "given": step.given or None,
        "windows": {
            name: [[axis.kernel, axis.stride, axis.before, axis.after] for axis in axes]
            for name, axes in (("height", step.heights), ("width", step.widths))
        },
        "reasoning": list(step.reasoning),
    }


def _candidate_dict(candidate: Candidate) -> dict[str, Any]:
    height, width = candidate.height, candidate.width
    return {
        "kind": candidate.kind,
        "kernel_size": [height.kernel, width.kernel] if height and width else None,
        "stride": [height.stride, width.stride] if height and width else None,
        "padding": (
            [height.before, height.after, width.before, width.after] if height and width else None
        ),
        "total_padding": [height.padding, width.padding] if height and width else None,
        "score": candidate.score,
        "reasons": [{"points": points, "why": why} for points, why in candidate.reasons],
    }
