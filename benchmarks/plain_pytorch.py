"""LeNet on MNIST in plain PyTorch: what `lenet train mnist --epochs 3` does, for the clock.

    python benchmarks/plain_pytorch.py [--epochs 3] [--data FOLDER]

The network, the recipe and the batch are those of `lenet train`: ReLU, AdamW, one cycle up to 0.01,
128 images a batch. All images are in memory, no loader stands between, and the layout is
channels_last, the faster one on a processor. FOLDER, by default the variable LENET_DATA, has the
IDX files in mnist/.
"""

import argparse
import gzip
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

BATCH = 128


def read_idx(folder: Path, name: str) -> np.ndarray:
    """The bytes of an IDX file behind its header, in its shape."""
    data = gzip.decompress((folder / f"{name}.gz").read_bytes())
    axes = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis]) for axis in range(axes)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_part(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, 28, 28) from 0 to 1, and labels (N,)."""
    images = torch.from_numpy(read_idx(folder, f"{part}-images-idx3-ubyte") / np.float32(255))
    labels = torch.from_numpy(read_idx(folder, f"{part}-labels-idx1-ubyte").astype(np.int64))
    return images.unsqueeze(1), labels


def make_network() -> nn.Sequential:
    """LeNet with ReLU, its weights drawn as He et al. do."""
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(256, 120), nn.ReLU()),
        *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    for parameter in network.parameters():
        if parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            nn.init.zeros_(parameter)
    return network.to(memory_format=torch.channels_last)


def main() -> None:
    """Read, train, test after every epoch, save."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--data", type=Path, default=os.environ.get("LENET_DATA", "."))
    parser.add_argument("--save", type=Path, default="plain_pytorch.pt")
    arguments = parser.parse_args()

    torch.manual_seed(0)
    images, labels = read_part(arguments.data / "mnist", "train")
    test_images, test_labels = read_part(arguments.data / "mnist", "t10k")
    mean, deviation = images.mean(), images.std()
    images, test_images = ((x - mean) / deviation for x in (images, test_images))

    network = make_network()
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.01,
        total_steps=arguments.epochs * -(-len(images) // BATCH),
        pct_start=0.25,
        div_factor=25,
        final_div_factor=40,
        cycle_momentum=False,
    )
    start = time.perf_counter()
    for epoch in range(1, arguments.epochs + 1):
        for batch in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss(network(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
        with torch.inference_mode():
            right = (network(test_images).argmax(1) == test_labels).float().mean().item()
        seconds = time.perf_counter() - start
        print(f"epoch {epoch}   test {100 * right:.2f} %   {seconds:.1f} s")
    torch.save(network.state_dict(), arguments.save)


if __name__ == "__main__":
    main()
