"""The PyTorch engine: a plan run by PyTorch, on a processor or on a GPU.

It trains what the others train, by the same recipe and in the same order of images. What is dropped
is drawn by PyTorch, and sums have other roundings: the accuracy is the same within the noise of the
seeds, and not bit for bit. The images and all that a training changes stay on the device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from numpy.typing import NDArray

from lenet.engine.engine import PLAIN, Gradient, Objective, Samples, TrainResult
from lenet.engine.normalise import EPSILON, MOMENTUM, folded_plan, folded_table, ghost_batches
from lenet.engine.optimizer import CLIP_EPSILON, Optimizer
from lenet.engine.plan import Floats, Plan, Step, Tensor
from lenet.errors import EngineError, UsageError
from lenet.net.layers import LEAKY_SLOPE, SCALED_TANH
from lenet.net.words import shown
from lenet.optimizers import LEVENBERG_MARQUARDT

#: Images that are scored at a time: their maps fit on any device.
_CHUNK = 4096

_ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky-relu": lambda z: F.leaky_relu(z, LEAKY_SLOPE),
    "silu": F.silu,
    "scaled-tanh": lambda z: SCALED_TANH[0] * torch.tanh(SCALED_TANH[1] * z),
}


class TorchEngine:
    """Runs a plan in PyTorch; see :class:`lenet.engine.engine.Engine`."""

    def __init__(self, plan: Plan, threads: int, device: str = "cpu") -> None:
        """Compute on ``device``: cpu, cuda, cuda:1, mps, as PyTorch names it.

        Raises:
            UsageError: PyTorch knows no such device, or this machine has none.
        """
        self.plan, self.threads, self.device = plan, threads, _checked_device(device)
        if self.device.type == "cpu":
            torch.set_num_threads(threads)
        self._kept: dict[str, tuple[Any, torch.Tensor]] = {}

    @property
    def name(self) -> str:
        """``torch`` and the device."""
        return f"torch {self.device}"

    def scores(
        self, parameters: Floats, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> Floats:
        """Return the scores (N, classes) of ``images`` (N, C, H, W)."""
        plan = folded_plan(self.plan)
        table = self._moved(folded_table(self.plan, np.asarray(parameters, np.float32)))
        found = np.empty((len(images), plan.classes), np.float32)
        with torch.inference_mode():
            for start in range(0, len(images), _CHUNK):
                part = self._moved(images[start : start + _CHUNK])
                x = self._pixels(part, scale, shift)
                scores, _ = _forward(plan.steps, table, x, 0.0)
                found[start : start + _CHUNK] = scores.cpu().numpy()
        return found

    def gradient(
        self, parameters: Floats, samples: Samples, objective: Objective = PLAIN, step: int = 1
    ) -> Gradient:
        """Return loss and gradient of all ``samples`` as one batch, in training step ``step``."""
        objective.check(len(samples.images))
        torch.manual_seed(_seed_of(objective, step))
        table = self._moved(np.array(parameters, np.float32)).requires_grad_()
        everything = torch.arange(len(samples.images), device=self.device)
        loss, correct, _ = self._step(table, samples, everything, objective)
        loss.backward()
        assert table.grad is not None
        return Gradient(float(loss.detach()), int(correct), table.grad.cpu().numpy())

    def train(
        self,
        parameters: Floats,
        state: Floats,
        samples: Samples,
        order: NDArray[np.integer[Any]],
        batch_size: int,
        rates: NDArray[np.float64],
        first_step: int,
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
        samples.check_order(order, batch_size, len(rates), objective)
        table = self._moved(np.array(parameters, np.float32)).requires_grad_()
        moments = self._moved(np.array(state, np.float32))
        places = self._moved(np.asarray(order, np.int64))
        losses, correct = np.zeros(len(rates)), np.zeros(len(rates), np.int64)
        steps = len(rates)
        for i, rate in enumerate(rates):
            number = first_step + i + 1
            torch.manual_seed(_seed_of(objective, number))
            chosen = places[i * batch_size : (i + 1) * batch_size]
            loss, right, statistics = self._step(table, samples, chosen, objective)
            losses[i] = float(loss.detach())
            if not np.isfinite(losses[i]):
                steps = i
                break
            correct[i] = int(right)
            table.grad = None
            loss.backward()
            with torch.no_grad():
                self._update(optimizer, table, moments, float(rate), number, statistics)
        parameters[...] = table.detach().cpu().numpy()
        state[...] = moments.cpu().numpy()
        return TrainResult(losses, correct, steps)

    def _step(
        self, table: torch.Tensor, samples: Samples, chosen: torch.Tensor, objective: Objective
    ) -> tuple[torch.Tensor, torch.Tensor, dict[Tensor, torch.Tensor]]:
        """Return the mean loss of the images chosen, how many are right, and the statistics."""
        images = self._held("images", samples.images)
        labels = self._held("labels", samples.labels).long()[chosen]
        x = self._pixels(images[chosen], samples.scale, samples.shift)
        scores, statistics = _forward(self.plan.steps, table, x, objective.dropout)
        losses = _losses(scores, labels, objective)
        if objective.weights is not None:
            losses = losses * self._held("weights", objective.weights)[chosen]
        return losses.mean(), (scores.argmax(1) == labels).sum(), statistics

    def _update(
        self,
        optimizer: Optimizer,
        table: torch.Tensor,
        state: torch.Tensor,
        rate: float,
        number: int,
        statistics: dict[Tensor, torch.Tensor],
    ) -> None:
        """Move the table by its gradient, and the running statistics by those of the batch."""
        still = (*self.plan.running, *self.plan.fixed)
        before = {tensor: _view(tensor, table).clone() for tensor in still}
        for tensor in still:  # not the optimizer's: it must not decay them
            _view(tensor, table).zero_()
        assert table.grad is not None
        _optimize(optimizer, table, table.grad, state, rate, number)
        for tensor, old in before.items():
            new = statistics.get(tensor)
            moved = old if new is None else (1 - MOMENTUM) * old + MOMENTUM * new
            _view(tensor, table).copy_(moved)
        if optimizer.ema_decay:
            state[-1].mul_(optimizer.decay).add_(table.detach(), alpha=1 - optimizer.decay)

    def _pixels(self, images: torch.Tensor, scale: Floats, shift: Floats) -> torch.Tensor:
        scale_, shift_ = (
            self._moved(np.asarray(v, np.float32)).view(-1, 1, 1) for v in (scale, shift)
        )
        return images.float() * scale_ + shift_

    def _moved(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(self.device)

    def _held(self, name: str, values: NDArray[Any]) -> torch.Tensor:
        """Return an array on the device, where it stays until another takes its place."""
        array, tensor = self._kept.get(name, (None, None))
        if array is not values or tensor is None:
            tensor = self._moved(values)
            self._kept[name] = values, tensor
        return tensor

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_kept": {}}


def _losses(scores: torch.Tensor, labels: torch.Tensor, objective: Objective) -> torch.Tensor:
    if objective.nearest:
        return -scores.gather(1, labels[:, None])[:, 0]
    if objective.rubbish == -np.inf:
        return F.cross_entropy(
            scores, labels, reduction="none", label_smoothing=objective.label_smoothing
        )
    level = torch.logaddexp(scores.logsumexp(1), scores.new_tensor(objective.rubbish))
    logs = scores - level[:, None]
    share = objective.label_smoothing
    return -(1 - share) * logs.gather(1, labels[:, None])[:, 0] - share * logs.mean(1)


def _checked_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        what = f"PyTorch cannot use the device {shown(name)} ({str(error).splitlines()[0][:120]})"
        raise UsageError(f"{what}; give cpu, or cuda on a machine with a GPU.") from error
    return device


def _seed_of(objective: Objective, step: int) -> int:
    return (objective.seed * 1_000_003 + step) % 2**63


def _view(tensor: Tensor, table: torch.Tensor) -> torch.Tensor:
    return table[tensor.offset : tensor.offset + tensor.size].view(tensor.shape)


def _forward(
    steps: tuple[Step, ...], table: torch.Tensor, x: torch.Tensor, dropout: float
) -> tuple[torch.Tensor, dict[Tensor, torch.Tensor]]:
    """Return scores (N, classes), and what normalised steps found, where it is kept."""
    statistics: dict[Tensor, torch.Tensor] = {}
    for index, step in enumerate(steps):
        x = _ACTIVATIONS[step.activation](_linear(step, table, x, statistics))
        if dropout and step.kind == "dense" and index < len(steps) - 1:
            x = F.dropout(x, dropout)
    return x.flatten(1), statistics


def _linear(
    step: Step, table: torch.Tensor, x: torch.Tensor, statistics: dict[Tensor, torch.Tensor]
) -> torch.Tensor:
    if step.kind == "maxpool":
        return F.max_pool2d(_padded(step, x, -torch.inf), step.kernel_size, step.stride)
    if step.kind == "avgpool":
        return F.avg_pool2d(_padded(step, x, 0.0), step.kernel_size, step.stride)
    if own := _OLD.get(step.kind):
        return own(step, table, x)
    if step.weight is None or step.bias is None:
        raise EngineError(f"{step.name} has no weights.")
    weight, bias = _view(step.weight, table), _view(step.bias, table)
    if step.kind == "dense":
        return F.linear(x.flatten(1), weight, bias)
    if step.links is not None:
        weight = weight * torch.from_numpy(step.links).to(weight)[:, :, None, None]
    norm = step.norm
    padded, plain = _padded(step, x, 0.0), None if norm else bias
    z = F.conv2d(padded, weight, plain, step.stride, groups=step.groups)
    if norm is None:
        return z
    parts, found = [], []
    for part in ghost_batches(len(z)):
        variance, mean = torch.var_mean(z[part], dim=(0, 2, 3), correction=0)
        values = z[part].numel() // z.shape[1]
        found.append((mean.detach(), variance.detach() * (values / max(values - 1, 1))))
        unit = (z[part] - _maps(mean)) / _maps(torch.sqrt(variance + EPSILON))
        parts.append(unit * _maps(_view(norm.scale, table)) + _maps(bias))
    for tensor, each in zip((norm.mean, norm.variance), zip(*found, strict=True), strict=True):
        statistics[tensor] = torch.stack(each).mean(dim=0)
    return torch.cat(parts)


def _subsample(step: Step, table: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    assert step.weight
    assert step.bias
    sums = F.avg_pool2d(_padded(step, x, 0.0), step.kernel_size, step.stride, divisor_override=1)
    return sums * _maps(_view(step.weight, table)) + _maps(_view(step.bias, table))


def _nearness(step: Step, table: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    assert step.weight
    targets = _view(step.weight, table).detach()
    return -((x.flatten(1)[:, None] - targets) ** 2).sum(2)


#: What LeCun et al. 1998 have besides.
_OLD = {"subsample": _subsample, "rbf": _nearness}


def _padded(step: Step, x: torch.Tensor, value: float) -> torch.Tensor:
    top, bottom, left, right = step.padding
    return F.pad(x, (left, right, top, bottom), value=value) if any(step.padding) else x


def _maps(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1)


def _optimize(
    optimizer: Optimizer,
    table: torch.Tensor,
    gradient: torch.Tensor,
    state: torch.Tensor,
    rate: float,
    number: int,
) -> None:
    """Take one step; the twin of :meth:`lenet.engine.optimizer.Optimizer.update`."""
    if optimizer.max_grad_norm:
        norm = torch.linalg.vector_norm(gradient, dtype=torch.float64)
        gradient = gradient * torch.clamp(optimizer.max_grad_norm / (norm + CLIP_EPSILON), max=1)
        gradient = gradient.float()
    if optimizer.kind == LEVENBERG_MARQUARDT:
        table.sub_(state[0] * gradient, alpha=rate)
        return
    if optimizer.kind == "adamw":
        mean, square = state[0], state[1]
        mean.add_(gradient - mean, alpha=1 - optimizer.beta1)
        square.mul_(optimizer.beta2).add_(gradient * gradient, alpha=1 - optimizer.beta2)
        root = torch.sqrt(square) / (1 - optimizer.beta2**number) ** 0.5 + optimizer.epsilon
        table.mul_(1 - rate * optimizer.weight_decay)
        table.sub_(mean / root, alpha=rate / (1 - optimizer.beta1**number))
        return
    if optimizer.weight_decay:
        gradient = gradient + optimizer.weight_decay * table
    if optimizer.kind != "sgd":
        state[0].mul_(optimizer.momentum).add_(gradient)
        nesterov = optimizer.kind == "nesterov"
        gradient = gradient + optimizer.momentum * state[0] if nesterov else state[0]
    table.sub_(gradient, alpha=rate)
