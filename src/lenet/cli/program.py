"""``lenet``: the verbs, and what click says of a misuse in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lenet.cli import (
    clean,
    drift,
    look,
    models,
    networks,
    options,
    quiz,
    serve,
    studies,
    train,
    tune,
)
from lenet.errors import UsageError

# The zoo's names are written out, since it takes 20 ms to import; a test holds that they are all.
_ABOUT = """Small convolutional networks, understood in a minute and trained in seconds.

Start with 'lenet train': it needs nothing else. A network is named by a zoo name
(lenet, lenet-60, lenet-d2l, lenet-relu, lenet-5, lenet-4, lenet-1, compact, tiny), a notation
such as '1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10', a .json file or a saved
model.
"""


class Program(click.Group):
    """The verbs, listed in the order of a first session."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs' names."""
        return list(self.commands)


def _print_version(ctx: click.Context, _: click.Parameter, is_given: bool) -> None:
    if is_given:
        from lenet.version import VERSION  # looks it up among all that is installed: 14 ms

        print(f"lenet {VERSION}")
        ctx.exit()


program = Program(
    "lenet",
    [
        *(train.train, models.report, models.evaluate, models.predict, look.look, clean.clean),
        drift.drift,
        *(studies.study, tune.tune, models.export, models.import_),
        *(networks.explain, networks.deduce, networks.diagnose, networks.draw),
        *(networks.compare, networks.balance, quiz.quiz, serve.serve),
        *(networks.bench, networks.checks),
    ],
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    ],
    callback=lambda: None,
    help=_ABOUT,
    epilog="lenet VERB --help says more about one.",
    subcommand_metavar="VERB ...",
    options_metavar="",
    context_settings=options.SETTINGS,
)


def run(arguments: Sequence[str]) -> None:
    """Run the verb that ``arguments`` name; without any, print the help."""
    try:
        with program.make_context("lenet", list(arguments) or ["--help"]) as context:
            program.invoke(context)
    except click.exceptions.Exit:  # the help is printed
        pass
    except click.UsageError as error:
        verb = [name for name in arguments[:1] if name in program.commands]
        where = " ".join(["lenet", *verb])
        raise UsageError(f"{_sentence(error)}; see {where} --help.") from None


def _sentence(error: click.UsageError) -> str:
    text = error.format_message()
    near = getattr(error, "possibilities", None)
    if isinstance(error, click.NoSuchOption | click.exceptions.NoSuchCommand):
        text = error.message.rstrip(".") + (f" (did you mean {near[0]!r}?)" if near else "")
    text = text if len(text) <= 100 else f"{text[:97]}..."
    if isinstance(error, click.exceptions.NoSuchCommand) and not near:
        from lenet.net.words import listed

        text += f"; choose {listed(list(program.commands), 'or')}"
    return text[0].lower() + text[1:].rstrip(".")
