#!/usr/bin/env bash
# images.sh OUTPUT
#
# Makes the images that OUTPUT/docker-compose.yml names, from Debian and PyPI packages: no registry of images is asked.
# Entrypoints, users and folders are those of the official images; the programs are bookworm's, Prometheus that of
# sid, which `make tools` unpacks. DOCKER_HOST says which engine; the base is made by debootstrap in BASE.
set -euo pipefail

output=$1
here=$(dirname "$(readlink -f "$0")")

if [ ! -e "$BASE/made" ]; then
  rm -rf "$BASE"
  debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    bookworm "$BASE" http://deb.debian.org/debian >/dev/null
  touch "$BASE/made"
fi
docker image inspect stackgen-base >/dev/null 2>&1 || tar -C "$BASE" --one-file-system -c . | docker import - stackgen-base >/dev/null

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$context/ca.crt"
build() { DOCKER_BUILDKIT=0 docker build --quiet --network host --file - "$@" "$context" >/dev/null; }

# One root with every program; what differs are the entrypoints.
cp .tools/v3/usr/bin/prometheus .tools/v3/usr/bin/promtool "$context/"
build --tag stackgen-all <"$here/all.dockerfile"

# image NAME, then the Dockerfile's lines about it
image() {
  local name=$1; shift
  { echo 'FROM stackgen-all'; printf '%s\n' "$@"; } | build --tag "$name"
}
named() { sed -nE "s|^    image: '?($1:[^' ]+).*|\1|p" "$output/docker-compose.yml" | head -n 1; }

image "$(named prom/prometheus)" 'RUN install -d -o 65534 -g 65534 /prometheus' 'ENTRYPOINT ["prometheus"]'
image "$(named prom/alertmanager)" 'RUN install -d -o 65534 -g 65534 /alertmanager' 'ENTRYPOINT ["prometheus-alertmanager"]'
image "$(named mher/flower)" 'RUN install -d -o 1000 -g 1000 /data' 'CMD ["celery", "flower"]'
image "$(named danihodovic/celery-exporter)" 'ENV PATH=/opt/exporter/bin:/usr/bin:/bin' \
  'RUN install -D /opt/exporter/start.py /app/cli.py' 'ENTRYPOINT ["python", "/app/cli.py"]'
image "$(named oliver006/redis_exporter)" 'RUN ln -s /usr/bin/prometheus-redis-exporter /redis_exporter' 'ENTRYPOINT ["/redis_exporter"]'
image "$(named redis)" 'RUN printf "#!/bin/sh\nexec /usr/bin/redis-server \"\$@\" --protected-mode no\n" >/usr/local/bin/redis-server \
  && chmod 755 /usr/local/bin/redis-server'
python=$(sed -nE 's/^FROM (.+)$/\1/p' "$output/demo/Dockerfile")
image "$python" 'CMD ["python"]'
# The demo's own Dockerfile; what it installs is there already.
sed -E '/^RUN pip/d' "$output/demo/Dockerfile" | build --tag "$(sed -nE "s|^    image: '?([a-z0-9-]+-demo:[^' ]+).*|\1|p" "$output/docker-compose.yml" | head -n 1)"
