"""LaTeX: escaped, and it compiles where a TeX is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lenet.analysis import explain
from lenet.analysis.explanation.latex import escaped, render_latex
from lenet.net import zoo

#: With its own fonts alone, so that nothing but booktabs need be installed.
DOCUMENT = r"\documentclass{article}\usepackage{booktabs}\begin{document}%s\end{document}"


def test_special_characters() -> None:
    assert escaped(r"a_b & 5 % #{$}^~\<>") == (
        r"a\_b \& 5 \% \#\{\$\}\textasciicircum{}\textasciitilde{}\textbackslash{}"
        r"\textless{}\textgreater{}"
    )


def test_rows_have_as_many_cells_as_the_table_has_columns() -> None:
    columns = 0
    for line in render_latex(explain("lenet")).splitlines():
        if line.startswith(r"\begin{tabular}"):
            columns = len(line.removeprefix(r"\begin{tabular}{").removesuffix("}"))
        if line.endswith(r"\\"):
            assert line.replace(r"\&", "").count("&") == columns - 1


def test_formulas_and_sizes_are_set_as_mathematics() -> None:
    text = render_latex(explain("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2"))
    assert r"$\lfloor(9 - 3 + 1 + 2) / 2\rfloor = 4 \times (7 - 2 + 2 + 1) / 1 = 8$" in text
    assert r"& 3$\times$2 & 2$\times$1 & 1.0.0.2 & 2@4$\times$8 &" in text


def test_a_name_of_several_lines_stays_in_its_comment() -> None:
    lines = render_latex(explain(zoo.lenet(), "a\nb")).splitlines()
    assert [line for line in lines if line.startswith("%")][1:] == [
        "% a b: what flows",
        "% a b: what it costs",
    ]


@pytest.mark.parametrize("name", ["lenet", "1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2"])
def test_it_compiles(name: str, tmp_path: Path) -> None:
    program = next(filter(shutil.which, ("pdflatex", "lualatex", "xelatex")), None)
    if program is None:
        pytest.skip("no LaTeX is installed")
    (tmp_path / "a.tex").write_text(DOCUMENT % f"\n{render_latex(explain(name))}\n")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    if "booktabs.sty' not found" in done.stdout:
        pytest.skip("booktabs is not installed")
    assert done.returncode == 0, done.stdout[-2000:]
