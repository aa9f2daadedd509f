"""Pictures as LaTeX source."""

import re
import shutil
import subprocess

import pytest

from lenet.drawing import draw
from lenet.drawing.tikz import escape


def has_tex():
    """Is there a TeX with what the source asks for?"""
    if not shutil.which("pdflatex") or not shutil.which("kpsewhich"):
        return False
    files = ("standalone.cls", "tikz.sty")
    return all(subprocess.run(["kpsewhich", f], capture_output=True).returncode == 0 for f in files)


@pytest.mark.parametrize("style", ["figure", "graph"])
def test_structure(crowd, style):
    for network in crowd[::6]:
        tex = draw(network, style).tex
        body = tex.split("\\begin{document}")[1]
        assert tex.count("{") == tex.count("}")
        assert body.rstrip().endswith("\\end{tikzpicture}\n\\end{document}")
        assert all(line.endswith(";") for line in body.splitlines() if line.startswith("\\path"))
        assert tex.isascii()
        used = set(re.findall(r"(?:fill|draw|text)=([a-z-]+)", body))
        assert used == set(re.findall(r"\\definecolor\{([a-z-]+)\}", tex))


def test_the_same_texts_as_the_svg():
    drawing = draw("lenet", "graph")
    for text in drawing.scene.texts:
        assert f"{{{text.text}}};" in drawing.tex


def test_what_tex_takes_for_commands_is_escaped():
    assert escape("a_b & 50% #1 {x} $~^\\ <>") == (
        r"a\_b \& 50\% \#1 \{x\} \$\textasciitilde{}\textasciicircum{}\textbackslash{} "
        r"\textless{}\textgreater{}"
    )


def test_a_name_cannot_leave_its_comment():
    tex = draw("1x9x9 | dense 10", name="a\n\\input{b}\r\x0b\u2028\\c").tex
    (line,) = [line for line in re.split(r"[\r\n]", tex) if "\\input" in line]
    assert line.startswith("%")


def test_only_the_dark_theme_paints_a_page():
    assert "fill=page" not in draw("lenet").tex
    assert "fill=page" in draw("lenet", theme="dark").tex


@pytest.mark.skipif(not has_tex(), reason="no pdflatex with standalone and tikz")
@pytest.mark.parametrize(("style", "theme"), [("figure", "light"), ("graph", "dark")])
def test_it_compiles(tmp_path, style, theme):
    draw("lenet", style, theme).save(tmp_path / "net.tex")
    line = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "(1 page," in done.stdout
