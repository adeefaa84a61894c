"""Entry point of `stackgen` and `python -m generator`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Runs the command line; a plain `check --fast` goes past it: loading the rest takes longer than the check."""
    if sys.argv[1:3] == ["check", "--fast"]:
        from generator import fast

        options = fast.options(sys.argv[3:])
        if options is not None:
            sys.exit(fast.check(*options))
    gc.disable()  # 10,000 queues are millions of objects and no cycles: looking for some is a third of the time.
    from generator.cli import main as cli

    try:
        cli()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        for stream in (sys.stdout, sys.stderr):
            if stream:  # None where it was closed before the start
                stream.flush()
        os._exit(end.code)  # At once: to free all objects one by one takes as long as to write the files.


if __name__ == "__main__":
    main()
