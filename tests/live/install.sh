#!/usr/bin/env bash
# Puts what the live proof needs into .tools/, and says what; nothing is installed on the machine.
#
#   .tools/v3               Prometheus 3.x and Alertmanager 0.33, from Debian's packages
#   .tools/redis            redis-server 7.0, from Debian's packages
#   .tools/redis-exporter   oliver006/redis_exporter 1.45, from Debian's packages
#   .tools/rabbitmq         RabbitMQ 3.10 and Erlang 25, from Debian's packages
#   .tools/celery-exporter  danihodovic/celery-exporter 0.11.2 from PyPI, where it is called prometheus-exporter-celery;
#                           in an environment of its own with kombu<5.6, because it does not start with a newer one;
#                           it says that it wants Python 3.12 or older, and runs on 3.13 as it is
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tests/tools/fetch.sh v3 redis redis-exporter rabbitmq
if [ ! -x .tools/celery-exporter/bin/celery ]; then
  echo 'prometheus-exporter-celery 0.11.2 from PyPI into .tools/celery-exporter' >&2
  rm -rf .tools/celery-exporter
  "${PYTHON:-python3}" -m venv .tools/celery-exporter
  # Not under our own constraints: it needs an older kombu than our tests.
  env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT .tools/celery-exporter/bin/python -m pip install --quiet --disable-pip-version-check \
    --ignore-requires-python 'prometheus-exporter-celery==0.11.2' 'kombu<5.6' || {
    rm -rf .tools/celery-exporter
    echo 'prometheus-exporter-celery could not be installed; its own words are above' >&2
    exit 3
  }
fi
