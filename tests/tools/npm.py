"""Unpacks LogQL's grammar, which Grafana itself uses, from npm into the folder that is named; checksums are pinned.

The registry is npm_config_registry, else what npm is set to where there is an npm, else npm's own. No Node is needed:
the tests run it in the V8 of a Python package.
"""

import base64
import hashlib
import io
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

from pip._vendor import certifi  # a machine without certificates of its own still has those that pip brings along

PACKAGES = {
    # name, version: the integrity that the registry gives, and the file that we want
    ("@lezer/common", "1.5.5"): (
        "Pw7PVCndruF1pb3ebCxpSVpkMHSDjwRCLcTRw+RizUKco5QbWylwq2g4lnG/RYN7yTTQDXE9F77MwtkAyphrjg==",
        "package/dist/index.cjs",
    ),
    ("@lezer/lr", "1.4.10"): (
        "rnCpTIBafOx4mRp43xOxDJbFipJm/c0cia/V5TiGlhmMa+wsSdoGmUN3w5Bqrks/09Q/D4tNAmWaT8p6NRi77A==",
        "package/dist/index.cjs",
    ),
    ("@grafana/lezer-logql", "0.4.2"): (
        "oFL37nFgQq3xWN8A7rIKQ2nrftq8l3i0U6TcbtLNlrzn7aVxmPCYaibRjnYDXZQ64QhFkcWVhspXWwSguZsyzQ==",
        "package/index.cjs",
    ),
}


def registry() -> str:
    """The address to ask, without a slash at the end."""
    given = os.environ.get("npm_config_registry")  # noqa: SIM112 -- npm writes it so
    if not given and shutil.which("npm"):
        asked = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
        given = asked.stdout.strip() if asked.stdout.startswith("http") else ""
    return (given or "https://registry.npmjs.org").rstrip("/")


def trusted() -> ssl.SSLContext:
    """What this machine trusts, and what pip trusts."""
    context = ssl.create_default_context()
    for file in (os.environ.get("PIP_CERT"), certifi.where()):
        if file and Path(file).is_file():
            context.load_verify_locations(file)
    return context


def download(url: str) -> bytes:
    """The bytes at an address, tried three times."""
    for attempt in (1, 2, 3):
        try:
            with urllib.request.urlopen(url, timeout=60, context=trusted()) as answer:
                return answer.read()
        except OSError as error:
            print(f"  {url}: {error} (try {attempt} of 3)", file=sys.stderr)
            time.sleep(3 * attempt)
    sys.exit(3)


def main(folder: Path) -> None:
    """One file per package, named without its scope; all of them or none."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for (name, version), (integrity, wanted) in PACKAGES.items():
        plain = name.rpartition("/")[2]
        url = f"{registry()}/{name}/-/{plain}-{version}.tgz"
        data = download(url)
        if base64.b64encode(hashlib.sha512(data).digest()).decode() != integrity:
            print(f"{url} is not what was pinned; nothing was unpacked", file=sys.stderr)
            sys.exit(3)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile(wanted)
            (fresh / f"{plain}.cjs").write_bytes(member.read() if member else b"")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
