"""The parser: a verb's signature is its command line, and each misuse has one sentence.

A verb's ``run`` says everything: positional parameters are arguments, keyword-only ones options,
annotations what a value must be, the docstring the help. Built on argparse, because every verb
waits for its parser: friendlier libraries take longer to import than most verbs take to run.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from argparse import ArgumentError, ArgumentParser, HelpFormatter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import Parameter, getdoc, signature
from typing import Any, Final

from lenet.cli.options import KINDS, Option, read_value, value_type
from lenet.cli.overview import VERBS
from lenet.errors import UsageError
from lenet.net.words import did_you_mean, shown

#: What a person who left one out should have named.
_ARGUMENTS: Final = {
    "model": "a model file",
    "data": "a data set",
    "net": "a network",
    "figure": "a figure",
    "run": "a run folder",
}


#: A parameter in a docstring: its name, and below it, indented, what is said of it.
_ENTRY: Final = re.compile(r"^(\w+)\n((?:[ ]{4}.*\n?)+)", re.MULTILINE)


def parse_and_run(arguments: Sequence[str]) -> None:
    """Find the verb and run it.

    Raises:
        UsageError: the arguments cannot be read.
        LenetError: the verb's own.
    """
    verb, *rest = arguments
    if verb not in VERBS:
        raise UsageError(f"{_unknown_verb(verb)}; see lenet --help.")
    command = Command(f"lenet {verb}", import_module(f"lenet.cli.{verb}").run)
    try:
        call = command.read(rest)
    except ValueError as error:
        raise UsageError(f"{error}; see {command.name} --help.") from None
    if call is None:
        print(command.help(), end="")
    else:
        values, options = call
        command.run(*values, **options)


class _Page(HelpFormatter):
    """The library's page, where a name such as lenet-relu is not broken at its hyphen."""

    def __init__(self, prog: str) -> None:
        columns = shutil.get_terminal_size((80, 24)).columns
        super().__init__(prog, max_help_position=26, width=max(40, min(100, columns)))

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)


class Command:
    """One verb's command line.

    Attributes:
        name: the words that start it, such as "lenet train".
        run: what it runs.
        arguments: the positional parameters of ``run``.
        options: the others.
    """

    def __init__(self, name: str, run: Callable[..., None]) -> None:
        self.name = name
        self.run = run
        self.arguments: list[Parameter] = []
        self.options: list[Option] = []
        for one in signature(run, eval_str=True).parameters.values():
            if one.kind is Parameter.KEYWORD_ONLY:
                self.options.append(Option.of(one))
            else:
                self.arguments.append(one)

    def read(self, tokens: Sequence[str]) -> tuple[list[Any], dict[str, Any]] | None:
        """The arguments and options to call ``run`` with; None if the help is asked for.

        Raises:
            ValueError: saying in half a sentence what is wrong.
        """
        end = tokens.index("--") if "--" in tokens else len(tokens)
        # Arguments are what the parser leaves over: it would not take them on both sides of an
        # option. What follows "--" is an argument, whatever it looks like.
        try:
            found, rest = self._parser().parse_known_args(tokens[:end])
        except ArgumentError as error:
            raise ValueError(self._without_value(error)) from None
        if found.help:
            return None
        for token in rest:
            if token.startswith("-") and token != "-":
                raise ValueError(self._unknown_option(token.partition("=")[0]))
        given = {one: getattr(found, one.keyword) for one in self.options}
        options = {one.keyword: one.read(texts) for one, texts in given.items() if texts}
        return self._values([*rest, *tokens[end + 1 :]]), options

    def help(self) -> str:
        """The page that ``--help`` prints, as wide as the terminal."""
        about, texts = read_docstring(getdoc(self.run) or "")
        parser = self._parser(texts)
        parser.description = about
        parser.usage = " ".join([self.name, *map(_in_usage, self.arguments), "[OPTIONS]"])
        # A person reads a title where the library writes "usage: ".
        return parser.format_help().replace("usage:", "Usage:", 1)

    def _parser(self, texts: Mapping[str, str] | None = None) -> ArgumentParser:
        """The options alone; with the texts of the help, the arguments too."""
        parser = ArgumentParser(
            add_help=False, allow_abbrev=False, exit_on_error=False, formatter_class=_Page
        )
        if texts and self.arguments:
            group = parser.add_argument_group("Arguments")
            for one in self.arguments:
                text = _help(texts[one.name], one.default)
                group.add_argument(one.name, metavar=one.name.upper(), help=text)
        titles = read_titles(getdoc(self.run) or "") if texts else {}
        groups = {
            title: parser.add_argument_group(title) for title in ("Options", *titles.values())
        }
        for option in self.options:
            group = groups[titles.get(option.keyword, "Options")]
            about = _help(texts[option.keyword], option.default) if texts else None
            if option.is_flag:
                group.add_argument(*option.names, action="append_const", const="", help=about)
            else:
                word = option.kind.metavar
                group.add_argument(*option.names, action="append", metavar=word, help=about)
        groups["Options"].add_argument("-h", "--help", action="store_true", help="Print this page.")
        return parser

    def _values(self, texts: list[str]) -> list[Any]:
        values = []
        for one in self.arguments:
            many = one.kind is Parameter.VAR_POSITIONAL
            taken, texts = (texts, []) if many else (texts[:1], texts[1:])
            if not (taken or many or one.default is not Parameter.empty):
                raise ValueError(f"{self.name} needs {_ARGUMENTS[one.name]} ({one.name.upper()})")
            kind = KINDS[value_type(one.annotation)]
            values += [read_value(one.name.upper(), text, kind) for text in taken]
        if texts:
            extra = " and ".join(map(shown, texts))
            raise ValueError(f"{self.name} has no use for {extra} and takes no more arguments")
        return values

    def _without_value(self, error: ArgumentError) -> str:
        """The two things that can be wrong with an option before its value is read."""
        name = (error.argument_name or "").rpartition("/")[2]
        if any(option.is_flag for option in self.options if name in option.names):
            return f"{name} stands alone and takes no value"
        return f"{name} has no value; one that begins with a dash is given as {name}=-1"

    def _unknown_option(self, given: str) -> str:
        known = [name for option in self.options for name in option.names if name[:2] == "--"]
        choice = did_you_mean(given, known) or f"; it takes {', '.join(sorted(known))}"
        return f"{self.name} has no option {shown(given)}{choice}"


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """What a docstring in NumPy's style says of the whole, and of each parameter."""
    about, _, sections = text.partition("\n\nParameters\n----------\n")
    return about, {name: " ".join(words.split()) for name, words in _ENTRY.findall(sections)}


def read_titles(text: str) -> dict[str, str]:
    """The section of each parameter that stands in one of its own, below "Parameters"."""
    found: dict[str, str] = {}
    _, *sections = re.split(r"\n\n(\w[\w ]*)\n-{3,}\n", text)
    for title, section in zip(sections[::2], sections[1::2], strict=True):
        if title != "Parameters":
            found |= {name: title for name, _ in _ENTRY.findall(section)}
    return found


def _help(text: str, default: object) -> str:
    if not (default is None or default is False or default is Parameter.empty):
        text = f"{text} [default: {default}]"
    return text.replace("%", "%%")  # the library formats with %


def _in_usage(argument: Parameter) -> str:
    name = argument.name.upper()
    if argument.kind is Parameter.VAR_POSITIONAL:
        return f"{name}..."
    return name if argument.default is Parameter.empty else f"[{name}]"


def _unknown_verb(token: str) -> str:
    *names, last = VERBS
    choice = f"{', '.join(names)} or {last}"
    if token.startswith("-"):
        return f"{shown(token)} is no option of lenet itself; name a verb before it: {choice}"
    near = did_you_mean(token, VERBS)
    return f"{shown(token)} is no verb of lenet{near}; choose {choice}"
