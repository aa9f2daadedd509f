"""The findings as a page with the pictures in it: one file, which loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lenet.cleaning.findings import Finding
from lenet.cleaning.kinds import (
    BLANK,
    COPY,
    NEAR_COPY,
    ODD,
    PAIRS,
    TITLES,
    TWO_CLASSES,
    WRONG_LABEL,
)
from lenet.cleaning.material import Material
from lenet.reporting import html
from lenet.reporting.html import Section, paragraph, section
from lenet.reporting.pictures import Thumbnail, make_thumbnail, probability_text
from lenet.version import VERSION
from lenet.writing.numbers import plural

#: Of more findings of a kind, the surest are shown.
_MOST: Final = 120
_ABOUT: Final = {
    WRONG_LABEL: "Networks that had not seen the picture are as sure of another class as they "
    "usually are, and find it ten times as likely as the label, or more. The most doubtful come "
    "first; the percentages are the networks'.",
    TWO_CLASSES: "Pixel by pixel the same, and given as different classes: at most one is right.",
    COPY: "Pixel by pixel the same. Copies in the training and the test split make a test look too "
    "good, and copies in the training split count double.",
    NEAR_COPY: "As frames of one burst, or one drawing that was scanned twice. Keep those "
    "together, in the training or in the test split: who has seen one knows the other.",
    BLANK: "At the size that they were read in, all pixels are nearly of one value.",
    ODD: "Far from the others in brightness, in shape, or in what is to be seen. Some are rare and "
    "right; others are no pictures of these classes.",
}


def render_page(
    material: Material,
    lead: str,
    kinds: Mapping[str, Sequence[Finding]],
    notes: Sequence[str],
    made: str,
) -> str:
    """Write the whole page.

    Args:
        material: the pictures.
        lead: what they are, in a line.
        kinds: the findings of each kind, in the order in which they are shown.
        notes: sentences on what was found besides.
        made: how the findings were made, as the end of a sentence.
    """
    facts = [(TITLES[what], f"{len(found):,}") for what, found in kinds.items()]
    sections = [_section(material, what, found) for what, found in kinds.items() if found]
    lines = "".join(map(paragraph, notes))
    told = html.details(plural(len(notes), "note"), lines) if notes else ""
    footer = paragraph(f"Made by lenet {VERSION} {made}. Nothing was changed on disk.")
    parts = (
        html.header(material.name, lead, html.pairs(facts, "facts many"), told),
        html.contents(sections),
        "" if sections else paragraph("Nothing was found."),
        *(part.html for part in sections),
        f"<footer>{footer}</footer>",
    )
    return html.page(f"{material.name}: findings", parts)


def _section(material: Material, what: str, found: Sequence[Finding]) -> Section:
    words = _ABOUT[what]
    if len(found) > _MOST:
        words += f" The first {_MOST} of {len(found):,} are shown; a table (.csv) has all."
    title = TITLES[what][0].upper() + TITLES[what][1:]
    tiles = [_tile(material, finding) for finding in found[:_MOST]]
    kind = "twins" if what in PAIRS else "large"
    return section(title, paragraph(words), html.tiles(tiles, kind))


def _tile(material: Material, finding: Finding) -> tuple[Sequence[Thumbnail], Sequence[str]]:
    """Return the picture, or the two, of a finding, and the lines below."""
    if finding.what == WRONG_LABEL:
        own = probability_text(1 - finding.score)
        likely = probability_text(finding.probability)
        lines = [f"{finding.label} \u2192 {finding.suspected}?", f"{own} \u2192 {likely}"]
    elif finding.what == TWO_CLASSES:
        lines = [f"{finding.label} or {finding.other_label}?"]
        if finding.suspected is not None:
            lines.append(f"rather {finding.suspected}")
    elif finding.what == NEAR_COPY:
        lines = [f"class {finding.label}", f"likeness {finding.score:.3f}"]
    elif finding.what == ODD:
        lines = [f"class {finding.label}", finding.why]
    else:
        lines = [f"class {finding.label}"]
    places = [finding.index]
    lines.append(finding.image)
    if finding.other is not None and finding.other_index is not None:
        places.append(finding.other_index)
        lines.append(finding.other)
    pictures = [
        make_thumbnail(material.images[place], (), f"{material.names[place]}: {finding.why}")
        for place in places
    ]
    return pictures, lines
