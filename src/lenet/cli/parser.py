"""The parser: the verbs it knows, and one sentence for each way to misuse them."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App, CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from lenet.cli import (
    balance,
    checks,
    compare,
    deduce,
    diagnose,
    draw,
    evaluate,
    explain,
    predict,
    train,
)
from lenet.errors import UsageError
from lenet.net.words import did_you_mean, shown

_HELP = (
    "Small convolutional networks, understood in a minute and trained in seconds.\n\n"
    "Start with 'lenet train': it needs nothing else. A network is named by a zoo name (lenet, "
    "lenet-60, lenet-d2l, lenet-relu), a notation such as '1x28x28 | conv 6 k5 relu, maxpool 2 | "
    "dense 10', a .json file or a saved model."
)

#: In the order of a first session, which is the order of the help.
_VERBS = (
    train,
    evaluate,
    predict,
    explain,
    deduce,
    diagnose,
    draw,
    compare,
    balance,
    checks,
)
_NAMES = tuple(verb.NAME for verb in _VERBS)
#: What a person who left one out should have named.
_ARGUMENTS = {
    "MODEL": "a model file",
    "DATA": "a data set",
    "NET": "a network",
    "FIGURE": "a figure",
}


def _version() -> str:
    from lenet.version import VERSION

    return f"lenet {VERSION}"


app = App(
    name="lenet",
    help=_HELP,
    help_format="plaintext",  # markdown would cost a tenth of a second
    version=_version,
    # Ctrl-C belongs to the verbs: training saves what is there.
    suppress_keyboard_interrupt=False,
)
for place, verb in enumerate(_VERBS):
    app.command(verb.run, name=verb.NAME, sort_key=place)


def parse_and_run(arguments: Sequence[str]) -> None:
    """Find the verb and run it.

    Raises:
        UsageError: the arguments cannot be read.
        LenetError: the verb's own.
    """
    try:
        app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        raise UsageError(_sentence(error)) from error


def _sentence(error: CycloptsError) -> str:
    """What was given, what is allowed, what to do; ``error`` is the parser's own."""
    command = " ".join(["lenet", *(error.command_chain or ())])
    match error:
        case UnknownCommandError():
            what = _unknown_verb((error.unused_tokens or [""])[0])
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
    choice = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"
    if token.startswith("-"):
        return f"{shown(token)} is no option of lenet itself; name a verb before it: {choice}"
    near = did_you_mean(token, _NAMES)
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
