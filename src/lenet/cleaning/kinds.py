"""The kinds of findings: what each is called in a table, and above all of its kind."""

from __future__ import annotations

from typing import Final

WRONG_LABEL: Final = "wrong label"
TWO_CLASSES: Final = "in two classes"
COPY: Final = "copy"
NEAR_COPY: Final = "near-copy"
BLANK: Final = "blank"
ODD: Final = "odd"
#: In the order in which they are told.
TITLES: Final = {
    WRONG_LABEL: "likely wrong labels",
    TWO_CLASSES: "one picture in two classes",
    COPY: "exact copies",
    NEAR_COPY: "near-copies",
    BLANK: "blank pictures",
    ODD: "odd pictures",
}
#: Those of two pictures.
PAIRS: Final = (TWO_CLASSES, COPY, NEAR_COPY)
