"""``lenet report``."""

from __future__ import annotations

from pathlib import Path

from lenet.cli.output import print_json


def run(
    run: Path,
    /,
    *,
    output: Path | None = None,
    data: str | None = None,
    data_dir: Path | None = None,
    picture: str | None = None,
    theme: str = "auto",
    json: bool = False,
) -> None:
    """A run as one page to look at: how good, what it gets wrong, and why; or a picture.

    Parameters
    ----------
    run
        A folder that lenet train wrote.
    output
        The file to write; by default report.html in the run's folder. Of a picture, its ending
        chooses the format: .svg, .pdf, .png or .tex.
    data
        The data set it was trained on, or the path of its pictures, if that is another now.
    data_dir
        Folder that has the IDX files already, compressed or not.
    picture
        Only this one: learning-curve, confusion, mistakes, classes, windows, signals,
        calibration or network; it needs --output.
    theme
        Of a picture: auto (an SVG follows the reader's screen), light or dark.
    json
        Print one JSON object instead, and write nothing but --output.
    """
    from lenet.errors import DataError, UsageError
    from lenet.reporting.results import report
    from lenet.run_folder import PAGE

    if picture is None and theme != "auto":
        raise UsageError("--theme is a picture's; the page follows its reader's screen.")
    if picture is None and output and output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"the page is HTML and {output} has another ending; end it in .html, or name one of "
            "its pictures with --picture."
        )
    if picture is not None and output is None:
        raise UsageError(
            "no file is given to draw into; name it: lenet report RUN --picture NAME -o FILE.svg"
        )
    found = report(run, data=data, data_dir=data_dir)
    if picture is not None:
        found.picture(picture, theme=theme).save(output or "")
    elif output is not None or not json:
        if found.missing and output is None and (run / PAGE).exists():
            raise DataError(
                f"the test images are not at hand ({found.missing.rstrip('.')}), so {run / PAGE} "
                "is left as it is; -o FILE.html writes a page without them."
            )
        output = found.save(output)
    if json:
        print_json({**found.to_dict(), "file": None if output is None else str(output)})
    else:
        print(output)
        if found.missing and picture is None:
            print(f"without the test images: {found.missing}")
