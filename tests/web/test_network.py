"""The page's network against lenet's: thousands of digits in node, and some in Chromium."""

import os
import shutil

import numpy as np
import pytest

import lenet
from lenet.formats.export import export

WIDTHS = "(fills) => fills.map((fill) => parseFloat(fill.style.inlineSize) / 100)"


needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


@needs_node
def test_no_class_of_two_thousand_differs(trained, write_digits, tmp_path) -> None:
    images, labels = write_digits(2_000)
    check = export(trained, tmp_path / "page.html", check=lenet.Split(images, labels)).check
    assert (check.images, check.different) == (2_000, 0)
    assert check.largest < 1e-5
    assert check.accuracy > 0.99


@needs_node
@pytest.mark.skipif(not os.environ.get("LENET_DATA"), reason="LENET_DATA names no folder of MNIST")
def test_no_class_of_mnist_differs(tmp_path) -> None:
    model = lenet.train("lenet-relu", "mnist", lenet.recipe(epochs=1))
    check = export(model, tmp_path / "page.html", check="mnist").check
    assert (check.images, check.different) == (10_000, 0)
    assert check.largest < 1e-5
    assert (tmp_path / "page.html").stat().st_size < 400_000


def test_probabilities_in_the_browser(open_page, page_url, trained, written) -> None:
    found = open_page(page_url)
    order = np.argsort(written.test.labels, kind="stable")
    first = [order[written.test.labels[order] == label][0] for label in range(4)]
    expected = trained.predict_proba(written.test.images[first])
    for row in expected:
        shares = found.page.locator(".bars .fill").evaluate_all(WIDTHS)
        np.testing.assert_allclose(shares, row, atol=1e-5)
        found.page.locator(".next").click()
        found.settle()
