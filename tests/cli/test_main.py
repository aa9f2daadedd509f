"""The program as a process: verbs, help, exit status, and streams in every condition."""

import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import lenet
from lenet.cli.main import main
from lenet.cli.program import program
from lenet.errors import LenetError
from lenet.optimizers import OPTIMIZERS


def test_nothing_prints_the_help(command):
    found = command()
    assert (found.status, found.err) == (0, "")
    assert found.out == command("--help").out
    places = [found.out.index(f"\n  {verb} ") for verb in program.commands]
    assert places == sorted(places)


@pytest.mark.parametrize("verb", program.commands)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_verb_has_help(command, verb, option):
    found = command(verb, option)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith(f"Usage: lenet {verb}")
    assert "--json" in found.out
    assert "None" not in found.out
    assert "False" not in found.out


def test_the_help_of_explain_lists_every_optimizer(command):
    assert ", ".join(OPTIMIZERS) in " ".join(command("explain", "--help").out.split()).replace(
        "- ", "-"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "M", "digits"],
        ["predict", "M.safetensors", "x.png"],
        ["explain", "M.safetensors"],
        ["diagnose", "lenet", "--weights", "M"],
        ["draw", "lenet", "--output", "M.svg"],
        ["compare", "lenet", "M"],
    ],
)
def test_a_long_argument_is_cut(command, arguments):
    found = command(*(word.replace("M", "x" * 5000) for word in arguments))
    assert found.status in (1, 2)
    assert len(found.err) < 500


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["deduce", "1@28x28 -> 10", "--given", "dense0"], "given"),
        (["explain", "lenet", "--input", "3"], "input"),
        (["explain", "--dense-versus-conv", "3"], "dense-versus-conv"),
        (["explain", "--dense-versus-conv", "1x5x5", "--units", "0"], "units"),
        (["explain", "lenet", "--format", "x"], "format"),
        (["draw", "lenet", "--output", "a.svg", "--theme", "x"], "theme"),
        (["bench", "lenet", "--threads", "0"], "threads"),
    ],
)
def test_an_error_names_the_option(command, arguments, option):
    first = command(*arguments).err.splitlines()[0]  # a text's place stands below
    assert first.rstrip(".").endswith(f"(on the command line: --{option})")


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (["train", "lenet"], "train --net lenet"),
        (["train", "1x8x8 | dense 10"], "train --net '1x8x8 | dense 10'"),
        (["train", "a.safetensors"], "train DATA --net a.safetensors"),
        (["evaluate", "lenet", "digits"], "train --net lenet"),
        (["predict", "a.json", "a.png"], "train --net a.json"),
    ],
)
def test_a_command_stands_in_place_of_python(command, here, arguments, instead):
    (here / "a.json").write_text("{}")
    error = command(*arguments).err
    assert error.endswith(f"; use `lenet {instead}`.\n")
    assert "lenet." not in error


def test_version(command):
    assert command("--version").out == f"lenet {lenet.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tarin"], "'tarin' (did you mean 'train'?)"),
        (["xyzzy"], "'xyzzy'; choose train, "),
        ([""], "''; choose train"),
        (["x" * 5000], "xxx...; choose train"),
        (["\0\n\33[31m"], "'\\x00\\n\\x1b[31m'; choose train"),
        (["--jason"], "no such option '--jason'"),
        (["-x"], "no such option '-x'"),
    ],
)
def test_no_such_verb(refused, arguments, words):
    assert len(refused(arguments, 2, words, "see lenet --help.")) < 300


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyboardInterrupt(), 130, "lenet: stopped by Ctrl-C.\n"),
        (KeyboardInterrupt("stopped; saved."), 130, "lenet: stopped; saved.\n"),
        (MemoryError(), 1, "lenet: not enough memory; use fewer or smaller images, or a smaller"),
        (LenetError("no"), 1, "lenet: no.\n"),
        (LenetError("what?"), 1, "lenet: what?\n"),
        (BrokenPipeError(), 1, ""),
        (OSError(28, "No space left"), 1, "lenet: cannot write the output: no space left.\n"),
        (OSError(5, "Input error", "a"), 1, "lenet: cannot use a: input error.\n"),
    ],
)
def test_every_error_is_a_status_and_a_sentence(monkeypatch, capsys, error, status, text):
    def fail(_arguments):
        raise error

    stdout = sys.stdout
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr("lenet.cli.program.run", fail)
    assert main(["checks"]) == status
    if sys.stdout is not stdout:
        sys.stdout.close()
    err = capsys.readouterr().err
    assert err.startswith(text)
    assert err.count("\n") == (1 if text else 0)


def test_ctrl_c_that_an_extension_swallows(monkeypatch, capsys):
    """NumPy, interrupted while it is loaded, says that it is badly installed."""

    def fail(interrupted):
        def run(_arguments):
            if interrupted:
                with suppress(KeyboardInterrupt):
                    signal.raise_signal(signal.SIGINT)
            raise ImportError("badly installed")

        monkeypatch.setattr("lenet.cli.program.run", run)
        return main(["checks"])

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert fail(interrupted=True) == 130
        assert capsys.readouterr().err == "lenet: stopped by Ctrl-C.\n"
        with pytest.raises(ImportError, match="badly installed"):
            fail(interrupted=False)
    finally:
        signal.signal(signal.SIGINT, before)


LOST = """
import signal, sys, time, weakref
import lenet.cli.program
from lenet.cli.main import main

def interrupt(*_):
    signal.raise_signal(signal.SIGINT)

class Thing:
    {method}

def run(_arguments):
    thing = Thing()
    {statement}
    del thing
    time.sleep(30)

lenet.cli.program.run = run
sys.exit(main(["checks"]))
"""


@pytest.mark.parametrize(
    ("method", "statement"),
    [
        ("pass", "callback = weakref.ref(thing, interrupt)"),
        ("__del__ = interrupt", "pass"),
        # It comes again while the next one is deleted, and is lost again.
        (
            "__del__ = lambda self: (time.sleep(0.1), interrupt())",
            "things = [thing, Thing()]; del things",
        ),
    ],
)
def test_ctrl_c_that_python_can_only_print(method, statement):
    """In a weak reference's callback, or in a destructor."""
    done = subprocess.run(
        [sys.executable, "-c", LOST.format(method=method, statement=statement)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "lenet: stopped by Ctrl-C.\n")


LIMITED = """
import resource, signal, sys
import lenet.cli.program
from lenet.cli.main import main

def run(_arguments):
    {loaded}
    signal.raise_signal(signal.SIGINT)

resource.setrlimit(resource.RLIMIT_AS, (2**36, resource.getrlimit(resource.RLIMIT_AS)[1]))
lenet.cli.program.run = run
sys.exit(main(["checks"]))
"""


@pytest.mark.parametrize(
    ("loaded", "words"),
    [("pass", "Ctrl-C, or by OpenBLAS for lack of memory; "), ("import numpy", "Ctrl-C.\n")],
)
def test_where_memory_is_limited_ctrl_c_may_be_another(loaded, words):
    """NumPy's OpenBLAS sends its signal, while it is loaded and can start no thread."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(loaded=loaded)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 130
    assert done.stderr.startswith(f"lenet: stopped by {words}")


def test_without_streams(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["explain", "lenet"]) == 0
    assert main(["explain", "nonsense"]) == 2
    for stream in (sys.stdout, sys.stderr):
        stream.close()


def test_python_m_lenet(process):
    assert process("explain", "lenet").out.startswith("lenet ")
    found = process("explain", "nonsense")
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("lenet: 'nonsense' names no network")


@pytest.mark.parametrize("arguments", [["explain", "lenet"], ["--help"]])
@pytest.mark.parametrize("redirection", ["| true", ">&-", "2>&-", "<&-", ">/dev/full"])
def test_streams_that_do_not_work(here, arguments, redirection):
    line = f'set -o pipefail; "{sys.executable}" -m lenet {" ".join(arguments)} {redirection}'
    done = subprocess.run(
        ["bash", "-c", line], cwd=here, capture_output=True, text=True, check=False
    )
    if redirection == ">/dev/full":
        assert done.returncode == 1
        assert done.stderr == "lenet: cannot write the output: no space left on device.\n"
    else:
        assert done.stderr == ""
        assert done.returncode in ((0, 1) if redirection == "| true" else (0,))


def test_full_output_leaves_no_run(process, here):
    with open("/dev/full", "w") as full:
        found = process("train", stdout=full)
    assert found.status == 1
    assert found.err == "lenet: cannot write the output: no space left on device.\n"
    assert list((here / "runs").iterdir()) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"NO_COLOR": "1", "TERM": "dumb"},
        {"COLUMNS": "20", "FORCE_COLOR": "1"},
        {"COLUMNS": "nonsense", "LINES": "-1"},
    ],
)
def test_terminals(process, settings):
    line = ("train", "--net", "1x8x8 | dense 10", "--epochs", "1")
    for arguments in (line, ["--help"]):
        found = process(*arguments, env=settings, errors="replace")
        assert (found.status, found.err) == (0, "")
        assert found.out


def test_an_argument_that_is_no_text(process):
    found = process("explain", b"\xff".decode(errors="surrogateescape"))
    assert found.status == 2
    assert "names no network" in found.err


@pytest.mark.parametrize("delay", [0.1, 0.2])
def test_ctrl_c_at_any_moment(here, delay):
    """Even while the program is still being loaded."""
    with subprocess.Popen(
        [sys.executable, "-m", "lenet", "train", "--epochs", "100000"],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    # Python itself may not have come as far as to run anything yet.
    assert process.returncode in (130, -signal.SIGINT)
    if process.returncode == 130:
        assert err.startswith("lenet: stopped by Ctrl-C")
        assert err.count("\n") == 1
