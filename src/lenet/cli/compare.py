"""``lenet compare``."""

from __future__ import annotations

import shutil
from pathlib import Path

from lenet.cli.output import print_json


def run(
    *nets: str,
    output: Path | None = None,
    data: str | None = None,
    data_dir: Path | None = None,
    json: bool = False,
) -> None:
    """Networks or runs side by side: what each costs, and what differs from the first.

    Parameters
    ----------
    nets
        Two or more: zoo names, notations, .json files or saved models; or two or more folders
        that lenet train wrote.
    output
        Of runs, a file for the learning curves (.svg, .pdf, .png, .tex) or for everything (.html).
    data
        Of runs, the data set they were tested on, or a path, if that is another now.
    data_dir
        Of runs, the folder that has the IDX files already, compressed or not.
    json
        Print one JSON object instead.
    """
    from lenet.errors import UsageError
    from lenet.run_folder import is_run

    runs = [net for net in nets if is_run(net)]
    width = max(80, shutil.get_terminal_size((80, 24)).columns)
    if runs and len(runs) < len(nets):
        other = next(net for net in nets if net not in runs)
        raise UsageError(
            f"{runs[0]} is a run and {other!r} is none; compare runs with runs, or networks with "
            f"networks (of a run: {runs[0]}/last.safetensors)."
        )
    if runs:
        _compare_runs(runs, width, output, data, data_dir, json)
    elif output or data or data_dir:
        raise UsageError("--output, --data and --data-dir are for runs; name two run folders.")
    else:
        _compare_networks(nets, width, json)


def _compare_networks(nets: tuple[str, ...], width: int, json: bool) -> None:
    from lenet.analysis.comparison import compare
    from lenet.cli.networks import network_of
    from lenet.net import name_of
    from lenet.writing import render

    comparison = compare(*map(network_of, nets), names=[name_of(net) for net in nets])
    if json:
        print_json(comparison.to_dict())
    else:
        print(render(comparison, "text", width))


def _compare_runs(
    runs: list[str],
    width: int,
    output: Path | None,
    data: str | None,
    data_dir: Path | None,
    json: bool,
) -> None:
    from lenet.reporting.results import compare_runs
    from lenet.writing import render

    comparison = compare_runs(*runs, data=data, data_dir=data_dir)
    if output:
        comparison.save(output)
    if json:
        print_json(comparison.to_dict())
    else:
        print(render(comparison, "text", width))
        if output:
            print(f"\n{output}")
