#!/usr/bin/env bash
# README's two commands on minimal Debian machines, made anew: `make fresh`, or
#
#   tests/fresh/run.sh [bookworm|trixie|sid …] [--as root|user] [--keep]
#
# Each machine is debootstrap's minbase with the packages of README's Requirements and nothing else. The commit that is
# checked out is cloned into it, `make` and `make test` run there, and the times are told. Logs stay in .tools/fresh/.
# Needs root and debootstrap. Exit code 1 when a command failed, 3 when a machine could not be made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

REPOSITORY=$PWD
FRESH=$PWD/.tools/fresh
MIRROR=http://deb.debian.org/debian
PACKAGES=$(sed -nE 's/^apt-get install (python3 .*)$/\1/p' README.md)

say() { printf '%s\n' "$*" >&2; }

suites=() users=() keep=
while [ $# -gt 0 ]; do
  case $1 in
    --as) users+=("$2"); shift ;;
    --keep) keep=yes ;;
    bookworm|trixie|sid) suites+=("$1") ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift
done
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
[ ${#users[@]} -gt 0 ] || users=(root user)

[ -n "$PACKAGES" ] || { say "README's Requirements have no line 'apt-get install python3 …'"; exit 3; }
[ "$(id -u)" = 0 ] || { say 'Making a machine needs root: sudo make fresh'; exit 3; }
for program in debootstrap unshare chroot; do
  command -v "$program" >/dev/null || { say "no $program here; on Debian: apt-get install debootstrap util-linux"; exit 3; }
done

# A command inside a machine, in namespaces that end with it; only the way to the registries comes from outside.
inside() {
  local root=$1; shift
  local given=(); while IFS= read -r name; do given+=("$name=${!name}"); done < <(
    compgen -e | grep -E '^(PIP_(INDEX_URL|DEFAULT_TIMEOUT)|npm_config_registry|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$' || true)
  unshare --mount --pid --fork --kill-child bash -c '
    root=$1; shift
    mount --make-rprivate / && mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mkdir -p "$root/mnt/old" && cd "$root" && pivot_root . mnt/old && umount --lazy /mnt/old && rmdir /mnt/old
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
  ' inside "$root" "${given[@]}" "$@" </dev/null
}

base() {
  local suite=$1 root=$FRESH/$1
  [ ! -e "$root/made" ] || return 0
  say "$suite: a minimal machine into .tools/fresh/$suite"
  rm -rf "$root"; mkdir -p "$FRESH"
  debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    "$suite" "$root" "$MIRROR" >"$FRESH/$suite.log" 2>&1 || { tail -n 5 "$FRESH/$suite.log" >&2; exit 3; }
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  # shellcheck disable=SC2086 # a list of packages
  inside "$root" DEBIAN_FRONTEND=noninteractive sh -c "apt-get -qq update && apt-get -qq install -y --no-install-recommends $PACKAGES" \
    >>"$FRESH/$suite.log" 2>&1 || { tail -n 5 "$FRESH/$suite.log" >&2; exit 3; }
  # A machine behind a proxy of its own trusts what this one trusts.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  inside "$root" useradd --create-home user
  touch "$root/made"
}

clone() {
  local root=$1 home=$2 user=$3
  git -c safe.directory='*' clone --quiet --no-hardlinks "$REPOSITORY" "$root$home/celery-stackgen"
  inside "$root" chown -R "$user:$user" "$home/celery-stackgen"
}

# One command as one user; says how long it took and, when it failed, its last lines.
timed() {
  local root=$1 home=$2 user=$3 log=$4 began=$SECONDS code=0; shift 4
  inside "$root" "HOME=$home" "PIP_CERT=/etc/ssl/certs/ca-certificates.crt" setpriv --reuid="$user" --regid="$user" --init-groups \
    sh -c "cd $home/celery-stackgen && $*" >>"$log" 2>&1 || code=$?
  say "  $*: exit code $code after $((SECONDS - began)) s; $(grep -E '(passed|failed).* in ' "$log" | tail -n 1)"
  [ "$code" = 0 ] || tail -n 20 "$log" >&2
  return "$code"
}

failed=0
for suite in "${suites[@]}"; do
  base "$suite"
  for user in "${users[@]}"; do
    root=$FRESH/$suite-$user home=/root log=$FRESH/$suite-$user.log
    [ "$user" = root ] || home=/home/$user
    rm -rf "$root" "$log"; cp -a "$FRESH/$suite" "$root"
    clone "$root" "$home" "$user"
    say "$suite, $(inside "$root" python3 --version), as $user"
    { timed "$root" "$home" "$user" "$log" make && timed "$root" "$home" "$user" "$log" make test; } || failed=1
    [ -n "$keep" ] || rm -rf "$root"
  done
done
exit "$failed"
