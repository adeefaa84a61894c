FROM stackgen-base
COPY ca.crt /etc/ssl/own-ca.crt
ENV PIP_CERT=/etc/ssl/own-ca.crt PATH=/opt/celery/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends \
    prometheus-redis-exporter redis-server redis-tools wget python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/celery && /opt/celery/bin/pip install -q 'celery[redis]==5.5.3' flower==2.2.0
RUN python3 -m venv /opt/exporter && /opt/exporter/bin/pip install -q prometheus-exporter-celery==0.11.2 setuptools 'kombu<5.6' --ignore-requires-python
# As the official image starts it: with the variables of its environment as options.
RUN printf 'import runpy, sys\nfrom src.cli import cli\ncli(auto_envvar_prefix="CE")\n' >/opt/exporter/start.py
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends \
    prometheus-alertmanager procps && rm -rf /var/lib/apt/lists/*
COPY prometheus promtool /usr/bin/
