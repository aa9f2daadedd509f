"""``lenet quiz``: questions about a network, asked one after the other, or printed as a sheet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from lenet.cli import options
from lenet.cli.options import INT, PATH, flag, option, print_json, print_path, verb
from lenet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lenet.analysis.quiz import Question, Quiz

_PROMPT: Final = "> "


@verb
@options.net
@option("--questions", "How many; 10 by default, or all that there are of a small network.", INT)
@option("--seed", "Chooses the questions: the same seed asks the same.", INT, default=0)
@option("--input", "Ask about the network on this input instead, such as 3x64x64.")
@option(
    "--worksheet",
    "A file for a sheet to print, with the key on a page of its own; its ending chooses the "
    "format: .md, .html, .tex, .pdf or .txt.",
    PATH,
)
@flag("--json", "Print questions, answers and reasons as one JSON object, and ask nothing.")
def quiz(
    net: str,
    questions: int | None,
    seed: int,
    input: str | None,
    worksheet: Path | None,
    json: bool,
) -> None:
    """Questions about a network: predict shapes, parameters and more; with answers and reasons."""
    from lenet.analysis.quiz import quiz

    asked = quiz(net, questions=questions, seed=seed, input_shape=input)
    if json and worksheet is not None:
        raise UsageError("--json prints and --worksheet writes a file; give one of them.")
    if json:
        print_json(asked.to_dict())
    elif worksheet is not None:
        print_path(asked.save(worksheet))
    else:
        _ask_all(asked)


def _ask_all(asked: Quiz) -> None:
    """Ask, until all is asked or nobody answers any more: end of file and Ctrl-C end it alike."""
    from lenet.terminal import columns
    from lenet.writing.text import write_text

    print(write_text(asked.head(), columns()), end="\n\n")
    _accept_any_bytes()
    right = done = 0
    try:
        for done, question in enumerate(asked.questions):
            right += _ask(question, f"{done + 1}. ")
        done = len(asked.questions)
    except (EOFError, KeyboardInterrupt):
        print()
    print(_score(right, done, len(asked.questions)))


def _ask(question: Question, number: str) -> bool:
    """Ask one question, and say whether the answer is right, and why."""
    from lenet.terminal import columns
    from lenet.writing.text import wrapped

    def tell(words: str, first: str) -> None:
        print("\n".join(wrapped(words, min(columns(), 100), first, "   ")))

    tell(f"{question.text} {question.given}".strip(), number)
    answer = _read_line()
    is_right = question.accepts(answer)
    verdict = f"right, {question.answer}" if is_right else f"no, it is {question.answer}"
    tell(f"{verdict}: {question.reason}.", "   ")
    print()
    return is_right


def _read_line() -> str:
    """Read an answer; an empty line is none, and asks again."""
    while True:
        if sys.stdin is None:  # a closed descriptor (`lenet quiz lenet <&-`)
            raise EOFError
        answer = input(_PROMPT).strip()
        if not sys.stdin.isatty():  # nobody has seen it being typed
            print(answer)
        if answer:
            return answer


def _accept_any_bytes() -> None:
    """Let an answer that is no text be a wrong one."""
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="replace")


def _score(right: int, done: int, count: int) -> str:
    if done < count:
        return f"{right} of {done} right; {count - done} not answered."
    return f"{right} of {count} right."
