"""What Ray costs: trials of about a second, on a cluster of this machine and without one.

    pip install ".[ray]" && python benchmarks/cluster.py [--trials 20] [--rounds 3]

The same trials run in turn, here and there, round after round, as many at a time; the cluster is up
before the clock starts, and every worker has had a trial. The overhead is what Ray takes longer.
"""

import argparse
import time
from statistics import median

import lenet
from lenet.cluster import connected
from lenet.engine.native import processors
from lenet.studies.trials import Record, Shared, Trial, engine_of, run_trials


def main() -> None:
    """Measure, and print the overhead."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    data = Shared(lenet.load("mnist"))
    network = lenet.parse("1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10")
    recipe = lenet.recipe("modern", epochs=arguments.epochs)
    count = processors()

    def measured(seeds: range, on: str | None) -> float:
        start = time.perf_counter()
        trials = [Trial(network, recipe, seed) for seed in seeds]
        run_trials(trials, data, Record(), jobs=count, on=on)
        return time.perf_counter() - start

    overheads = []
    with connected(engine_of(Trial(network, recipe, 0), data)):
        for on in (None, "ray"):
            measured(range(2 * count), on)
        for number in range(arguments.rounds):
            seeds = range(100 * number, 100 * number + arguments.trials)
            here, there = (measured(seeds, on) for on in (None, "ray"))
            overheads.append(there / here - 1)
            each = count * here / arguments.trials
            print(f"{each:.2f} s a trial; here {here:.1f} s, on Ray {there:.1f} s", flush=True)
    print(f"Ray takes {100 * median(overheads):+.1f} % longer")


if __name__ == "__main__":
    main()
