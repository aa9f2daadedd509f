"""One page in every format: aligned, escaped, and nothing that breaks out of its place."""

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest

import lenet
from lenet.errors import UsageError
from lenet.writing import FORMATS, Result, render
from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.html import write_html
from lenet.writing.latex import escaped, write_latex
from lenet.writing.markdown import write_markdown
from lenet.writing.text import fits, write_text

NOTATION = "1x8x8 | conv 2 k3 relu | dense 10"
COSTS = Table(
    (
        Column("layer", ("conv0", "dense0"), "total"),
        Column("size", ("floor((8 - 3 + 0 + 1) / 2) = 3 x (8 - 3) / 1 = 5", ""), is_formula=True),
        Column("parameters", ("1,000", "-"), "1,000", right=True, shares=(0.999, 0.0)),
    )
)
CLAIMS = Table(
    (
        Column("", ("yes", "no")),
        Column("", ("word " * 30, "short."), is_prose=True),
    ),
    indent=2,
)
DRAWN = Table((Column("", ("a", "bb")), Column("", ("", ""), bars=(1.0, 0.0))))
PAGE = Document(
    "a < b & *c*",
    (
        Section("What it costs", (COSTS, Paragraph("Sizes are 5x3, and <1 % is little.", True))),
        Section("", (CLAIMS,)),
        Section("Drawn", (DRAWN,)),
        Section("Stands out", (Bullets(("It has 100 % of_it.", "Two.")),)),
        Section("As notation", (Notation(NOTATION),)),
    ),
    beside=("in 1@8x8", "out 10"),
    below=("2 blocks",),
)


class Sample(Result):
    """A result with rows of every kind."""

    csv_key = "layers"
    csv_parts: ClassVar = {"strides": ("height", "width")}

    def to_dict(self) -> dict[str, Any]:
        row = {"name": 'a "b"', "strides": [1, 2], "shape": [6, 3], "bias": True, "r": {"x": 0.5}}
        return {"layers": [row, row | {"strides": None}], "nan": float("nan")}

    def page(self, form: str = "text", width: int = 80) -> Document:
        return PAGE


class Bare(Sample):
    """A result without rows."""

    csv_key = ""


def test_text() -> None:
    lines = write_text(PAGE, 70).splitlines()
    assert lines[:2] == ["a < b & *c*    in 1@8x8    out 10", "2 blocks"]
    assert lines[3] == "What it costs"
    assert lines[5].endswith("  1,000 >99%")  # there is no room for the bars
    assert "  yes  word word" in lines[10]
    assert lines[11].startswith("       word")
    assert lines[-9:-7] == [f"a   {'█' * 66}", "bb  █"]
    assert lines[-5:-3] == ["- It has 100 % of_it.", "- Two."]
    assert lines[-1] == f"  {NOTATION}"
    assert max(map(len, lines[8:])) <= 70
    assert not any(line != line.rstrip() for line in lines)


def test_bars_are_drawn_where_there_is_room() -> None:
    assert "1,000 >99% █████" in write_text(PAGE, 90)
    assert "1,000 >99% #####" in write_text(PAGE, 90, ascii_only=True)
    assert write_text(PAGE, 90, ascii_only=True).isascii()
    assert fits(COSTS, 71)
    assert not fits(COSTS, 71, bars=True)


def test_markdown() -> None:
    text = write_markdown(PAGE)
    assert text.startswith(
        "## a \\< b \\& \\*c\\*\n\nin 1@8x8. out 10. 2 blocks.\n\n### What it costs"
    )
    assert "| 1,000 (>99 %) |" in text
    assert "- It has 100 % of\\_it." in text
    assert f"```\n{NOTATION.replace(' |', chr(10) + '|')}\n```" in text
    for paragraph in text.partition("```")[0].split("\n\n"):
        if paragraph.startswith("|"):
            assert len({line.count("|") for line in paragraph.splitlines()}) == 1


def test_a_cell_ends_no_cell() -> None:
    table = Table((Column("net", ("1x2x2 | dense 1",)),))
    assert "| 1x2x2 \\| dense 1 |" in write_markdown(Document("", (Section("", (table,)),)))


def test_a_dollar_begins_no_formula() -> None:
    page = Document("a $x$", (Section("", (Paragraph("1 $ and 2 $"),)),))
    assert write_markdown(page) == "## a \\$x\\$\n\n1 \\$ and 2 \\$"


def test_html() -> None:
    root = ElementTree.fromstring(write_html(PAGE))
    assert root.findtext("h2") == "a < b & *c*"
    first, *others = root.iter("table")
    assert first.findtext("caption") == "What it costs"
    assert [table.find("thead") for table in others] == [None, None]
    assert all(row[0].tag == "th" for table in root.iter("table") for row in table.iter("tr"))
    assert [one.text for one in root.iter("h3")] == ["Stands out", "As notation"]


def test_no_line_of_html_breaks_a_formula() -> None:
    page = Document("", (Section("", (Paragraph("It is (28 - k + 0 + 1) / 1 = 24, or not."),)),))
    inner = "(28 - k + 0 + 1) / 1 = 24".replace(" ", "\u00a0")
    assert f"<p>It is {inner}, or not.</p>" in write_html(page)


def test_html_computes_a_columns_shares_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of ten thousand rows took twenty seconds when each row did it anew."""
    asked = []
    of = Column.share_texts
    monkeypatch.setattr(Column, "share_texts", lambda self: asked.append(self) or of(self))
    shares = Column("n", ("1",) * 50, right=True, shares=(0.02,) * 50)
    text = write_html(Document("", (Section("", (Table((Column("", ("a",) * 50), shares)),)),)))
    assert text.count("<small>2 %</small>") == 50
    assert len(asked) == 1


def test_html_stands_alone_in_light_and_dark() -> None:
    text = write_html(PAGE)
    assert "prefers-color-scheme:dark" in text
    # Without a doctype, a table does not take the colour of what it stands in.
    assert ".lenet-report table{color:inherit;" in text
    assert not re.search(r"https?:|url\(|@import|<script|<link", text)
    # Every rule of the style is for this section only.
    style = text.partition("<style>")[2].partition("</style>")[0]
    selectors = re.findall(r"([^{}]+)\{(?!\.)", re.sub(r"@media[^{]*", "", style))
    rules = [re.sub(r":is\([^()]*\)", "", rule).strip() for rule in selectors]
    assert all(".lenet-report" in part for rule in rules for part in rule.split(","))


def test_latex_shows_special_characters() -> None:
    assert escaped(r"a_b & 5 % #{$}^~\<>") == (
        r"a\_b \& 5 \% \#\{\$\}\textasciicircum{}\textasciitilde{}\textbackslash{}"
        r"\textless{}\textgreater{}"
    )


def test_latex() -> None:
    text = write_latex(PAGE)
    assert r"$\lfloor(8 - 3 + 0 + 1) / 2\rfloor = 3 \times (8 - 3) / 1 = 5$" in text
    assert r"\item It has 100 \% of\_it." in text
    columns = 0
    for line in text.splitlines():
        if begin := re.search(r"\\begin\{tabularx?\}(?:\{.linewidth\})?\{([lrX]+)\}", line):
            columns = len(begin[1])
        if line.endswith(r"\\"):
            assert line.replace(r"\&", "").count("&") == columns - 1


def test_latex_sets_formulas_within_sentences() -> None:
    note = Paragraph("n_1: size = floor((n + 2p - k) / s) + 1.", True, ("floor((n + 2p - k) / s)",))
    text = write_latex(Document("", (Section("", (note,)),)))
    assert r"n\_1: size = $\lfloor(n + 2p - k) / s\rfloor$ + 1." in text
    assert note.text.replace("_", r"\_") in write_markdown(Document("", (Section("", (note,)),)))


def test_what_tex_would_join() -> None:
    assert escaped('a -> b --given "c"') == r"a $\to$ b -{}-given ''c''"
    assert escaped("1\u00a02 | 3") == r"1~2 \textbar{} 3"


def test_latex_parts_what_is_too_wide_or_too_long() -> None:
    """Both without losing a cell; the first column names the rows of every part."""
    names = tuple(f"row{i}" for i in range(90))
    columns = [Column("name", names, "total")]
    columns += [Column(f"c{j}", tuple(f"{i}.{j}" + "x" * 20 for i in range(90))) for j in range(5)]
    text = write_latex(Document("t", (Section("", (Table(tuple(columns)),)),)))
    assert [text.count(f"{name} &") for name in names] == [2] * 90
    assert text.count("total &") == 2
    assert text.count("\nname &") == text.count(r"\toprule") == 6
    assert all(text.count(f" {i}.{j}x") == 1 for i in range(90) for j in range(5))


def test_latex_compiles(tmp_path: Any) -> None:
    program = next(filter(shutil.which, ("pdflatex", "lualatex", "xelatex")), None)
    if program is None:
        pytest.skip("no LaTeX is installed")
    # With its own fonts alone, so that nothing but booktabs need be installed.
    start = r"\documentclass{article}\usepackage{booktabs,graphicx,tabularx}\begin{document}"
    pages = "\n".join([write_latex(PAGE), *(render(result, "latex") for result in _results())])
    (tmp_path / "a.tex").write_text(f"{start}\n{pages}\n\\end{{document}}")
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
    assert "Overfull" not in done.stdout  # nothing is wider than the line


def _results() -> Iterator[Result]:
    """Yield a result of each verb on networks, small and large ones."""
    many = " | conv 64 k3 same batchnorm leaky-relu, conv 64 k3x5 p1.1.2.2 relu" * 40
    yield lenet.explain("lenet")
    yield lenet.explain(f"3x224x224{many} | dense 9, dense 9", name="a_b & c%")
    yield lenet.dense_versus_conv("3x1000x1000")
    yield lenet.deduce("32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10")
    yield lenet.diagnose("1x28x28 | conv 6 k5, avgpool 2, conv 16 k5, avgpool 2, conv 120 k5")
    yield lenet.reconcile("lenet", [("a_b.weight", (6, 1, 3, 3)), ("fc.weight", (120, 400))])
    yield lenet.balance("lenet", budget="parameters=60000")
    yield lenet.compare(*lenet.zoo.names() * 2)


def test_csv() -> None:
    text = render(Sample(), "csv")
    assert text.count("\r\n") == text.count("\n") == 3
    first, second = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    assert first == {"name": 'a "b"', "stride_height": "1", "stride_width": "2", "shape": "6x3", "bias": "true", "r_x": "0.5"}  # fmt: skip  # noqa: E501
    assert second["stride_width"] == ""


def test_json_is_strict_and_survives_every_terminal() -> None:
    assert json.loads(render(Sample(), "json"))["nan"] is None
    assert render(Sample(), "json").isascii()


def test_a_result_shows_itself() -> None:
    assert str(Sample()) == write_text(PAGE) == render(Sample())
    assert Sample()._repr_html_() == write_html(PAGE)


class Long(Sample):
    """A result of very many rows."""

    def page(self, form: str = "text", width: int = 80) -> Document:
        names = Column("", tuple(f"row {n}" for n in range(1000)))
        shares = Column("", tuple(map(str, range(1000))), shares=(0.5,) * 1000)
        strips = Column("", ("a strip",) * 1000, pictures=("data:image/png;base64,",) * 1000)
        bars = Column("", ("",) * 1000, bars=(0.5,) * 1000)
        return Document("", (Section("", (Table((names, shares, strips, bars)),)),))


def test_at_the_prompt_and_in_a_notebook_nobody_reads_a_thousand_rows() -> None:
    assert len(str(Long()).splitlines()) == 1000
    lines = repr(Long()).splitlines()
    assert len(lines) == 121
    assert lines[99].startswith("row 99 ")
    assert lines[100] == "... 880 more lines, which print() shows ..."
    assert lines[101].startswith("row 980 ")
    html = Long()._repr_html_()
    names = re.findall(r'<th scope="row">(.*?)</th>', html)
    assert names == [
        *(f"row {n}" for n in range(50)),
        "940 more",
        *(f"row {n}" for n in range(990, 1000)),
    ]
    assert html.count("<small>50 %</small>") == html.count("<img ") == 60
    assert "row 500" in render(Long(), "html")


def test_pictures_are_for_html_alone() -> None:
    for form in ("text", "markdown", "latex"):
        assert "strip" not in render(Long(), form)
        assert "png" not in render(Long(), form)
    strip = '<td><img src="data:image/png;base64," alt="a strip"></td>'
    assert render(Long(), "html").count(strip) == 1000


def test_html_is_a_document_and_a_notebook_gets_a_piece() -> None:
    text = render(Sample(), "html")
    head = text.partition("<body>")[0]
    assert head.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')
    assert '<meta name="viewport"' in head
    assert "<title>a &lt; b &amp; *c*</title>" in head
    assert '<meta name="color-scheme" content="light dark">' in head
    assert "main .lenet-report{box-sizing:border-box;min-height:100vh" in head
    assert f"<main>\n{Sample()._repr_html_()}\n</main>\n</body>\n</html>" in text
    assert "<html" not in Sample()._repr_html_()


def test_an_unknown_format() -> None:
    with pytest.raises(UsageError, match="did you mean 'html'") as caught:
        render(Sample(), "htlm")
    assert all(form in str(caught.value) for form in FORMATS)
    with pytest.raises(UsageError) as caught:
        render(Bare(), "csv")
    assert "latex" in str(caught.value)
