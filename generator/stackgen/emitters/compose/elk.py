"""Filebeat, and the profile `elk`: Elasticsearch and Kibana on one node, with passwords and TLS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stackgen.catalog.launch import Limits, Mount, Secret
from stackgen.catalog.logs.datastream import DataStream
from stackgen.emitters.compose.parts import Condition, Health, Service, literal, log_files, pinned
from stackgen.emitters.compose.secrets import API_KEY, ELASTIC, KIBANA, KIBANA_KEY, log_secrets
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import ELK_FOLDER, Logs

ELK = ("elk",)
_CERTS = "/usr/share/elasticsearch/config/certs"
_WRITES = "its start script writes into its own folder, and Java starts libraries from /tmp"
_ROOT = "it gives the files of a new volume to the group of the others"
_ONCE = "it runs once and ends"


def escaped(file: str) -> str:
    """What stands in a file, for the shell: a backslash before quotes and backslashes, as curl and JSON want it."""
    return rf"""$(sed 's/[\\"]/\\&/g' {file})"""


_LOGIN = f"""printf 'user = "elastic:%s"\\n' "{escaped(ELASTIC.target)}\""""
"""Prints an option of curl, so that the password stands in no command line."""


def services(plan: Plan, logs: Logs) -> Iterator[Service]:
    """Filebeat, and what it needs when it has no other Elasticsearch."""
    yield _filebeat(plan, logs)
    if logs.elasticsearch.bundled:
        yield from (_certificates(plan), _elasticsearch(plan), _accounts(plan), _kibana(plan), _saved(plan))


def _shell(script: str) -> tuple[str, ...]:
    return ("bash", "-ec", literal(script))


def _with_key(name: str, file: str, then: str) -> tuple[str, ...]:
    """A command that finds a secret in its environment, read from a file when it starts."""
    return _shell(f'{name}="$(cat {file})"; export {name}; exec {then}')


def _filebeat(plan: Plan, logs: Logs) -> Service:
    image, seen = pinned("filebeat", plan.site.tags)
    ours = logs.elasticsearch.bundled
    key = f"{ELK_FOLDER}/api_key" if ours else API_KEY.target
    options = "-c /etc/filebeat/filebeat.yml --strict.perms=false"
    after: dict[str, Condition] = {"elk-accounts": "service_completed_successfully"} if ours else {}
    return Service(
        name="filebeat",
        why="Sends the workers' logs to Elasticsearch.",
        image=image,
        seen=seen,
        profiles=ELK if ours else (),
        user="1000:0",
        command=_with_key(logs.elasticsearch.api_key_env, key, f"filebeat -e {options}"),
        mounts=(
            Mount("bind", "./logs/filebeat", "/etc/filebeat"),
            log_files(logs),
            Mount("volume", "filebeat", "/usr/share/filebeat/data", read_only=False),
            *((Mount("volume", "elk", ELK_FOLDER),) if ours else ()),
        ),
        secrets=log_secrets(plan),
        networks=("logs",),
        depends=after,
        health=Health(
            ("CMD", *_with_key(logs.elasticsearch.api_key_env, key, f"filebeat test output {options}")), "60s", "30s"
        ),
        limits=Limits("0.5", "256M"),
    )


def _job(plan: Plan, name: str, why: str, script: str, after: dict[str, Condition], *needed: Secret) -> Service:
    image, seen = pinned("elasticsearch", plan.site.tags)
    return Service(
        name=name,
        why=why,
        image=image,
        seen=seen,
        profiles=ELK,
        user="0:0",
        command=_shell(script),
        mounts=(Mount("volume", "elk", _CERTS, read_only=False),),
        secrets=needed,
        networks=("logs",),
        depends=after,
        restart="no",
        tmpfs=(),
        exceptions={"health": _ONCE, "read_only": _WRITES, "user": _ROOT},
        limits=Limits("1.0", "512M", 200),
    )


def _certificates(plan: Plan) -> Service:
    script = """\
cd config/certs
if [ ! -s elasticsearch.crt ]; then
  elasticsearch-certutil ca --silent --pem --out /tmp/ca.zip
  unzip -oqj /tmp/ca.zip -d /tmp/ca
  elasticsearch-certutil cert --silent --pem --out /tmp/node.zip --name elasticsearch \\
    --dns elasticsearch,localhost --ip 127.0.0.1 --ca-cert /tmp/ca/ca.crt --ca-key /tmp/ca/ca.key
  unzip -oqj /tmp/node.zip -d /tmp/node
  cp /tmp/ca/ca.crt /tmp/node/elasticsearch.crt /tmp/node/elasticsearch.key .
fi
chmod 0750 . && chmod 0640 -- *
"""
    return _job(
        plan, "elk-certificates", "Makes the certificates, once; the authority's key is thrown away.", script, {}
    )


def _elasticsearch(plan: Plan) -> Service:
    image, seen = pinned("elasticsearch", plan.site.tags)
    alive = f"curl -s --cacert {_CERTS}/ca.crt https://localhost:9200 | grep -q 'missing authentication'"
    return Service(
        name="elasticsearch",
        why="One node for trying out; the host needs vm.max_map_count=262144.",
        image=image,
        seen=seen,
        profiles=ELK,
        user="1000:0",
        command=_with_key("ELASTIC_PASSWORD", ELASTIC.target, "/usr/local/bin/docker-entrypoint.sh eswrapper"),
        environment={
            "discovery.type": "single-node",
            "xpack.security.enabled": "true",
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.key": "certs/elasticsearch.key",
            "xpack.security.http.ssl.certificate": "certs/elasticsearch.crt",
            "xpack.security.http.ssl.certificate_authorities": "certs/ca.crt",
            "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
        },
        expose=(9200,),
        mounts=(
            Mount("volume", "elk", _CERTS),
            Mount("volume", "elasticsearch", "/usr/share/elasticsearch/data", read_only=False),
        ),
        secrets=(ELASTIC,),
        networks=("logs",),
        depends={"elk-certificates": "service_completed_successfully"},
        health=Health(("CMD-SHELL", literal(alive)), "10s", "10s", 30, "60s"),
        tmpfs=(),
        exceptions={"read_only": _WRITES},
        limits=Limits("1.0", "1536M", 2000),
    )


def _accounts(plan: Plan) -> Service:
    stream = DataStream.of(plan.spec.stack.name, plan.spec.stack.environment).name
    script = f"""\
cd config/certs
ask() {{
  curl -sf --cacert ca.crt -K <({_LOGIN}) \\
    -H 'Content-Type: application/json' -d @- "https://elasticsearch:9200/_security/$1"
}}
code() {{
  curl -s -o /dev/null -w '%{{http_code}}' --cacert ca.crt "$@" https://elasticsearch:9200/_security/_authenticate
}}
if [ "$(code -K <({_LOGIN}))" = 401 ]; then
  echo 'Elasticsearch knows another password of elastic than {ELASTIC.name} holds: it keeps that of its first start.' \
    'Bring that file back, or change the password in Elasticsearch.' >&2
  exit 1
fi
printf '{{"password": "%s"}}' "{escaped(KIBANA.target)}" | ask user/kibana_system/_password
({_LOGIN}; echo 'cacert = "/usr/share/elasticsearch/config/certs/ca.crt"') |
  sh /setup/setup.sh https://elasticsearch:9200
known() {{
  key="$(tr -d '\n' < api_key | base64 -w 0)"
  [ "$(code -K <(printf 'header = "Authorization: ApiKey %s"\n' "$key"))" = 200 ]
}}
if [ ! -s api_key ] || ! known; then
  printf '{{"name": "filebeat", "role_descriptors": {{"filebeat": {{"cluster": ["monitor"], "index": [%s]}}}}}}' \\
    '{{"names": ["{stream}"], "privileges": ["auto_configure", "create_doc"]}}' | ask api_key |
    sed -nE 's/.*"id":"([^"]+)".*"api_key":"([^"]+)".*/\\1:\\2/p' > /tmp/api_key
  [ -s /tmp/api_key ] && cp /tmp/api_key api_key
fi
chmod 0640 api_key
"""
    after: dict[str, Condition] = {"elasticsearch": "service_healthy"}
    why = f"Loads the index template, gives Kibana its password, makes the API key that may only write {stream}."
    job = _job(plan, "elk-accounts", why, script, after, ELASTIC, KIBANA)
    return replace(job, mounts=(*job.mounts, Mount("bind", "./logs/elasticsearch", "/setup")))


def _saved(plan: Plan) -> Service:
    image, seen = pinned("elasticsearch", plan.site.tags)
    return Service(
        name="elk-kibana",
        why="Imports the data view and the saved searches into Kibana.",
        image=image,
        seen=seen,
        profiles=ELK,
        user="1000:0",
        command=_shell(f"{_LOGIN} | sh /setup/setup.sh http://kibana:5601"),
        mounts=(Mount("bind", "./logs/kibana", "/setup"),),
        secrets=(ELASTIC,),
        networks=("logs",),
        depends={"kibana": "service_healthy"},
        restart="no",
        exceptions={"health": _ONCE},
        limits=Limits("0.5", "128M"),
    )


def _kibana(plan: Plan) -> Service:
    image, seen = pinned("kibana", plan.site.tags)
    start = (
        f'ELASTICSEARCH_PASSWORD="$(cat {KIBANA.target})"; '
        f'XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY="$(cat {KIBANA_KEY.target})"; '
        "export ELASTICSEARCH_PASSWORD XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY; exec /usr/local/bin/kibana-docker"
    )
    return Service(
        name="kibana",
        why=f"Shows the logs. Log in as elastic with the password in {ELASTIC.name}.",
        image=image,
        seen=seen,
        profiles=ELK,
        user="1000:0",
        command=_shell(start),
        environment={
            "SERVER_NAME": "kibana",
            "ELASTICSEARCH_HOSTS": "https://elasticsearch:9200",
            "ELASTICSEARCH_USERNAME": "kibana_system",
            "ELASTICSEARCH_SSL_CERTIFICATEAUTHORITIES": f"{ELK_FOLDER}/ca.crt",
            "TELEMETRY_ENABLED": "false",
        },
        expose=(5601,),
        ports={plan.spec.compose.ports.kibana: 5601},
        mounts=(
            Mount("volume", "elk", ELK_FOLDER),
            Mount("volume", "kibana", "/usr/share/kibana/data", read_only=False),
        ),
        secrets=(KIBANA, KIBANA_KEY),
        networks=("frontend", "logs"),
        depends={"elk-accounts": "service_completed_successfully"},
        health=Health(("CMD-SHELL", "curl -s -I http://localhost:5601 | grep -q 302"), "15s", "10s", 20, "60s"),
        tmpfs=(),
        exceptions={"read_only": _WRITES},
        limits=Limits("1.0", "1G", 300),
    )
