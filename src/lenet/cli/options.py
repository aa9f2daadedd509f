"""What the verbs' options have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token


def whole_number(kind: Any, tokens: Sequence[Token]) -> int:
    """``20`` and nothing else: the parser on its own rounds 1.5 and reads 0x10."""
    text = tokens[0].value
    if not text.removeprefix("-").isdecimal() or len(text) > 40:
        raise ValueError("a whole number")
    return int(text)


Whole = Annotated[int, Parameter(converter=whole_number)]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
