"""Everything of lenet that reads what may come from anywhere: the one table of all readers.

A reader is prepared in a folder of its own; it then makes inputs, each from a ``Random`` of its
own, and reads them. What it returns are texts that would go to a terminal, a page or a file. A new
reader is one more function here, and both ``python -m tests.hostile`` and the tests have it.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save as save_tensors

import lenet
from hostile.mutation import HOSTILE_TEXTS, composed, json_bytes, mutated, mutated_value, renumbered
from lenet.cli.main import main
from lenet.errors import LenetError, visible, visible_lines
from lenet.formats.importing import read_model
from lenet.formats.int8 import quantise
from lenet.net import from_json, name_of, read_network, to_json
from lenet.net.network import read_input
from lenet.studies.claim import FOLDER, read_study
from lenet.studies.trials import FILE, Record
from lenet.training import named_recipe
from lenet.training.checkpoint import Checkpoint
from lenet.training.recipe import read_recipe, read_settings, recipe_text
from lenet.training.run import resume_run
from lenet.writing import FORMATS, Result, render

TESTS = Path(__file__).parents[1]
KERAS = TESTS / "formats" / "files" / "net.keras"
SMALL = "1x4x4 | conv 2 k3 batchnorm relu | dense 3"
NETWORKS = (
    "1x28x28 | conv 6 k5 relu, maxpool 2 | conv 16 k5 p2 relu, avgpool 2 | dense 120, dense 10",
    "3x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 batchnorm tanh | dense 5 sigmoid",
    "1x9x9 | conv 6 k2 scaled-tanh, subsample 2 scaled-tanh | conv 16 k3 table:lenet-5 | rbf 10",
    SMALL,
    "lenet-relu",
)


def words_of(text: str) -> list[bytes]:
    """Return the words of a grammar, parted by ``!``; they may hold spaces and line breaks."""
    return [word.encode() for word in text.split("!")]


_WORDS = words_of(
    "1x28x28 !| !, ! conv !dense !maxpool !avgpool ! k5! k3x2! s2! p1! psame! relu! batchnorm"
    "! g2!x!-!->! @!\n"
)


@dataclass(frozen=True)
class Target:
    """A reader that is ready."""

    make: Callable[[Random], bytes]
    read: Callable[[bytes], object]


@dataclass(frozen=True)
class Reader:
    """What reads one kind of input; ``share`` of the tests' inputs are tried: it may be slow."""

    name: str
    prepare: Callable[[Path], Target]
    share: float = 1.0


READERS: list[Reader] = []


def reader(share: float = 1.0) -> Callable[[Callable[[Path], Target]], Callable[[Path], Target]]:
    """Put a function that prepares a reader into the table."""

    def add(prepare: Callable[[Path], Target]) -> Callable[[Path], Target]:
        READERS.append(Reader(prepare.__name__.replace("_", " "), prepare, share))
        return prepare

    return add


def text_target(
    seeds: Iterable[str], words: Sequence[bytes], read: Callable[[str], object]
) -> Target:
    """Make a reader of texts as a command line hands them over: any bytes, surrogates for some."""
    known = [seed.encode() for seed in seeds]

    def make(random: Random) -> bytes:
        match random.randrange(5):
            case 0:
                return composed(random, words)
            case 1 | 2:
                return renumbered(random, known)
        return mutated(random, known, words)

    return Target(make, lambda content: read(content.decode("utf-8", "surrogateescape")))


def file_target(
    path: Path,
    seeds: Sequence[bytes],
    words: Sequence[bytes],
    read: Callable[[Path], object],
    make: Callable[[Random], bytes] | None = None,
) -> Target:
    """Make a reader of a file; half of the inputs come from ``make``, where it is given."""

    def written(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    def any_of(random: Random) -> bytes:
        if make and random.randrange(2):
            return make(random)
        return mutated(random, seeds, words)

    return Target(any_of, written)


def pages(result: Result) -> list[str]:
    """Write a result in every format, and as it stands at a prompt."""
    forms = [form for form in FORMATS if form != "csv" or result.csv_key]
    return [str(result), *(render(result, form) for form in forms)]


# ---------------------------------------------------------------------------------- networks


@reader()
def notation(folder: Path) -> Target:
    def read(text: str) -> str:
        network = lenet.parse(text)
        assert lenet.parse(str(network)) == network
        return str(network)

    return text_target(NETWORKS, _WORDS, read)


@reader(0.5)
def network_verbs(folder: Path) -> Target:
    """Every verb on a network that could be read."""

    def read(text: str) -> list[str]:
        try:
            network = read_network(text)
            _ = network.placed
        except LenetError:
            return pages(lenet.diagnose(text))
        if len(network.layers) > 40:
            return [str(network)]
        found = [lenet.explain(network), lenet.diagnose(network), lenet.compare(network, "tiny")]
        return [name_of(network), *(page for result in found for page in pages(result))]

    return text_target(NETWORKS, _WORDS, read)


@reader()
def network_json(folder: Path) -> Target:
    seeds = [to_json(read_network(net)).encode() for net in NETWORKS]

    def make(random: Random) -> bytes:
        return json_bytes(random, mutated_value(random, json.loads(random.choice(seeds))))

    def read(path: Path) -> list[str]:
        network = read_network(path)
        assert from_json(to_json(network)) == network
        return [str(network), name_of(path)]

    return file_target(folder / "net.json", seeds, (b'"', b"{", b"[", b"null", b","), read, make)


@reader()
def input_shape(folder: Path) -> Target:
    def read(text: str) -> str:
        return str(read_input(text))

    return text_target(["3x64x64", "1x28x28"], (b"x", b"1", b" ", "٣".encode()), read)


@reader(0.5)
def figures(folder: Path) -> Target:
    seeds = ["32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"]
    seeds += ["28x28x1 -> 26x26x32 -> 13x13x32 -> 1600 -> 10", "1@28x28 -> dense 256 -> 10"]
    seeds.append(
        "Layer (type)  Output Shape  Param #\nconv2d (Conv2D)  (None, 26, 26, 32)  320\n"
        "flatten (Flatten)  (None, 21632)  0\ndense (Dense)  (None, 10)  216,330\n"
    )
    words = words_of(
        "->!@!x!28!10!6! !(!)![!None!torch.Size! flatten ! conv ! pool !.!\n!├─!Output Shape!Param"
    )
    return text_target(seeds, words, lambda text: pages(lenet.deduce(text)))


@reader(0.5)
def figures_with_more(folder: Path) -> Target:
    """What is known of single layers, and how many parameters there are."""
    seeds = ["conv0 k5;60k", "conv0 k5 s1;44426", "pool0 k2;=3000", "conv0 k5x3;9M"]

    def read(text: str) -> list[str]:
        given, _, params = text.partition(";")
        return pages(lenet.deduce("28x28 -> 6@24x24 -> 6@12x12 -> 10", given=given, params=params))

    words = words_of("conv0!pool0!kernel!stride!=!<=!k!M! !;!5!padding")
    return text_target(seeds, words, read)


@reader(0.5)
def budgets(folder: Path) -> Target:
    seeds = ["parameters=60000", "macs=300k", "memory=256KiB", "parameters=44k"]
    words = words_of("parameters!macs!memory!=!k!M!KiB!60000! !-!e")
    return text_target(seeds, words, lambda text: pages(lenet.balance("tiny", budget=text)))


# ------------------------------------------------------------------------------ models, weights


def with_header(header: bytes, data: bytes) -> bytes:
    """Return a safetensors file of these."""
    return len(header).to_bytes(8, "little") + header + data


def parts_of(content: bytes) -> tuple[Any, bytes]:
    """Return a safetensors file's header as values, and the bytes behind it."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def mutated_tensors(random: Random, content: bytes) -> bytes:
    """Return a file with a changed header, values inside its metadata too, and a right checksum."""
    header, data = parts_of(content)
    metadata = header.get("__metadata__", {})
    inner = [key for key, value in metadata.items() if value[:1] in ("{", "[")]
    if inner and random.randrange(3):
        key = random.choice(inner)
        value = mutated_value(random, json.loads(metadata[key]))
        metadata[key] = json_bytes(random, value).decode("utf-8", "surrogatepass")
    elif metadata and random.randrange(3) == 0:
        metadata[random.choice(list(metadata))] = random.choice(HOSTILE_TEXTS)
    else:
        header = mutated_value(random, header, 1)
    if random.randrange(3) == 0:
        data = mutated(random, [data])
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["sha256"] = hashlib.sha256(data).hexdigest()
    return with_header(json_bytes(random, header), data)


def small_model(**options: Any) -> lenet.Model:
    return lenet.Model(SMALL, **options).initialize(seed=1)


@reader()
def models(folder: Path) -> Target:
    model = small_model(classes=["cat", "dog", "图"])
    model.training = {"epochs": [{"epoch": 1, "loss": 0.5}], "recipe": {"lr": 0.1}}
    images = np.zeros((1, 4, 4), np.uint8)
    seeds = [model.to_bytes(), quantise(model, images[np.newaxis]).to_bytes()]

    def read(path: Path) -> list[str]:
        with contextlib.suppress(LenetError):
            _ = name_of(path), str(read_network(path))
        known = lenet.Model.load(path)
        found = lenet.predict(known, images)
        assert lenet.Model.from_bytes(known.to_bytes()).classes == known.classes
        return [*known.classes, repr(known), *pages(found), *map(repr, known.layers)]

    def make(random: Random) -> bytes:
        return mutated_tensors(random, random.choice(seeds))

    return file_target(
        folder / "m.safetensors", seeds, (b'"', b"{}", b"F32", b"I8", b"sha256"), read, make
    )


@reader()
def weights(folder: Path) -> Target:
    """Weights for ``diagnose``: names and shapes of any tensors."""
    names = ["conv0.weight", "features.0.bias", "fc.weight", "bn1.running_mean", "x.num_batches"]
    shapes = [(2, 1, 3, 3), (2,), (3, 8), (2,), (1,)]
    tensors = {n: np.zeros(s, np.float32) for n, s in zip(names, shapes, strict=True)}
    seeds = [save_tensors(tensors, {"format": "pt"}), small_model().to_bytes()]

    def make(random: Random) -> bytes:
        return mutated_tensors(random, random.choice(seeds))

    def read(path: Path) -> list[str]:
        return pages(lenet.reconcile(SMALL, path))

    return file_target(folder / "w.safetensors", seeds, (b'"', b"F32", b"shape"), read, make)


# ------------------------------------------------------------------------------- images, data


def picture_bytes(kind: str, mode: str = "L", seed: int = 1) -> bytes:
    """Return a small picture of any kind that Pillow writes."""
    random = np.random.default_rng(seed)
    shape = (6, 5, 3) if mode == "RGB" else (6, 5)
    pixels = random.integers(0, 256, shape, np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(pixels, "RGB" if mode == "RGB" else "L").convert(mode).save(file, kind)
        return file.getvalue()


@reader()
def pictures(folder: Path) -> Target:
    kinds = [
        ("PNG", "L"),
        ("PNG", "RGB"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("JPEG", "L"),
        ("JPEG", "RGB"),
    ]
    kinds += [
        ("BMP", "L"),
        ("BMP", "RGB"),
        ("PPM", "L"),
        ("GIF", "P"),
        ("TIFF", "L"),
        ("WEBP", "RGB"),
    ]
    seeds = [picture_bytes(*kind) for kind in kinds]
    words = [b"IHDR", b"IDAT", b"tRNS", b"\xff\xd8", b"\xff\xda", b"BM", b"GIF89a", b"II*\0"]
    model = small_model()

    def read(path: Path) -> list[str]:
        return pages(lenet.predict(model, path))

    return file_target(folder / "a.png", seeds, words, read)


def idx_bytes(images: np.ndarray[Any, Any]) -> bytes:
    """Return an array of bytes as an IDX file."""
    sizes = b"".join(n.to_bytes(4, "big") for n in images.shape)
    return bytes([0, 0, 8, images.ndim]) + sizes + images.tobytes()


@reader()
def idx(folder: Path) -> Target:
    plain = idx_bytes(np.arange(48, dtype=np.uint8).reshape(3, 4, 4))
    seeds = [plain, gzip.compress(plain, mtime=0), idx_bytes(np.arange(3, dtype=np.uint8))]
    model = small_model()

    def read(path: Path) -> list[str]:
        return pages(lenet.predict(model, path))

    def make(random: Random) -> bytes:
        return gzip.compress(mutated(random, seeds[::2]), mtime=0)

    words = [b"\0\0\x08\x03", b"\0\0\0\x04", b"\xff\xff\xff\xff", b"\x1f\x8b"]
    return file_target(folder / "images-idx3-ubyte", seeds, words, read, make)


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    with io.BytesIO() as file:
        np.save(file, array)
        return file.getvalue()


_NPY_WORDS = (
    *(b"'descr': '", b"<f4", b"|u1", b"<i8", b"|O", b"|b1", b"<U9", b">f2", b"<c8", b"True"),
    *(b"'fortran_order': ", b"(3, 4, 4)", b"(0,)", b"(-1, 4, 4)", b"(99999999, 99999999)", b"\n"),
)


@reader()
def npy(folder: Path) -> Target:
    bytes_, floats = np.arange(48, dtype=np.uint8), np.linspace(0, 1, 16, dtype=np.float32)
    seeds = [npy_bytes(bytes_.reshape(3, 4, 4)), npy_bytes(floats.reshape(4, 4, order="F"))]
    model = small_model()

    def read(path: Path) -> list[str]:
        return pages(lenet.predict(model, path))

    return file_target(folder / "a.npy", seeds, _NPY_WORDS, read)


def described(data: lenet.Dataset) -> list[str]:
    """Write what is said of data that were read."""
    from lenet.data import class_table

    return [data.summary(), class_table(data, 20), *data.notes, *data.classes]


@reader()
def npz(folder: Path) -> Target:
    x = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4)
    y = np.arange(20) % 3
    members = {"x": npy_bytes(x), "y": npy_bytes(y)}
    split = {
        "x_train": x,
        "y_train": np.array(list("abc"))[y],
        "x_test": x[:6],
        "y_test": np.array(list("abc"))[y[:6]],
    }

    def archive(parts: dict[str, bytes], kind: int) -> bytes:
        with io.BytesIO() as file:
            with zipfile.ZipFile(file, "w", kind) as archive:
                for name, content in parts.items():
                    archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content)
            return file.getvalue()

    seeds = [archive(members, zipfile.ZIP_STORED), archive(members, zipfile.ZIP_DEFLATED)]
    seeds.append(archive({k: npy_bytes(v) for k, v in split.items()}, zipfile.ZIP_STORED))

    def make(random: Random) -> bytes:
        """Change an array inside, so that the archive itself is intact."""
        parts = (
            {k: npy_bytes(v) for k, v in split.items()} if random.randrange(2) else dict(members)
        )
        name = random.choice(list(parts))
        parts[name] = mutated(random, [parts[name]], _NPY_WORDS)
        if random.randrange(4) == 0:
            parts[random.choice(HOSTILE_TEXTS[:4]).replace("\0", "")] = parts.pop(name)
        return archive(parts, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))

    return file_target(
        folder / "a.npz", seeds, _NPY_WORDS, lambda path: described(lenet.load(path)), make
    )


@reader(0.5)
def tables_of_files(folder: Path) -> Target:
    for i in range(6):
        (folder / f"d{i}.png").write_bytes(picture_bytes("PNG", seed=i))
    rows = "".join(f"d{i}.png,{'ab'[i % 2]}\n" for i in range(6))
    seeds = [f"path,label\n{rows}".encode(), rows.encode(), f"\ufefffile;class\n{rows}".encode()]
    seeds += [
        f"path,label\n{rows}".encode("utf-16"),
        b"id,label,split\nd0,x,train\nd1.png,y,test\n",
    ]
    words = (
        b'path,label,image_id,d0.png,d1.png,../,/etc/passwd,\\,;,\t,",\r\n,split,train,test'.split(
            b","
        )
    )

    def read(path: Path) -> list[str]:
        return described(lenet.load(path, skip_bad=True))

    return file_target(folder / "t.csv", seeds, [*words, b","], read)


@reader(0.5)
def lists_to_predict(folder: Path) -> Target:
    """Lists of files: a path in each line, or a table that has a column of them."""
    for i in range(3):
        (folder / f"d{i}.png").write_bytes(picture_bytes("PNG", seed=i))
    texts = ["d0.png\nd1.png\r\n\nd2.png", "id;image\n1;d0.png\n2;d1.png\n", '"d0.png"\n"d 1.png"']
    seeds = [*(text.encode() for text in texts), texts[0].encode("utf-16"), b"\xef\xbb\xbfd0.png"]
    words = words_of('d0.png!../!/etc/passwd!/dev/zero!\\!;!,!"!\r\n!\n!\0!.!path!image')
    model = small_model()

    def read(path: Path) -> list[str]:
        return pages(lenet.predict(model, path, skip_bad=True))

    return file_target(folder / "l.txt", seeds, words, read)


@reader()
def tables_of_pixels(folder: Path) -> Target:
    rows = "".join(f"{i % 2},{','.join(str((i * j) % 256) for j in range(16))}\n" for i in range(8))
    title = "label," + ",".join(f"pixel{i}" for i in range(16)) + "\n"
    seeds = [(title + rows).encode(), rows.encode(), rows.replace(",", ";").encode()]
    words = b'label|pixel0|,|;|\t|"|\n|\r|255|256|-1|0.5|nan|a|#| '.split(b"|")
    return file_target(folder / "p.csv", seeds, words, lambda path: described(lenet.load(path)))


@reader(0.2)
def folders(folder: Path) -> Target:
    """Pictures in folders whose names may be anything that a file system takes."""

    def make(random: Random) -> bytes:
        names = [b"cat", b"dog"] * 3
        match random.randrange(3):
            case 0:
                names.append(mutated(random, [b"cat", b"dog", b"train/cat", b"9"]))
            case 1:
                names.append(random.choice(HOSTILE_TEXTS).encode("utf-8", "surrogatepass"))
            case _:
                names += random.sample(("图".encode(), b"Cat ", b"train/cat", b"val/dog", b"9"), 2)
        return b"\0".join(names)

    def read(content: bytes) -> list[str]:
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        for i, name in enumerate(content.split(b"\0")):
            with contextlib.suppress(OSError, ValueError):
                place = os.path.join(os.fsencode(root), name.replace(b"..", b"").strip(b"/")[:200])
                os.makedirs(place, exist_ok=True)
                with open(os.path.join(place, b"%d\xff.png" % i), "wb") as file:
                    file.write(picture_bytes("PNG", seed=i) if i else b"none")
        return described(lenet.load(root, skip_bad=True))

    return Target(make, read)


# -------------------------------------------------------------------------------- recipes, runs


@reader()
def recipes(folder: Path) -> Target:
    names = ("modern", "original", "best-tiny")
    seeds = [recipe_text(named_recipe(name), "a comment").encode() for name in names]
    words = words_of(
        "lr = !epochs = ![augment]!shift = !init = !\"normal:!0xff!true!'''!\n!=!.![[!inf!nan"
        "!1979-05-27"
    )

    def read(path: Path) -> str:
        recipe = read_recipe(path)
        again = path.with_name("again.toml")
        again.write_text(recipe_text(recipe), encoding="utf-8")
        assert read_recipe(again) == recipe
        return repr(recipe)

    return file_target(folder / "r.toml", seeds, words, read)


@reader()
def studies(folder: Path) -> Target:
    seeds = [path.read_bytes() for path in sorted(FOLDER.glob("*.toml"))]
    words = words_of(
        "[[expect]]!higher = !lower = !same = !within = !by = !arm!epoch!base!seeds = !inf!nan![]"
        '!{}!"!!measure!shake!seconds!pixels!case!1e999!true'
    )

    def read(path: Path) -> list[str]:
        asked = read_study(path)
        texts = [asked.claim, *asked.arms, *(found.text for found in asked.expect)]
        return list(map(visible, texts))  # as all that is printed of them

    return file_target(folder / "s.toml", seeds, words, read)


@reader()
def trials(folder: Path) -> Target:
    outcome = {"status": "finished", "parameters": 51, "epochs": EPOCHS}
    lines = [
        json.dumps({"trial": key, "network": "1x4x4 | dense 3", "seed": 0, **outcome})
        for key in ("a", "b")
    ]
    content = "".join(f"{line}\n" for line in lines).encode()
    words = words_of("NaN!Infinity!-1!true!null!{}![]!finished!diverged!epochs!test_accuracy!1e999")

    def read(path: Path) -> list[str]:
        known = Record(path.parent).known.values()
        return [f"{o.accuracy(0.1)} {o.accuracy(0.1, 1)} {o.seconds} {o.diverged}" for o in known]

    return file_target(folder / FILE, [content], words, read)


#: Epochs as a trial's line has them.
EPOCHS = [
    {"epoch": n, "loss": 1.5, "train_accuracy": 0.5, "test_accuracy": 0.5, "seconds": 0.1}
    for n in (1, 2)
]


@reader()
def settings(folder: Path) -> Target:
    seeds = ["lr=0.02", "augment.shift=1", "class_weight=balanced", "init=normal:0.2", "warm_up=1"]
    words = words_of("=!augment.!lr!epochs!init!normal:!network!lenet!true!0xff![!{!'!\"!.!-!_")

    def read(text: str) -> str:
        return repr(named_recipe("modern", **read_settings([text])))

    return text_target(seeds, words, read)


class _StopError(Exception):
    """Ends a training in the middle."""


def made_runs(folder: Path) -> tuple[Path, Path]:
    """Train a tiny network twice: one run is finished, one was stopped before its last epoch."""
    random = np.random.default_rng(1)
    y = np.arange(40) % 3
    np.savez(folder / "data.npz", x=random.integers(0, 256, (40, 4, 4), np.uint8), y=y)
    recipe = lenet.recipe(epochs=2, batch_size=16)

    class Stopper:
        def step(self, epoch: int, share: float) -> None:
            pass

        def epoch(self, record: Any) -> None:
            raise _StopError

    done, stopped = folder / "done", folder / "stopped"
    lenet.train(SMALL, str(folder / "data.npz"), recipe, run=done, threads=1)
    with contextlib.suppress(_StopError):
        lenet.train(
            SMALL, str(folder / "data.npz"), recipe, run=stopped, threads=1, callback=Stopper()
        )
    for name in ("checkpoint-1.safetensors", "run.json"):
        assert (stopped / name).exists()
    return done, stopped


def copied(base: Path, name: str, content: bytes) -> Path:
    """Return a copy of a run's folder in which the file ``name`` has another content."""
    work = base.with_name("work")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    (work / name).write_bytes(content)
    return work


def made_from_json(path: Path) -> Callable[[Random], bytes]:
    value = json.loads(path.read_text(encoding="utf-8"))

    def make(random: Random) -> bytes:
        return json_bytes(random, mutated_value(random, value))

    return make


def changed(folder: Path, base: Path, name: str, read: Callable[[Path], object]) -> Target:
    """Make a reader of one file in a run's folder."""
    seeds = [(base / name).read_bytes()]
    make = made_from_json(base / name) if name.endswith(".json") else None

    def any_of(random: Random) -> bytes:
        if make and random.randrange(4):
            return make(random)
        return mutated(random, seeds, (b'"', b",", b"\n", b"{", b"nan", b"null"))

    return Target(any_of, lambda content: read(copied(base, name, content)))


def reported(work: Path) -> list[str]:
    """Write everything that ``report`` writes, the page too."""
    result = lenet.report(work)
    page = result.save(work / "page.html")
    return [*pages(result), Path(page).read_text(encoding="utf-8")]


def resumed(work: Path) -> list[str]:
    """Go on with a run and train to its end."""
    found = resume_run(work, threads=1)
    if found is None:
        return []
    try:
        for _ in found.training.epochs():
            pass
    finally:
        found.run.close()
    return found.notes


@reader(0.2)
def run_report(folder: Path) -> Target:
    return changed(folder, made_runs(folder)[0], "run.json", reported)


@reader(0.2)
def run_compared(folder: Path) -> Target:
    done, _ = made_runs(folder)

    def read(work: Path) -> list[str]:
        result = lenet.compare_runs(done, work)
        page = result.save(work / "page.html")
        return [*pages(result), Path(page).read_text(encoding="utf-8")]

    return changed(folder, done, "run.json", read)


@reader(0.3)
def run_resumed(folder: Path) -> Target:
    return changed(folder, made_runs(folder)[1], "run.json", resumed)


@reader(0.2)
def signals(folder: Path) -> Target:
    return changed(folder, made_runs(folder)[0], "signals.csv", reported)


@reader(0.3)
def signals_resumed(folder: Path) -> Target:
    return changed(folder, made_runs(folder)[1], "signals.csv", resumed)


@reader(0.3)
def history(folder: Path) -> Target:
    return changed(folder, made_runs(folder)[1], "history.csv", resumed)


@reader(0.3)
def run_recipe(folder: Path) -> Target:
    return changed(folder, made_runs(folder)[1], "recipe.toml", resumed)


@reader(0.3)
def checkpoints(folder: Path) -> Target:
    """The state of a training: cut and changed bytes, and other values with a right checksum."""
    _, stopped = made_runs(folder)
    names = [path.name for path in stopped.glob("checkpoint-*")]
    path = stopped / names[0]
    for other in names[1:]:
        (stopped / other).unlink()
    known = Checkpoint.from_bytes(path.read_bytes(), path)

    def make(random: Random) -> bytes:
        if random.randrange(3) == 0:
            return mutated(random, [path_bytes])
        tensors, progress = dict(known.tensors), mutated_value(random, known.progress)
        if random.randrange(4) == 0:
            name = random.choice(list(tensors))
            tensors[name] = random.choice(
                (tensors[name][:-1], tensors[name].astype(np.float64), tensors[name] * np.nan)
            )
        if not isinstance(progress, dict):
            progress = {"epochs": progress, "steps": 0, "history": []}
        return Checkpoint(tensors, progress, known.identity).to_bytes()

    path_bytes = path.read_bytes()
    return Target(make, lambda content: resumed(copied(stopped, path.name, content)))


# ------------------------------------------------------------------ files of other programs


def exported(folder: Path) -> Path:
    """A small model as MXNet's parameters, their symbol and a lenet model, in ``folder``."""
    net = "2x7x6 | conv 4 k3 s2 p1.0.1.0 batchnorm silu | conv 4 k2 g2 leaky-relu, maxpool 2 s1"
    model = lenet.Model(f"{net} | dense 5 tanh, dense 3").initialize(seed=1)
    lenet.export(model, folder / "m.params")
    model.save(folder / "m.safetensors")
    return folder


def imported(path: Path, **how: Any) -> list[str]:
    result = read_model(path, **how)
    return [str(result), result.model.network.names[0]]


@reader(0.5)
def mxnet_parameters(folder: Path) -> Target:
    seeds = [(exported(folder) / "m.params").read_bytes()]
    seeds += [path.read_bytes() for path in (TESTS / "formats/files").glob("*.params")]
    symbol = folder / "m-symbol.json"
    return file_target(folder / "x.params", seeds, [], lambda path: imported(path, symbol=symbol))


@reader(0.3)
def mxnet_parameters_alone(folder: Path) -> Target:
    stream = io.BytesIO()
    np.savez(stream, **{"0.weight": np.ones((4, 9), np.float32), "0.bias": np.ones(4)})
    paths = [TESTS / "formats/files/lenet.params", TESTS / "formats/files/unnamed.params"]
    seeds = [stream.getvalue(), *(path.read_bytes() for path in paths)]
    how = {"input_shape": "1x28x28", "activation": "relu"}
    return file_target(folder / "x.params", seeds, [], lambda path: imported(path, **how))


@reader(0.5)
def mxnet_symbol(folder: Path) -> Target:
    files = TESTS / "formats/files"
    texts = [(exported(folder) / "m-symbol.json").read_text()]
    texts += [path.read_text() for path in files.glob("*-symbol.json")]
    values = [json.loads(text) for text in texts]

    def make(random: Random) -> bytes:
        return json_bytes(random, mutated_value(random, random.choice(values)))

    def read(path: Path) -> list[str]:
        return imported(folder / "m.params", symbol=path, input_shape="2x7x6")

    seeds = [text.encode() for text in texts]
    words = words_of('Pooling!Dropout!"(2, 2)"!avg!sigmoid!"attrs": {')
    return file_target(folder / "x-symbol.json", seeds, words, read, make)


@reader(0.5)
def onnx_graph(folder: Path) -> Target:
    lenet.export(exported(folder) / "m.safetensors", folder / "m.onnx")
    seeds = [(folder / "m.onnx").read_bytes()]
    for input in ("float", "raw"):
        lenet.export(lenet.Model(SMALL).initialize(), folder / "n.onnx", input=input)
        seeds.append((folder / "n.onnx").read_bytes())
    words = words_of("Relu!Flatten!MaxPool!Transpose!Reshape!Add!pads!strides!conv0.weight!pixels")
    return file_target(folder / "x.onnx", seeds, words, imported)


def keras_parts() -> tuple[Any, bytes]:
    """Return the settings and the weights in a file that Keras wrote."""
    with zipfile.ZipFile(KERAS) as archive:
        return json.loads(archive.read("config.json")), archive.read("model.weights.h5")


def keras_archive(settings: bytes, weights: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", settings)
        archive.writestr("model.weights.h5", weights)
    return stream.getvalue()


@reader(0.5)
def keras_files(folder: Path) -> Target:
    """Archives that are intact, with damaged settings or weights inside; and damaged archives."""
    settings, weights = keras_parts()

    def make(random: Random) -> bytes:
        if random.randrange(2):
            changed = json_bytes(random, mutated_value(random, settings))
            return keras_archive(changed, weights)
        words = words_of("TREE!SNOD!HEAP!vars!conv2d!layers!\0\0\0\0")
        if random.randrange(2):
            return keras_archive(json.dumps(settings).encode(), mutated(random, [weights], words))
        damaged = bytearray(weights)
        for _ in range(random.randrange(1, 9)):  # the bytes that are not 0 tell where things lie
            place = random.choice([i for i, byte in enumerate(damaged[:4096]) if byte])
            damaged[place] = random.randrange(256)
        return keras_archive(json.dumps(settings).encode(), bytes(damaged))

    return file_target(folder / "x.keras", [KERAS.read_bytes()], [], imported, make)


@reader(0.3)
def state_dicts(folder: Path) -> Target:
    model = lenet.Model(SMALL).initialize()
    tensors = {f"net.{name}": np.array(values) for name, values in model.state_dict().items()}
    path = folder / "x.safetensors"
    return file_target(path, [save_tensors(tensors)], [], lambda path: imported(path, net=SMALL))


# ------------------------------------------------------------------------------ the command line


@reader(0.3)
def arguments(folder: Path) -> Target:
    """A whole command line, but for verbs that take long: what is refused quotes it in short."""
    small_model().save(folder / "m.safetensors")
    (folder / "a.png").write_bytes(picture_bytes("PNG"))
    seeds = [
        *(b"explain\0lenet\0--json", b"deduce\0" + b"28x28 -> 10", b"diagnose\0lenet\0--fix\0001"),
        *(
            b"balance\0tiny\0--budget\0macs=300k",
            b"compare\0lenet\0tiny",
            b"train\0digits\0--dry-run",
        ),
        *(b"predict\0m.safetensors\0a.png", b"evaluate\0m.safetensors\0digits", b"report\0runs/x"),
        *(b"train\0nothing\0--set\0lr=1", b"train\0--resume\0runs/x", b"explain\0m.safetensors"),
    ]
    words = words_of(
        "\0!--!--json!--format!html!--set!=!lenet!m.safetensors!a.png!train!--size!--seed!--lr"
    )

    def read(content: bytes) -> list[str]:
        given = [os.fsdecode(word) for word in content.split(b"\0")]
        if given[0] == "bench":
            return []
        if given[0] == "train":
            given.append("--dry-run")
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.chdir(folder),
        ):
            status = main(given)
        said = err.getvalue()
        assert status in (0, 1, 2), status
        assert len(said) < 5_000, said[:300]
        assert said == visible_lines(said)
        return [out.getvalue()]

    return Target(lambda random: mutated(random, seeds, words), read)
