"""How fast a search is: trials per minute against Optuna with PyTorch, and what is not training.

    python benchmarks/search.py [--data fashion-mnist] [--trials 16] [--rounds 4]

The same candidates are trained for one epoch each by both, in turn, round after round: networks,
batches and recipe are those of `lenet tune`, and each is tested on the validation split. PyTorch
has all processors for one trial (channels_last, all images in memory, no loader), and shifts and
mirrors a batch as a whole, which is cheaper; Optuna has its default sampler and storage. Here as
many trials run as there are processors. The overhead is the time of `lenet tune` beyond that of its
trainings, one at a time and one per processor.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
import torch

import lenet
from lenet.engine.native import processors
from lenet.engine.plan import make_plan
from lenet.formats.torch_module import torch_network
from lenet.run_folder import read_run
from lenet.studies.space import CHOICES, Candidate
from lenet.studies.trials import Record
from lenet.studies.tune import Search, _Running, _Stage
from lenet.training.preparation import with_validation

HOW = {"minutes": None, "reach": None, "strategy": "best-k", "epochs": 1, "seeds": 1, "seed": 0}
HOW |= {"recipe": "modern", "jobs": None, "on": None, "data_dir": None, "budget": None}


class PyTorch:
    """One candidate after the other in PyTorch, as an Optuna study."""

    def __init__(self, search: Search, candidates: list[Candidate]) -> None:
        torch.set_num_threads(processors())
        data = with_validation(search.data, search.search_recipe)
        mean, deviation = (float(x) for x in (data.train.images.mean(), data.train.images.std()))
        self.train, self.validation = (
            (
                torch.from_numpy((part.images.astype(np.float32) - mean) / deviation),
                torch.from_numpy(part.labels),
            )
            for part in (data.train, data.validation)
        )
        self.candidates = candidates
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(direction="maximize")
        for one in candidates:
            places = {n: CHOICES[n].index(value) for n, value in one.choices.items()}
            self.study.enqueue_trial(places)

    def run(self, count: int) -> None:
        """Run the next trials."""
        self.study.optimize(self._objective, n_trials=count)

    def _objective(self, trial: optuna.Trial) -> float:
        for name, options in CHOICES.items():
            trial.suggest_categorical(name, range(len(options)))
        return self._accuracy(self.candidates[trial.number])

    def _accuracy(self, candidate: Candidate) -> float:
        model = lenet.Model(candidate.network).initialize()
        plan = make_plan(candidate.network)
        net = torch_network(candidate.network, plan, model.table).to(
            memory_format=torch.channels_last
        )
        recipe, (images, labels) = candidate.recipe, self.train
        optimizer = torch.optim.AdamW(
            net.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
        )
        steps = -(-len(images) // recipe.batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.lr, total_steps=steps, pct_start=0.25, cycle_momentum=False
        )
        loss = torch.nn.CrossEntropyLoss()
        net.train()
        for batch in torch.randperm(len(images)).split(recipe.batch_size):
            some = self._augmented(images[batch], recipe.augment)
            optimizer.zero_grad()
            loss(net(some.contiguous(memory_format=torch.channels_last)), labels[batch]).backward()
            optimizer.step()
            schedule.step()
        net.eval()
        with torch.inference_mode():
            right = [
                (net(some).argmax(1) == wanted).float().sum()
                for some, wanted in zip(*(x.split(1000) for x in self.validation), strict=True)
            ]
        return float(sum(right)) / len(self.validation[0])

    @staticmethod
    def _augmented(images: torch.Tensor, how: lenet.Augmentation) -> torch.Tensor:
        """Shift and mirror a batch; each is the same for the whole batch, which is cheap."""
        if how.shift:
            most = int(how.shift)
            down, right = torch.randint(-most, most + 1, (2,)).tolist()
            images = images.roll((down, right), (2, 3))
        return images.flip(3) if how.flip and torch.rand(()) < 0.5 else images


def main() -> None:
    """Measure both in turn, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--overhead-only", action="store_true")
    arguments = parser.parse_args()
    if not arguments.overhead_only:
        compare(arguments.data, arguments.trials, arguments.rounds)
    measure_overhead(arguments.data)


def compare(data: str, trials: int, rounds: int) -> None:
    """Print the trials per minute of both."""
    search = Search(data, **HOW, trials=trials)
    candidates = [search.space.draw(number) for number in range(trials)]
    theirs, seconds, share = PyTorch(search, candidates), [0.0, 0.0], -(-trials // rounds)
    with tempfile.TemporaryDirectory() as folder:
        ours = _Running(search, Record(folder), None)
        for begin in range(0, trials, share):
            count = min(share, trials - begin)
            start = time.perf_counter()
            drawn = ours.sampler.draw(ours.space, range(begin, begin + count), [], [])
            ours._train([(one, 1) for one in drawn], _Stage("first looks", 0))
            middle = time.perf_counter()
            theirs.run(count)
            end = time.perf_counter()
            seconds = [seconds[0] + middle - start, seconds[1] + end - middle]
            print(f"{begin + count:3} trials: {seconds[0]:.1f} s, {seconds[1]:.1f} s", flush=True)
    rates = [60 * trials / value for value in seconds]
    print(f"lenet tune {rates[0]:.1f} trials per minute, Optuna + PyTorch {rates[1]:.1f}")
    print(f"{rates[0] / rates[1]:.1f}x as many, on {processors()} processors")


def measure_overhead(data: str) -> None:
    """Print what a search takes beyond its trainings, one at a time and one per processor."""
    for jobs in (1, processors()):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            found = lenet.tune(
                data, trials=32, epochs=2, seeds=1, jobs=jobs, folder=Path(folder) / "a"
            )
            seconds = time.perf_counter() - start
            seconds -= read_run(found.run).seconds  # of the winner's run, a training as well
        beyond = jobs * seconds / found.seconds - 1
        print(
            f"{jobs} at a time: {found.seconds:.1f} s of trainings in {seconds:.1f} s, "
            f"{100 * beyond:.1f} % beyond them"
        )


if __name__ == "__main__":
    main()
