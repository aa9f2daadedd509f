"""Trials on a cluster of two nodes, both on this machine; one is killed in the middle.

    pip install ".[ray]" && python tests/cluster/kill_a_node.py

Nothing may be lost, nothing counted twice, and the outcome is that of this machine, bit for bit.
"""

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from ray.cluster_utils import Cluster

import lenet

WHAT = {"network": "lenet-relu", "data": "digits", "epochs": 15, "seeds": 4, "lr": [0.003, 0.01]}


def outcomes(found: lenet.Variation) -> list[object]:
    """Return all that was measured, but for the seconds."""
    return [
        {**asdict(record), "seconds": 0.0}
        for several in found.outcomes
        for outcome in several
        for record in outcome.epochs
    ]


def main() -> int:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    killed = False

    def progress(done: int, total: int, left: float) -> None:
        nonlocal killed
        print(f"{done} of {total} trainings, {left:.0f} s left", flush=True)
        if done == 2 and not killed:
            cluster.remove_node(node, allow_graceful=False)
            killed = True
            print("a node is killed", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        there = lenet.vary(**WHAT, on="ray", folder=folder, progress=progress)
        lines = (Path(folder) / "trials.jsonl").read_text().splitlines()
    cluster.shutdown()
    os.environ.pop("RAY_ADDRESS")
    here = lenet.vary(**WHAT)
    keys = [json.loads(line)["trial"] for line in lines]
    assert killed
    assert len(keys) == len(set(keys)) == 8, "a training is lost, or counted twice"
    assert outcomes(there) == outcomes(here), "the outcome is another"
    print("8 of 8 trainings, each once, the same bits as on this machine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
