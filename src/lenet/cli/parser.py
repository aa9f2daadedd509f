"""The parser: finds the verb, and has one sentence for each way to misuse it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from cyclopts import App, CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from lenet.cli.overview import VERBS
from lenet.errors import UsageError
from lenet.net.words import did_you_mean, shown

#: What a person who left one out should have named.
_ARGUMENTS = {
    "MODEL": "a model file",
    "DATA": "a data set",
    "NET": "a network",
    "FIGURE": "a figure",
}


def make_app(verb: str) -> App:
    """The parser of one verb."""
    app = App(
        name=f"lenet {verb}",
        help_format="plaintext",  # markdown would cost a tenth of a second
        version_flags=[],
        # Ctrl-C belongs to the verbs: training saves what is there.
        suppress_keyboard_interrupt=False,
    )
    app["--help"].group = "Parameters"
    app.default(import_module(f"lenet.cli.{verb}").run)
    return app


def parse_and_run(arguments: Sequence[str]) -> None:
    """Find the verb and run it.

    Raises:
        UsageError: the arguments cannot be read.
        LenetError: the verb's own.
    """
    verb, *rest = arguments
    if verb not in VERBS:
        raise UsageError(f"{_unknown_verb(verb)}; see lenet --help.")
    app = make_app(verb)
    try:
        app(rest, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        raise UsageError(_sentence(error, f"lenet {verb}")) from error


def _sentence(error: CycloptsError, command: str) -> str:
    """What was given, what is allowed, what to do; ``error`` is the parser's own."""
    match error:
        case UnknownOptionError():
            what = _unknown_option(command, error)
        case CoercionError() if error.token is not None:
            what = _wrong_value(error)
        case MissingArgumentError() if error.argument is not None:
            name = error.keyword or error.argument.name
            wanted = _ARGUMENTS.get(name)
            what = f"{command} needs {wanted} ({name})" if wanted else f"{name} has no value"
        case UnusedCliTokensError():
            extra = " and ".join(shown(token) for token in error.unused_tokens or ())
            what = f"{command} has no use for {extra} and takes no more arguments"
        case RepeatArgumentError():
            what = f"{error.token.keyword} is given more than once; give it once"
        case _:
            what = " ".join(str(error).split()).rstrip(".")
    return f"{what}; see {command} --help."


def _unknown_verb(token: str) -> str:
    *names, last = VERBS
    choice = f"{', '.join(names)} or {last}"
    if token.startswith("-"):
        return f"{shown(token)} is no option of lenet itself; name a verb before it: {choice}"
    near = did_you_mean(token, VERBS)
    return f"{shown(token)} is no verb of lenet{near}; choose {choice}"


def _unknown_option(command: str, error: UnknownOptionError) -> str:
    given = error.token.keyword or error.token.value
    known = [name for one in error.argument_collection for name in one.names if name[:2] == "--"]
    options = did_you_mean(given, known) or f"; it takes {', '.join(sorted(known))}"
    return f"{command} has no option {shown(given)}{options}"


def _wrong_value(error: CoercionError) -> str:
    assert error.token is not None
    name = error.token.keyword or (error.argument.name if error.argument else "an argument")
    if error.target_type is bool:
        return f"{name} stands alone and takes no value, but {shown(error.token.value)} is given"
    wanted = error.msg or ("a number" if error.target_type is float else "valid")
    return f"{name} is {shown(error.token.value)}; it must be {wanted}"
