"""An exported C file on a Cortex-M that QEMU plays: the same answers, and what it costs.

    python benchmarks/cortex.py MODEL DATA [--int8] [--pictures 100] [--cpu m4] [--optimize 2]

The file is compiled by arm-none-eabi-gcc and run on some test images; the classes and the bits of
the probabilities are those that this machine has (of floats: within 1e-6, for their libraries may
round differently). Printed are flash, with and without floats, memory, stack and instructions per
multiply-add. QEMU counts instructions, not cycles. On Debian:

    apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import lenet
from lenet.analysis import count_network
from lenet.formats import runtimes
from lenet.formats.export import export
from lenet.model import Model

FOLDER = Path(__file__).parent
GCC, QEMU, SIZE = "arm-none-eabi-gcc", "qemu-system-arm", "arm-none-eabi-size"
#: By name: QEMU's board, and what the compiler is told.
CPUS = {
    "m0": ("mps2-an385", ("-mcpu=cortex-m0",)),
    "m3": ("mps2-an385", ("-mcpu=cortex-m3",)),
    "m4": ("mps2-an386", ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")),
}
#: QEMU's clock runs 2^5 ns for an instruction, so that the timer sees nearly every one.
CLOCK = ("-icount", "shift=5,align=off,sleep=off")


@dataclass(frozen=True)
class Answers:
    """What the processor said."""

    classes: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    instructions: float  # of a picture
    stack: int  # bytes


def missing() -> str:
    """Name the tools that are not there."""
    return ", ".join(tool for tool in (GCC, QEMU, SIZE) if shutil.which(tool) is None)


def run(
    file: Path, images: npt.NDArray[np.uint8], classes: int, cpu: str = "m4", optimize: str = "2"
) -> Answers:
    """Run the C file, with its header beside it, on ``images`` (N, C, H, W)."""
    board, target = CPUS[cpu]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(file, folder / "model.c")
        shutil.copy(file.with_suffix(".h"), folder / "model.h")
        pixels = ",".join(map(str, images.reshape(-1).tolist()))
        declared = f"const uint8_t pictures[{images.size}]"
        (folder / "pictures.c").write_text(
            f"#include <stdint.h>\nextern {declared};\n{declared} = {{{pixels}}};\n"
        )
        sources = ["model.c", "pictures.c", str(FOLDER / "cortex.c")]
        flags = ["-std=c99", f"-O{optimize}", "-mthumb", *target, "-I."]
        link = ["-nostdlib", "-T", str(FOLDER / "cortex.ld"), f"-DPICTURES={len(images)}", "-lgcc"]
        link += ["-lc", "-lgcc"]
        command = [GCC, *flags, *sources, "-o", "program.elf", *link]
        subprocess.run(command, cwd=folder, check=True)
        command = [QEMU, "-M", board, "-nographic", "-semihosting", *CLOCK]
        ran = subprocess.run(
            [*command, "-kernel", "program.elf"],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )
    lines = [
        [int(word, 16) for word in line.split()] for line in (ran.stdout + ran.stderr).splitlines()
    ]
    *rows, (loop, taken, stack) = lines
    found = np.array(rows, np.uint32).reshape(len(images), 1 + classes)
    return Answers(
        found[:, 0].astype(np.int64),
        found[:, 1:].copy().view(np.float32),
        taken / loop * 200_000 / len(images),
        stack,
    )


def flash(file: Path, entry: str, cpu: str = "m4", optimize: str = "s") -> tuple[int, int]:
    """Return the bytes of flash and of static memory of a program that calls ``entry`` alone."""
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "program.elf"
        flags = ["-std=c99", f"-O{optimize}", "-mthumb", *CPUS[cpu][1]]
        link = [
            "-ffunction-sections",
            "-fdata-sections",
            "-nostdlib",
            f"-Wl,--gc-sections,-e,{entry}",
        ]
        libraries = ["-lgcc", "-lc", "-lgcc"]
        subprocess.run([GCC, *flags, *link, str(file), "-o", program, *libraries], check=True)
        told = subprocess.run([SIZE, program], check=True, capture_output=True, text=True).stdout
    text, data, bss = map(int, told.splitlines()[1].split()[:3])
    return text + data, data + bss


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--cpu", choices=CPUS, default="m4")
    parser.add_argument("--optimize", default="2", help="the compiler's -O")
    given = parser.parse_args()
    if missing():
        parser.error(f"{missing()} cannot be found")
    model, data = Model.load(given.model), lenet.load(given.data)
    images = model.preprocessing.prepare(data.tested.images[: given.pictures])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.c"
        calibrate = data if given.int8 else None
        export(model, file, int8=given.int8, calibrate=calibrate)
        here, probabilities = runtimes.answer_c(model, file.read_bytes())(images)
        answers = run(file, images, len(model.classes), given.cpu, given.optimize)
        for entry in ("lenet_classify", "lenet_predict") if given.int8 else ("lenet_predict",):
            for optimize in ("s", given.optimize):
                used, memory = flash(file, entry, given.cpu, optimize)
                print(f"{entry}, -O{optimize}: {used:,} bytes of flash, {memory:,} of memory")
    different = int((answers.classes != here).sum())
    gap = np.abs(answers.probabilities - probabilities).max()
    macs = count_network(model.network).multiply_adds
    print(
        f"{different} of {len(images)} images get another class, the largest difference of a "
        f"probability is {gap:.1e}; {answers.instructions:,.0f} instructions per picture, "
        f"{answers.instructions / macs:.2f} per multiply-add, {answers.stack:,} bytes of stack"
    )


if __name__ == "__main__":
    main()
