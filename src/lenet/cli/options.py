"""What verbs are made of: click's commands and options, with the manners of this package.

A whole number is digits and nothing else, an option that takes one value is given once, a long
page of help has sections, and a result is shown as a person reads it or as JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from lenet.errors import UsageError, path_text

if TYPE_CHECKING:
    from pathlib import Path

    from lenet.writing import Result

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def whole_number(text: str) -> int:
    """Read ``20`` or ``-3``; ``int`` alone would read 1_0 and " 1" too."""
    if not text.removeprefix("-").isdecimal() or len(text) > 40:
        raise ValueError
    return int(text)


def _path(text: str) -> Any:
    from pathlib import Path  # costs the help 3 ms

    if not text:  # as "$UNSET" leaves it: the present folder is "."
        raise ValueError
    return Path(text)


class Plain(click.ParamType[Any, Any]):
    """A value that is written plainly."""

    def __init__(self, name: str, wanted: str, read: Callable[[str], Any]) -> None:
        self.name, self._wanted, self._read = name, wanted, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the text ``value`` says; a default is no text."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except ValueError:
            from lenet.net.words import shown

            name = param.opts[-1] if param else self.name
            text = f"{name} is {shown(value)}; it must be {self._wanted}"
            raise click.UsageError(text, ctx) from None


INT: Final = Plain("int", "a whole number", whole_number)
FLOAT: Final = Plain("number", "a number", float)
PATH: Final = Plain("path", "a path", _path)

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
                section = getattr(parameter, "section", "Options")  # --help is click's own
                sections.setdefault(section, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def verb(function: Callable[..., None]) -> Verb:
    """Make a function a verb of its name; its docstring is the verb's line in the help."""
    name = function.__name__.rstrip("_")  # import_: the word is Python's own
    return click.command(name, cls=Verb, short_help=function.__doc__, context_settings=SETTINGS)(
        function
    )


def argument(name: str, help: str, type: Any = str, **settings: Any) -> Decorator:
    """Give a verb an argument."""
    return click.argument(name, type=type, help=help, **settings)


def option(name: str, help: str, type: Any = str, **settings: Any) -> Decorator:
    """Give a verb an option; ``--output`` has a short name, too."""
    names = ("-o", name) if name == "--output" else (name,)
    return click.option(*names, cls=Option, type=type, help=help, show_default=True, **settings)


def flag(name: str, help: str, **settings: Any) -> Decorator:
    """Give a verb an option that stands alone."""
    return option(name, help, bool, is_flag=True, **settings)


def formats(*others: str) -> Decorator:
    """Give a verb ``--format``, and ``--json`` for short; its function gets ``form`` instead.

    ``others`` are formats that not every result has.
    """
    names = ["text", "json", "markdown", "html", "latex", *others]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @option("--format", f"{', '.join(names[:-1])} or {names[-1]}.", default="text")
        @flag("--json", "Short for --format json.")
        @wraps(function)
        def with_form(format: str, json: bool, **given: Any) -> None:
            if json and format not in ("text", "json"):
                both = f"--json and --format {path_text(format)}"
                raise UsageError(f"{both} are two formats; give one of them.")
            function(form="json" if json else format, **given)

        return with_form

    return decorate


NET: Final = "A zoo name, a notation, a saved model or a run, or a .json, .onnx or .keras file."
net: Final = argument("net", NET)
#: What a person calls a class of Python's by: its module, a colon, its name.
_CLASS: Final = r"[A-Za-z_][\w.]*:[A-Za-z_]\w*"


class NetType(click.ParamType[Any, Any]):
    """A network, or the module of PyTorch or Keras model that Python code names."""

    name = "net"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a text as it is, and what makes a module as the module."""
        import re

        if not isinstance(value, str) or not re.fullmatch(_CLASS, value):
            return value
        return _module(value)


def _module(text: str) -> Any:
    """Import what makes a module or a Keras model, also from the present folder, and call it."""
    import os
    import sys
    from pkgutil import resolve_name

    from lenet.net.sources import is_keras, is_module
    from lenet.net.words import shown

    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    try:
        made = resolve_name(text)
        if isinstance(made, type) or not (is_keras(made) or is_module(made)):
            made = made()
        if not (is_keras(made) or is_module(made)):
            raise TypeError(f"it gives {shown(made)}")
        return made
    except (Exception, SystemExit) as error:  # whatever a stranger's code raises
        what = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{text} cannot be made ({what}); name a class or a function without arguments that "
            "gives a module of PyTorch or a Keras model, such as my_file:Net."
        ) from error


NET_OR_MODULE: Final = (
    f"{NET[:-1]}; or a module of PyTorch or a Keras model, as package.module:Class."
)
NET_TYPE: Final = NetType()
json: Final = flag("--json", "Print one JSON object instead.")
data_dir: Final = option(
    "--data-dir", "Folder that has the IDX files already, compressed or not.", PATH
)
#: The section of the help on pictures of one's own.
OWN: Final = "Pictures of your own"
transpose: Final = flag(
    "--transpose", "Swap rows and columns of images that come as numbers: EMNIST.", section=OWN
)
label_from_name: Final = option(
    "--label-from-name",
    "Where a folder's file names have the class: '{label}_*' for cat_0001.png; * is anything, # a "
    "number.",
    section=OWN,
)
group: Final = option(
    "--group",
    "What belongs together and is never on two sides of a split: '{group}_*' in file names, "
    "'{group}/*' in folders, or a column of a .csv.",
    section=OWN,
)
split_seed: Final = option(
    "--split-seed", "Draw another fifth for testing: 1, 2, ...", INT, section=OWN
)


fit: Final = option(
    "--fit",
    "How a picture of other proportions gets the size: stretch (the default), pad (its edges "
    "repeated outward), crop (its middle) or border (on its border's median colour).",
    section=OWN,
)


def write(result: Result, form: str, **choices: Any) -> None:
    """Print a result in a format; ``choices`` are those of its page."""
    from lenet.terminal import can_show, columns
    from lenet.writing import render

    plain = not can_show("█▏")
    text = render(result, form, columns(), ascii_only=plain, **choices)
    print(text, end="" if form == "csv" else "\n")  # a CSV file's last line is ended already


def show(result: Result, as_json: bool, **more: Any) -> None:
    """Print a result as a person reads it; or as JSON, with ``more`` before what it says itself."""
    if as_json:
        print_json({**more, **result.to_dict()})
    else:
        print(result)


def print_path(path: object, before: str = "") -> None:
    """Print the path of a file on a line of its own, whatever its name holds."""
    print(before + str(path).replace("\n", "\\n"))


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout, and nothing else."""
    from lenet.writing import json_text

    print(json_text(values))


def jobs(**settings: Any) -> Decorator:
    """Give a verb of many trainings the option ``--jobs``."""
    words = "Trainings at a time, each on one thread; one per processor by default."
    return option("--jobs", words, INT, **settings)


def on(**settings: Any) -> Decorator:
    """Give a verb of many trainings the option ``--on``."""
    words = "ray: on a cluster, by default this machine; RAY_ADDRESS names another."
    return option("--on", words, **settings)


def is_given(value: object) -> bool:
    """Has a person given an option of this value? A number such as 0 is one."""
    return value is not None and value is not False and value != ()


def run_path(name: str | None, kind: str, about: object) -> Path:
    """Return a folder under runs/; without a name, the same work has the same folder again."""
    import hashlib
    from pathlib import Path

    from lenet.run_folder import ROOT

    if name is None:
        name = f"{kind}-{hashlib.sha256(repr(about).encode()).hexdigest()[:6]}"
    return Path(ROOT) / name


def check_run_name(name: str | None) -> None:
    """Refuse what is no name of one folder."""
    if name is not None and (name.strip() in ("", ".", "..") or set(name) & set("/\\\0")):
        raise UsageError(
            f"--run is {name!r}; it must be the name of one folder under runs/, without slashes."
        )
