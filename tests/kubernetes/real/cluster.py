"""A Kubernetes API server and prometheus-operator on loopback. No nodes: no pod runs, all else is real."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import re
import secrets
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.live.processes import LOOPBACK, Programs, answers, free_ports

Object = Mapping[str, Any]
PATIENCE = 300.0
"""Seconds that anything may take on a busy machine."""


class Refused(Exception):
    """The API server does not take an object, or warns of it."""


@dataclass(frozen=True)
class Cluster:
    """What answers for the cluster."""

    address: str
    certificate: Path
    token: str
    programs: Programs

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def ask(self, path: str, body: bytes | None = None, method: str = "GET") -> Any:
        """The answer's data; raises Refused with the server's own words."""
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(f"{self.address}{path}", data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, context=self._trust, timeout=PATIENCE) as answer:
                if warning := answer.headers.get("Warning"):
                    raise Refused(warning)
                return json.load(answer)
        except urllib.error.HTTPError as e:
            raise Refused(e.read().decode(errors="replace")) from e

    def apply(self, one: Object) -> None:
        """Applies it server-side under strict validation, as `kubectl apply --server-side --validate=strict`."""
        version, metadata = one["apiVersion"], one["metadata"]
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        kinds = {each["kind"]: each for each in self.ask(root)["resources"] if "/" not in each["name"]}
        kind = kinds[one["kind"]]
        space = f"/namespaces/{metadata['namespace']}" if kind["namespaced"] else ""
        path = f"{root}{space}/{kind['name']}/{metadata['name']}"
        self.ask(f"{path}?fieldManager=tests&fieldValidation=Strict", json.dumps(one).encode(), "PATCH")

    def packed(self, namespace: str, secret: str, key: str) -> Any:
        """What the operator wrote: the data of a packed YAML file in a Secret, or None while it is not there."""
        try:
            data = self.ask(f"/api/v1/namespaces/{namespace}/secrets/{secret}")["data"]
        except Refused:
            return None
        return yaml.safe_load(gzip.decompress(base64.b64decode(data[key])))

    def rule_groups(self, namespace: str, prometheus: str) -> list[Object]:
        """Every group of rules that this Prometheus would load."""
        maps = self.ask(f"/api/v1/namespaces/{namespace}/configmaps")["items"]
        ours = [one for one in maps if one["metadata"]["name"].startswith(f"prometheus-{prometheus}-rulefiles")]
        texts = [text for one in ours for text in one.get("data", {}).values()]
        return [group for text in texts for group in yaml.safe_load(text)["groups"]]


@contextlib.contextmanager
def running(folder: Path, programs: Path) -> Iterator[Cluster]:
    """A cluster whose state is in `folder`, of the programs that build.sh made; it ends with this block."""
    started = Programs(folder)
    api, etcd, peers, operator = free_ports(4)
    token, certificate = secrets.token_hex(16), folder / "apiserver.crt"
    cluster = Cluster(f"https://{LOOPBACK}:{api}", certificate, token, started)
    try:
        started.start("etcd", [str(programs / "etcd"), *_etcd(folder, etcd, peers)])
        started.wait("etcd", lambda: answers(f"http://{LOOPBACK}:{etcd}/health"), PATIENCE)
        started.start("kube-apiserver", [str(programs / "kube-apiserver"), *_api(folder, token, api, etcd)])
        started.wait("the API server", lambda: certificate.is_file() and _is_ready(cluster), PATIENCE)
        _define(cluster, programs / "prometheus-operator")
        config = _kubeconfig(cluster, folder / "kubeconfig")
        command = [str(programs / "prometheus-operator"), f"-web.listen-address={LOOPBACK}:{operator}"]
        started.start("operator", command, {"KUBECONFIG": str(config)})
        started.wait("the operator", lambda: answers(f"http://{LOOPBACK}:{operator}/healthz"), PATIENCE)
        yield cluster
    finally:
        started.kill_all()


def _etcd(folder: Path, port: int, peers: int) -> list[str]:
    ours, others = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{peers}"
    return [
        *("--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--log-level=warn"),
        *("--listen-client-urls", ours, "--advertise-client-urls", ours),
        *("--listen-peer-urls", others, "--initial-advertise-peer-urls", others),
        *("--initial-cluster", f"default={others}"),
    ]


def _api(folder: Path, token: str, port: int, etcd: int) -> list[str]:
    """Options under which it makes its own certificate and knows one user, who may do everything."""
    key, tokens = folder / "accounts.key", folder / "tokens.csv"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    tokens.touch(mode=0o600)
    tokens.write_text(f'{token},tests,1,"system:masters"\n', encoding="utf-8")
    return [
        *(f"--etcd-servers=http://{LOOPBACK}:{etcd}", f"--secure-port={port}", f"--cert-dir={folder}"),
        *(f"--bind-address={LOOPBACK}", f"--advertise-address={LOOPBACK}", "--endpoint-reconciler-type=none"),
        *("--anonymous-auth=false", f"--token-auth-file={tokens}", "--authorization-mode=RBAC"),
        *("--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}"),
        *(f"--service-account-signing-key-file={key}", "--service-cluster-ip-range=10.96.0.0/24"),
        "--disable-admission-plugins=ServiceAccount",
    ]


def _is_ready(cluster: Cluster) -> bool:
    request = urllib.request.Request(f"{cluster.address}/readyz", headers={"Authorization": f"Bearer {cluster.token}"})
    trust = ssl.create_default_context(cafile=str(cluster.certificate))
    try:
        with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _define(cluster: Cluster, operator: Path) -> None:
    """The operator's own kinds. PyYAML cannot read their text, for a bare equals sign is in it; the server can."""
    done = subprocess.run([operator, "full-crds"], check=True, capture_output=True, text=True)
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    names = []
    for text in re.split(r"^---\n", done.stdout, flags=re.MULTILINE):
        if found := re.search(r"^  name: (\S+)$", text, re.MULTILINE):
            names.append(found[1])
            cluster.ask(f"{root}/{found[1]}?fieldManager=tests", text.encode(), "PATCH")

    def is_known(name: str) -> bool:
        conditions = cluster.ask(f"{root}/{name}").get("status", {}).get("conditions", ())
        return any((one["type"], one["status"]) == ("Established", "True") for one in conditions)

    cluster.programs.wait("definitions", lambda: all(map(is_known, names)), PATIENCE)


def _kubeconfig(cluster: Cluster, path: Path) -> Path:
    at = {"server": cluster.address, "certificate-authority": str(cluster.certificate)}
    data = {
        **{"apiVersion": "v1", "kind": "Config", "current-context": "tests"},
        "clusters": [{"name": "tests", "cluster": at}],
        "users": [{"name": "tests", "user": {"token": cluster.token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path
