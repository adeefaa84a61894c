"""Writes constraints.txt: installs everything once, newest versions, into an empty environment and lists it."""

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HEADER = """\
# The exact versions that are tested: everything `make` and `make test` install, and what builds the wheel.
# Made anew by `make lock`.
"""


def main() -> None:
    """Resolves run, test and build requirements together, so that one version of each satisfies all."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["test"],
    ]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [Path(folder, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", *wanted], check=True, stdout=sys.stderr)
        listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    lines = sorted(listed.splitlines(), key=str.lower)
    (REPOSITORY / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
