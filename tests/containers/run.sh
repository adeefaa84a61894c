#!/usr/bin/env bash
# Starts the generated docker-compose.yml on a real engine and breaks it: `make containers`. Needs root, debootstrap and
# Debian's docker.io; the engine is started by hand, with its data in .tools/containers, and ended. Exit code 3 where no
# engine can be started. Not proved: Grafana, Loki, Alloy, Filebeat, Kibana, Elasticsearch, for there are no packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

place=$(readlink -f .tools)/containers # runc wants no link in a path
export BASE=$place/base DOCKER_HOST=unix://$place/docker.sock
say() { printf '%s\n' "$*" >&2; }

[ "$(id -u)" = 0 ] || { say 'An engine needs root: sudo make containers'; exit 3; }
for program in dockerd docker debootstrap; do
  command -v "$program" >/dev/null || { say "no $program here; on Debian: apt-get install docker.io debootstrap"; exit 3; }
done
mkdir -p "$place/run"
dockerd --data-root "$place/data" --exec-root "$place/run" --host "$DOCKER_HOST" --pidfile "$place/pid" --bridge none \
  >"$place/engine.log" 2>&1 &
engine=$!
trap 'kill "$engine" 2>/dev/null; wait "$engine" || true' EXIT
for _ in $(seq 60); do docker version >/dev/null 2>&1 && break; sleep 1; done
docker version >/dev/null 2>&1 || { tail -n 5 "$place/engine.log" >&2; say 'no engine can be started here'; exit 3; }

work=$place/stack
rm -rf "$work"; mkdir -p "$work"
cp tests/containers/stack.yaml "$work/"
.venv/bin/python -m stackgen generate --stack "$work/stack.yaml" --output "$work/output"
.venv/bin/python -m stackgen secrets --stack "$work/stack.yaml" --output "$work/output"
cp "$work/output/.env.example" "$work/output/.env"
echo redis://redis:6379/0 >"$work/output/.secrets/broker_url"
say 'the images, from Debian and PyPI packages'
tests/containers/images.sh "$work/output"
.venv/bin/python -m tests.containers.run "$work"
