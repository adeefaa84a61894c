"""Entry point of `stackgen` and `python -m stackgen`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Runs the command line; what concerns files of a stack is told by who reads or writes them."""
    gc.disable()  # 10,000 queues are millions of objects and no cycles: looking for some is a third of the time.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before the start
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    try:
        from stackgen.cli import main as cli

        cli()
    except ModuleNotFoundError as error:
        missing = "is not installed here; pip install celery-stackgen, or in a checkout run `make`"
        if error.name == "fcntl":  # part of Python, but not on Windows
            missing = "is what Windows has not: stackgen runs on Linux and macOS, and on Windows inside WSL"
        print(f"stackgen: {error.name} {missing}", file=sys.stderr)
        sys.exit(3)
    except OSError as error:
        print(f"stackgen: the answer cannot be written: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered would fail again
        sys.exit(1)


if __name__ == "__main__":
    main()
