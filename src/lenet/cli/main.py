"""``lenet``: finds the verb, and turns every error into one sentence and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from lenet.cli import checks, evaluate, explain, predict, train
from lenet.errors import LenetError

_HELP = """Small convolutional networks, understood in a minute and trained in seconds.

Start with `lenet train`: it needs nothing else. A network is named by a zoo name (lenet, lenet-60,
lenet-d2l, lenet-relu), a notation such as "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10", a
.json file or a saved model.
"""


def _version() -> str:
    from lenet.version import VERSION

    return f"lenet {VERSION}"


app = App(name="lenet", help=_HELP, help_format="markdown", version=_version)
for verb in (train, evaluate, predict, explain, checks):
    app.command(verb.run, name=verb.NAME)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError:  # the reader has gone, e.g. `lenet explain lenet | head -1`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - closed by the interpreter's exit
        return 1
    except KeyboardInterrupt:
        print("lenet: stopped by Ctrl-C.", file=sys.stderr)
        return 130
    except MemoryError:
        print("lenet: not enough memory; use fewer or smaller images.", file=sys.stderr)
        return 1


def _run(arguments: Sequence[str]) -> int:
    try:
        app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        print(f"lenet: {_sentence(error)} (see lenet --help)", file=sys.stderr)
        return 2
    except LenetError as error:
        print(f"lenet: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _sentence(error: CycloptsError) -> str:
    """The parser's message on one line."""
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
