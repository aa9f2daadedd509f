"""What every test stands on."""

import os
import signal

# Before NumPy is imported: the reference's products are small, and threads of OpenBLAS that wait
# for each other make a busy machine ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("lenet", deadline=None)
settings.load_profile("lenet")

# A shell starts what it puts in the background with Ctrl-C ignored, and so would be what the tests
# start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--golden", action="store_true", help="write the golden files anew, to read in git diff"
    )


@pytest.fixture
def golden(request):
    """Hold bytes against a golden file, or write the file with ``--golden``."""

    def compare(path, found):
        if request.config.getoption("--golden"):
            path.write_bytes(found)
        assert found == path.read_bytes()

    return compare


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """No test reads or fills the cache of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("LENET_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def overlaps():
    """Finds the pairs of texts in a scene that cover each other."""

    def find(scene):
        # From top to bottom, each against those that begin before it ends.
        boxes = sorted((text.box[1], *text.box, text.text) for text in scene.texts)
        pairs = []
        for i, (_, left, _, right, bottom, text) in enumerate(boxes):
            for top, other_left, _, other_right, _, other in boxes[i + 1 :]:
                if top >= bottom:
                    break
                if left < other_right and other_left < right:
                    pairs.append((text, other))
        return pairs

    return find
