"""Entry point of `stackgen` and `python -m generator`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; a plain `check --fast` goes past it: loading the rest takes longer than the check."""
    if sys.argv[1:3] == ["check", "--fast"]:
        from generator import fast

        options = fast.options(sys.argv[3:])
        if options is not None:
            sys.exit(fast.check(*options))
    from generator.cli import main as cli

    cli()


if __name__ == "__main__":
    main()
