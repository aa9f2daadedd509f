"""What verbs are made of: click's commands and options, with two manners of this package.

A whole number is digits and nothing else, an option that takes one value is given once, and a
long page of help has sections.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from lenet.net.words import shown

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Number(click.ParamType[Any, Any]):
    """A number that is written plainly: ``int`` alone would read 1_0 and " 1" too."""

    def __init__(self, name: str, wanted: str, read: Callable[[str], Any]) -> None:
        self.name, self._wanted, self._read = name, wanted, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number that the text ``value`` is; a default is one already."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except ValueError:
            name = param.opts[-1] if param else self.name
            text = f"{name} is {shown(value)}; it must be {self._wanted}"
            raise click.UsageError(text, ctx) from None


def whole_number(text: str) -> int:
    """Read ``20`` or ``-3``.

    Raises:
        ValueError: anything else.
    """
    if not text.removeprefix("-").isdecimal() or len(text) > 40:
        raise ValueError
    return int(text)


_TYPES: Final = {
    int: Number("int", "a whole number", whole_number),
    float: Number("number", "a number", float),
    Path: click.Path(path_type=Path),
}


#: How the help is asked for, and how wide it is at most.
SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Option(click.Option):
    """An option, and the section of the help that it stands in."""

    def __init__(self, *args: Any, section: str = "Options", **settings: Any) -> None:
        self.section = section
        super().__init__(*args, **settings)


class Verb(click.Command):
    """A verb: it refuses options that are given twice, and shows them in sections."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; see :meth:`click.Command.parse_args`."""
        _, _, given = self.make_parser(ctx).parse_args(list(args))
        for option in given:
            is_single = isinstance(option, Option) and not (option.multiple or option.is_flag)
            if is_single and given.count(option) > 1:
                raise click.UsageError(f"{option.opts[-1]} is given more than once; give it once")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and isinstance(parameter, click.Option):
                section = getattr(parameter, "section", "Options")
                sections.setdefault(section, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def verb(function: Callable[..., None]) -> Verb:
    """Make a function a verb of its name; the docstring's first line is its line in the help."""
    summary = (function.__doc__ or "").partition("\n")[0]
    return click.command(cls=Verb, short_help=summary, context_settings=SETTINGS)(function)


def argument(name: str, help: str, type: Any = str, **settings: Any) -> Decorator:
    """Give a verb an argument."""
    return click.argument(name, type=_TYPES.get(type, type), help=help, **settings)


def option(name: str, help: str, type: Any = str, **settings: Any) -> Decorator:
    """Give a verb an option; ``--output`` has a short name, too."""
    names = ("-o", name) if name == "--output" else (name,)
    chosen = bool if settings.get("is_flag") else _TYPES.get(type, type)
    return click.option(*names, cls=Option, type=chosen, help=help, show_default=True, **settings)


def flag(name: str, help: str, **settings: Any) -> Decorator:
    """Give a verb an option that stands alone."""
    return option(name, help, is_flag=True, **settings)


NET: Final = "A zoo name, a notation, a .json file or a saved model."
net: Final = argument("net", NET)
json: Final = flag("--json", "Print one JSON object instead.")
data_dir: Final = option(
    "--data-dir", "Folder that has the IDX files already, compressed or not.", Path
)
