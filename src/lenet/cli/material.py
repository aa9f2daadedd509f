"""What ``lenet train`` works with, data and network, as it is printed before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lenet.cli.output import print_json

if TYPE_CHECKING:
    from lenet.training import Training

#: Rows of classes above a training; ``--dry-run`` shows them all.
_ROWS: Final = 20


def print_header(training: Training, net: str) -> None:
    """The lines above a training; of data by path the table of classes and what was found."""
    print(training.data.summary())
    print(f"{_network_line(training, net)}\n", flush=True)
    if training.data.source:
        _print_data(training, _ROWS)


def print_dry_run(training: Training, net: str, json: bool) -> None:
    """All of that, with what the network would see, and no training after it."""
    if json:
        print_json(_as_values(training))
        return
    print(training.data.summary())
    print(f"{_network_line(training, net)}\n")
    _print_data(training, None)
    print(_seen(training))


def _network_line(training: Training, net: str) -> str:
    from lenet.analysis import explain
    from lenet.net import name_of
    from lenet.training.pairing import is_zoo_name

    network = training.model.network
    name = name_of(net) or str(network)
    report = explain(network)
    layers, threads = report.layer_count, training.engine.threads
    if is_zoo_name(net) and training.data.source:
        size = "x".join(map(str, network.input_shape))
        name = f"{name} for {len(training.data.classes)} classes of {size}"
    return (
        f"{name} · {layers} layer{'s' * (layers != 1)} ({report.count('conv')} conv + "
        f"{report.count('dense')} dense) · {training.model.plan.parameters:,} parameters · "
        f"{training.engine.name}, {threads} thread{'s' * (threads > 1)}"
    )


def _print_data(training: Training, rows: int | None) -> None:
    from lenet.data import class_table

    print(class_table(training.data, rows))
    for note in training.data.notes:
        print(f"- {note}")
    print(flush=True)


def _seen(training: Training) -> str:
    """What reaches the network."""
    seen = training.model.preprocessing
    shape = "x".join(map(str, seen.input_shape))
    numbers = [", ".join(f"{value:.3f}" for value in values) for values in (seen.mean, seen.std)]
    ground = f", the background {seen.polarity}" if seen.polarity else ""
    scaled = f"pixels 0 to 1 with mean {numbers[0]} taken off, divided by {numbers[1]}"
    return f"The network would see {shape}{ground}; {scaled}."


def _as_values(training: Training) -> dict[str, Any]:
    data = training.data
    return {
        "dataset": data.name,
        "source": data.source or None,
        "image_shape": list(data.image_shape),
        "classes": list(data.classes),
        "counts": data.class_counts,
        "notes": list(data.notes),
        "network": str(training.model.network),
        "parameters": training.model.plan.parameters,
        "preprocessing": training.model.preprocessing.to_dict(),
    }
