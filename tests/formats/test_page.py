"""A model as a page: what is in the file, that its script is the network, and what it refuses."""

import shutil

import numpy as np
import pytest

import lenet
from exported_models import drawn
from lenet.formats import page as page_module
from lenet.formats.export import export
from lenet.formats.page import page_script

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


@needs_node
@pytest.mark.parametrize("seed", range(40))
def test_the_script_is_the_network(seed, tmp_path) -> None:
    model, images = drawn(seed)
    split = lenet.Split(images, np.zeros(len(images), int))
    check = export(model, tmp_path / "page.html", check=split).check
    assert check.largest < 1e-5
    assert check.different == 0


@pytest.mark.parametrize("module", sorted(path.stem for path in page_module.WEB.glob("*.js")))
def test_modules_have_the_form_that_a_page_can_hold(module) -> None:
    text = (page_module.WEB / f"{module}.js").read_text(encoding="utf-8")
    assert f"const {module}Module = " in page_script()
    assert "</script" not in text
    assert "innerHTML" not in text
    assert max(map(len, text.splitlines())) <= 100 or module == "words"
