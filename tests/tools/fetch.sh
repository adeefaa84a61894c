#!/usr/bin/env bash
# Unpacks promtool and its company into .tools/ without installing anything and without starting a daemon.
#
#   tests/tools/fetch.sh v3        .tools/v3/usr/bin: promtool and prometheus 3.x, amtool and alertmanager 0.33
#   tests/tools/fetch.sh v2        .tools/v2/usr/bin: promtool and prometheus 2.42, amtool and alertmanager 0.25,
#                                  as in Debian bookworm
#   tests/tools/fetch.sh compose   .tools/compose/usr/bin: docker-compose 2.x, which needs no engine to check a file
#   tests/tools/fetch.sh kustomize .tools/kustomize/usr/bin: kustomize 5.x, which builds what kubernetes/ lists
#   tests/tools/fetch.sh redis     .tools/redis/usr/bin: redis-server 7.0, for Flower's tests
#   tests/tools/fetch.sh redis-exporter   .tools/redis-exporter/usr/bin: redis_exporter 1.45, for the live proof
#   tests/tools/fetch.sh rabbitmq  .tools/rabbitmq: rabbitmq-server 3.10 and the Erlang it runs on, for the live proof
#   tests/tools/fetch.sh victoria-metrics .tools/victoria-metrics/usr/bin: VictoriaMetrics 1.x, its vmalert, vmalert-tool
#   tests/tools/fetch.sh default   v3, unless a promtool and an amtool are on the PATH already
#
# First from Debian's packages, whose signature apt verifies with the machine's own Debian keyring; needs no root.
# Where that is impossible, from the official container image. Exit code 3: the tools could not be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
TOOLS=$PWD/.tools
PUBLIC_MIRROR=http://deb.debian.org/debian

say() { printf '%s\n' "$*" >&2; }

# Of each version: Debian suite and packages, what its program must say of itself, a short name, the image.
facts() {
  wanted=promtool image=
  case $1 in
    v2) suite=bookworm packages='prometheus prometheus-alertmanager' expected='version 2.42.' short=promtool-2.42
      image=docker.io/prom/prometheus:v2.42.0 alertmanager=docker.io/prom/alertmanager:v0.25.0 ;;
    v3) suite=sid packages='promtool prometheus prometheus-alertmanager' expected='version 3.' short=promtool-3
      image=docker.io/prom/prometheus:v3.5.0 alertmanager=docker.io/prom/alertmanager:v0.33.0 ;;
    compose) suite=sid packages=docker-compose expected='version 2.' short=compose wanted=docker-compose ;;
    # Debian's say nothing of their versions, or only "(devel)".
    victoria-metrics) suite=sid packages=victoria-metrics expected= short=victoria-metrics wanted=victoria-metrics ;;
    kustomize) suite=sid packages=kustomize expected= short=kustomize wanted=kustomize ;;
    redis) suite=bookworm expected='v=7.' short=redis wanted=redis-server
      packages='redis-server redis-tools libatomic1 libjemalloc2 liblua5.1-0 liblzf1 lua-bitop lua-cjson' ;;
    redis-exporter) suite=bookworm packages=prometheus-redis-exporter expected=1.45. short=redis-exporter
      wanted=prometheus-redis-exporter ;;
    rabbitmq) suite=bookworm expected=25 short=rabbitmq wanted=erl
      packages="rabbitmq-server $(printf 'erlang-%s ' base crypto eldap inets mnesia os-mon parsetools public-key \
        runtime-tools ssl syntax-tools tools xmerl asn1 snmp ftp tftp)" ;;
    *) say "unknown version '$1': expected v2, v3, compose, kustomize, victoria-metrics, redis, redis-exporter, rabbitmq or default"; exit 2 ;;
  esac
}

# The mirrors to try: the one this machine was told to use when it is a Debian machine, then the public one.
mirrors() {
  if grep -qs '^ID=debian$' /etc/os-release; then
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
      sed -nE 's/^(URIs:|deb( \[[^]]*\])?) +([^ ]+).*/\3/p' | grep -vE 'security|updates' | head -n 1 || true
  fi
  echo "$PUBLIC_MIRROR"
}

three_times() {
  local try
  for try in 1 2 3; do
    "$@" 2>"$TOOLS/last-error" && return 0
    cat "$TOOLS/last-error" >&2
    # A bad signature is no network trouble: neither a retry nor another source may paper over it.
    if grep -qE 'NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|is not signed' "$TOOLS/last-error"; then
      say "The packages are not what Debian signed, as far as $KEYRING knows."
      say "Update the package debian-archive-keyring, or look at the mirror; nothing was unpacked."
      exit 3
    fi
    ! grep -q 'is expired' "$TOOLS/last-error" || return 1
    [ "$try" = 3 ] || { say "  try $try of 3 failed"; sleep $((try * 3)); }
  done
  return 1
}

# Only apt's place for lists, packages and sources is ours; proxies and the like stay as the machine has them.
private_apt() {
  local state=$1; shift
  "$@" -oDir::Etc::sourcelist="$state/debian.sources" -oDir::Etc::sourceparts=/dev/null \
    -oDir::State::Lists="$state/lists" -oDir::Cache="$state/cache" -oAPT::Sandbox::User="$(id -un)" \
    -oAcquire::Languages=none -qq
}

# A mirror that stands still has lists older than Debian's promise of a week. They are still signed by Debian and
# still verified; only their age is accepted, and said.
update_from_old_copy() {
  grep -q 'is expired' "$TOOLS/last-error" || return 1
  say "  the mirror is a copy of an older day; its signature is checked, its age is accepted"
  three_times private_apt "$1" apt-get --error-on=any -oAcquire::Check-Valid-Until=false update
}

download() {
  local state=$1 mirror=$2
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/deb"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$suite" "$KEYRING" \
    >"$state/debian.sources"
  three_times private_apt "$state" apt-get --error-on=any update || update_from_old_copy "$state" || return 1
  # shellcheck disable=SC2086 # a list of packages
  (cd "$state/deb" && three_times private_apt "$state" apt-get download $packages)
}

from_debian() {
  local dest=$1 state=$TOOLS/apt-$version mirror deb
  for program in apt-get dpkg-deb; do
    command -v "$program" >/dev/null || { say "  no $program here"; return 1; }
  done
  # What apt verifies signatures with: gpgv up to Debian 12, sqv from Debian 13 on.
  command -v gpgv >/dev/null || command -v sqv >/dev/null || { say "  neither gpgv nor sqv here"; return 1; }
  [ -r "$KEYRING" ] || { say "  no $KEYRING here, so Debian's signature cannot be verified"; return 1; }
  for mirror in $(mirrors | awk '!seen[$0]++'); do
    say "  from $mirror, suite $suite: $packages"
    rm -rf "$state"
    if download "$state" "$mirror"; then
      for deb in "$state"/deb/*.deb; do dpkg-deb -x "$deb" "$dest" || return 1; done
      rm -rf "$state"
      return 0
    fi
  done
  rm -rf "$state"
  return 1
}

# Copies programs out of a container image: engine, image, folder, then from=to pairs.
copy_out() {
  local engine=$1 from=$2 dest=$3 id pair; shift 3
  say "  from $from with $engine"
  id=$("$engine" create "$from") || return 1
  for pair in "$@"; do
    "$engine" cp "$id:/bin/${pair%=*}" "$dest/usr/bin/${pair#*=}" || { "$engine" rm "$id" >/dev/null; return 1; }
  done
  "$engine" rm "$id" >/dev/null || true
}

from_image() {
  local dest=$1 engine
  [ -n "$image" ] || return 1
  mkdir -p "$dest/usr/bin"
  for engine in docker podman; do
    command -v "$engine" >/dev/null || continue
    copy_out "$engine" "$image" "$dest" promtool=promtool prometheus=prometheus &&
      copy_out "$engine" "$alertmanager" "$dest" amtool=amtool alertmanager=prometheus-alertmanager && return 0
  done
  return 1
}

# Asks a program for its version, with the libraries that were unpacked beside it.
version_of() {
  local libraries
  libraries=$(printf '%s:' "$1"/usr/lib/*-linux-gnu)
  case $2 in docker-compose | kustomize) "$1/usr/bin/$2" version 2>&1; return ;; esac
  if [ "$2" = erl ]; then erlang_of "$1" 2>&1; return; fi
  LD_LIBRARY_PATH=$libraries "$1/usr/bin/$2" --version 2>&1
}

# Erlang's own script wants to be installed, so what it would start is started; crypto needs the machine's OpenSSL.
erlang_of() {
  local root=$1/usr/lib/erlang
  local says='ok = application:start(crypto), io:put_chars(erlang:system_info(otp_release)), halt().'
  set -- "$root"/erts-*/bin
  ROOTDIR=$root BINDIR=$1 EMU=beam PROGNAME=erl "$1/erlexec" -noshell -boot "$root/bin/start_clean" -eval "$says"
}

is_right() {
  local answer
  answer=$(version_of "$1" "$wanted") || { say "  $wanted does not start: $answer"; return 1; }
  grep -qF "$expected" <<<"$answer" || { say "  $wanted is not $expected: ${answer%%$'\n'*}"; return 1; }
  [ "$wanted" = promtool ] || return 0
  answer=$("$1/usr/bin/amtool" --version 2>&1) || { say "  amtool does not start: $answer"; return 1; }
}

unpack() {
  local version=$1 source fresh
  facts "$version"
  [ -x "$TOOLS/$version/usr/bin/$wanted" ] &&
    { [ "$wanted" != promtool ] || [ -x "$TOOLS/$version/usr/bin/amtool" ]; } && return 0
  fresh=$TOOLS/$version.new
  say "$short into .tools/$version"
  for source in from_debian from_image; do
    rm -rf "$fresh"; mkdir -p "$fresh"
    if "$source" "$fresh" && is_right "$fresh"; then
      rm -rf "${TOOLS:?}/$version"
      mv "$fresh" "$TOOLS/$version"
      [ "$short" = "$version" ] || ln -sfn "$version/usr/bin" "$TOOLS/$short"
      return 0
    fi
  done
  rm -rf "$fresh"
  say "$short could not be fetched: neither from Debian's packages nor from a container image."
  [ "$wanted" = promtool ] || { say "Install $wanted and put it on the PATH."; exit 3; }
  say "Install Prometheus from https://prometheus.io/download/ and put promtool on the PATH,"
  say "or name it: export STACKGEN_PROMTOOL=/path/to/promtool"
  exit 3
}

if [ "${1:-}" = default ]; then
  if { [ -n "${STACKGEN_PROMTOOL:-}" ] || command -v promtool >/dev/null; } &&
    { [ -n "${STACKGEN_AMTOOL:-}" ] || command -v amtool >/dev/null; }; then exit 0; fi
  set -- v3
fi
[ $# -gt 0 ] || { sed -n '2,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

mkdir -p "$TOOLS"
# Two makes at once: the second waits and then finds the work done. Machines without flock have no apt either.
if command -v flock >/dev/null; then exec 9>"$TOOLS/.lock"; flock 9; fi
for each in "$@"; do unpack "$each"; done
