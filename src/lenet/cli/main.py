"""``lenet``: turns every error into one sentence on stderr and an exit status.

Nothing slow is imported here: Ctrl-C is met from the first moment on.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TextIO, cast

from lenet.errors import LenetError, ShapeError, path_text, reason, visible
from lenet.terminal import Guard, unguarded


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    try:
        return _run(arguments)
    finally:
        sys.stdout, sys.stderr = unguarded(sys.stdout), unguarded(sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        _watch_interrupts()
        _prepare_streams()
        from lenet.cli import program

        program.run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
        return 0
    except ShapeError as error:
        from lenet.analysis.diagnosis import explain_misfit

        return _fail(explain_misfit(error), error.exit_code)
    except LenetError as error:
        return _fail(_sentence(error), error.exit_code)
    except KeyboardInterrupt as stop:
        # If it came through code that is made of text, as dataclasses makes it, Python would end by
        # the signal in place of our status; the next such code puts that right.
        eval("0")
        return _fail(str(stop) or _stopped(), 130)
    except MemoryError:
        return _fail("not enough memory; use fewer or smaller images, or a smaller network.", 1)
    except BrokenPipeError:  # the reader has gone, e.g. `lenet explain lenet | head -1`
        _discard_output()
        return 1
    except OSError as error:  # the library's files have errors of their own: this is stdout's
        _discard_output()
        what = f"use {path_text(error.filename)}" if error.filename else "write the output"
        return _fail(f"cannot {what}: {reason(error)}.", 1)
    except Exception:
        if _interrupts:
            eval("0")
            return _fail(_stopped(), 130)
        raise


#: Every Ctrl-C so far.
_interrupts: list[int] = []


def _stopped() -> str:
    """Say what the signal of Ctrl-C means. Where memory is limited, NumPy's OpenBLAS sends it too:
    while it is loaded and can start no thread."""
    with suppress(ImportError):  # Windows has no such limit
        import resource

        is_limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
        if is_limited and "numpy" not in sys.modules:
            return (
                "stopped by Ctrl-C, or by OpenBLAS for lack of memory; in that case let processes "
                "have more (ulimit -v)."
            )
    return "stopped by Ctrl-C."


def _watch_interrupts() -> None:
    """Answer Ctrl-C as Python does, and note it: some extensions, NumPy among them, swallow the
    exception when it comes while they are loaded, and fail with another."""

    def interrupt(number: int, frame: object) -> None:
        _interrupts.append(number)
        raise KeyboardInterrupt

    _interrupts.clear()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        with suppress(ValueError):  # not the main thread: Ctrl-C is not ours
            signal.signal(signal.SIGINT, interrupt)
            _repeat_lost_interrupts()


def _repeat_lost_interrupts() -> None:
    """Send a Ctrl-C again that came in a destructor or a weak reference's callback, as importlib
    has: Python only prints an exception there."""
    before = sys.unraisablehook

    def again(thread: int) -> None:
        time.sleep(0.01)  # until that thread has left the hook, where it would be lost too
        if sys.platform == "win32":
            _thread.interrupt_main()
        else:  # unlike that, ends a wait
            signal.pthread_kill(thread, signal.SIGINT)

    def repeat(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            before(lost)
        else:
            with suppress(RuntimeError):  # the interpreter has come to its end
                _thread.start_new_thread(again, (_thread.get_ident(),))

    sys.unraisablehook = repeat


def _prepare_streams() -> None:
    """Let printing not be what fails, whatever the streams are connected to."""
    # A closed descriptor (`lenet >&-`) leaves no stream at all.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        # A file name that is no text goes out as it came in; "·" in ASCII becomes \xb7.
        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        reconfigure(errors="surrogateescape" if unicode else "backslashreplace")
    sys.stdout, sys.stderr = (cast(TextIO, Guard(s)) for s in (sys.stdout, sys.stderr))


def _sentence(error: LenetError) -> str:
    """Return an error's message: with a command in place of Python's words, or with the option of
    the parameter that would help."""
    if error.command:
        import shlex  # only such an error pays for it

        return f"{error.what}; use `{visible(shlex.join(('lenet', *error.command)))}`."
    if not error.parameter:
        return str(error)
    option = _OPTIONS.get(error.parameter, error.parameter.replace("_", "-"))
    message, *place = str(error).split("\n")  # a notation's place stands below
    hint = f"{message.removesuffix('.')} (on the command line: --{option})"
    return "\n".join([hint, *place])


#: Options that have another name than the parameter: all is a word of Python's.
_OPTIONS: Final = {"everything": "all", "framework": "as", "input_shape": "input"}


def _fail(message: str, status: int) -> int:
    end = "" if message.endswith((".", "?", "!")) or "\n" in message else "."
    print(f"lenet: {message}{end}", file=sys.stderr)
    return status


def _discard_output() -> None:
    """Drop what is not yet printed, so that the interpreter does not try again at its end."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - closed by the interpreter's exit


if __name__ == "__main__":
    sys.exit(main())
