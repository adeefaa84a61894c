"""Entry point of `stackgen` and `python -m stackgen`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress


def main() -> None:
    """Runs the command line; a plain `check --fast` goes past it: loading the rest takes longer than the check."""
    if sys.argv[1:3] == ["check", "--fast"]:
        from stackgen import fast

        options = fast.options(sys.argv[3:])
        if options is not None:
            sys.exit(fast.check(*options))
    gc.disable()  # 10,000 queues are millions of objects and no cycles: looking for some is a third of the time.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before the start
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    try:
        from stackgen.cli import main as cli

        cli()
    except ModuleNotFoundError as error:
        print(f"stackgen: {error.name} is not installed here; run `make`, or pip install the package", file=sys.stderr)
        _end(3)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        _end(end.code)
    except OSError as error:  # what concerns files of a stack is told by who reads or writes them
        print(f"stackgen: the answer cannot be written: {error.strerror or error}", file=sys.stderr)
        _end(1)


def _end(code: int) -> None:
    """At once: to free all objects one by one takes as long as to write the files."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # told already, by click or by us
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
