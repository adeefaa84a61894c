#!/usr/bin/env bash
# What README's Requirements name, looked for all at once, before anything is fetched.
#
#   tests/tools/requirements.sh          says what is missing and how to get it; exit code 3 when something is
#   tests/tools/requirements.sh --list   Debian's names of the missing packages, one a line, and nothing else
set -euo pipefail

missing=()
command -v "${PYTHON:-python3}" >/dev/null || missing+=(python3)
"${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
for program in make git curl; do command -v "$program" >/dev/null || missing+=("$program"); done

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --list ]; then
  printf '%s\n' "${missing[@]}"
else
  printf 'This machine has no %s.\nInstall what is missing; on Debian: apt-get install %s\n' \
    "$(printf '%s, ' "${missing[@]}" | sed 's/, $//')" "${missing[*]}" >&2
  exit 3
fi
