"""The report as JSON can hold it; docs/explain.md explains every key."""

from __future__ import annotations

from typing import Any

from lenet.analysis.counts import LayerCounts
from lenet.analysis.explanation.report import LayerRow, Report
from lenet.analysis.memory import Memory


def to_dict(report: Report) -> dict[str, Any]:
    """The report as JSON can hold it: dicts, lists, numbers, strings and None."""
    return {
        "format": "lenet-explanation",
        "version": 1,
        "name": report.name,
        "network": str(report.network),
        "input_shape": list(report.network.input_shape),
        "output_shape": list(report.network.output_shape),
        "layer_count": report.layer_count,
        "convolutions": report.count("conv"),
        "dense_layers": report.count("dense"),
        "poolings": report.count("maxpool", "avgpool"),
        "blocks": [
            {"number": block.number, "repeats": block.repeats, "layers": list(block.layers)}
            for block in report.blocks
        ],
        "layers": [_layer_dict(row) for row in report.layers],
        "total": _counts_dict(report.total),
        "memory": _memory_dict(report.memory),
        "findings": list(report.findings),
    }


def _layer_dict(row: LayerRow) -> dict[str, Any]:
    window = row.window
    return {
        "name": row.name,
        "kind": row.kind,
        "block": row.block,
        "kernel_size": window and list(window.kernel_size),
        "stride": window and list(window.stride),
        "padding": window and list(window.padding),
        "total_padding": window and list(window.total_padding),
        "formulas": window and list(window.formulas),
        "activation": row.activation,
        "batch_norm": row.batch_norm,
        "input_shape": list(row.input_shape),
        "output_shape": list(row.output_shape),
        "receptive_field": list(row.receptive_field.size),
        "jump": row.receptive_field.jump and list(row.receptive_field.jump),
        **_counts_dict(row.counts),
        "parameter_share": row.parameter_share,
        "multiply_add_share": row.multiply_add_share,
        "activation_share": row.activation_share,
        "connection_share": row.connection_share,
        "kept_bytes": row.kept_bytes,
    }


def _counts_dict(counts: LayerCounts) -> dict[str, int]:
    return {
        "parameters": counts.parameters,
        "weights": counts.weights,
        "biases": counts.biases,
        "multiply_adds": counts.multiply_adds,
        "activations": counts.activations,
        "connections": counts.connections,
        "scales": counts.scales,
        "statistics": counts.statistics,
    }


def _memory_dict(memory: Memory) -> dict[str, Any]:
    """Bytes of float32; what grows with the batch is given for one image and for the batch."""
    return {
        "optimizer": memory.optimizer,
        "batch": memory.batch,
        "parameters": memory.parameters,
        "statistics": memory.statistics,
        "gradients": memory.gradients,
        "optimizer_state": memory.optimizer_state,
        "activations": {"image": memory.activations(), "batch": memory.activations(memory.batch)},
        "training": {"image": memory.training(), "batch": memory.training(memory.batch)},
        "inference": {"image": memory.inference(), "batch": memory.inference(memory.batch)},
        "largest_layer": memory.largest_layer,
    }
