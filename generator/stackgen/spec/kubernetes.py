"""The section `kubernetes` of stack.yaml: where the objects go, what finds them, and what of theirs they refer to."""

from typing import Annotated, Literal

from pydantic import Field

from stackgen.spec.names import like
from stackgen.spec.part import SECTION, Part

_DNS = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS_SAID = "lower-case letters, digits and -, at most 63"
_WORD = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_KEY = rf"({_DNS}(\.{_DNS}){{0,8}}/)?{_WORD}"

Namespace = Annotated[str, like("object-name", _DNS, "a namespace such as shop", _DNS_SAID)]
"""A namespace of Kubernetes."""

_OBJECT = rf"{_DNS}(\.{_DNS}){{0,3}}"
ObjectName = Annotated[str, like("object-name", _OBJECT, "the name of an object such as shop-env", _DNS_SAID)]
"""The name of an object of Kubernetes."""

_KEY_SAID = "a label's name such as release or app.kubernetes.io/name"
LabelKey = Annotated[str, like("object-label", _KEY, _KEY_SAID, "at most 63 letters, digits and _ . - after the /")]
"""The name of a label or annotation of an object."""

LabelText = Annotated[
    str, like("object-label", rf"({_WORD})?", "a label's value of at most 63 letters, digits and _ . -", "no spaces")
]
"""The value of a label of an object."""

_REQUIREMENT = rf"(!?{_KEY}|{_KEY}(=|==|!=)({_WORD})?)"
_SELECTOR_SAID = "labels such as app=celery-exporter or app=shop,tier!=web"
_SELECTOR_HINT = "key=value, key!=value, key or !key, with commas between them and no spaces"
LabelSelector = Annotated[
    str, like("label-selector", rf"{_REQUIREMENT}(,{_REQUIREMENT}){{0,9}}", _SELECTOR_SAID, _SELECTOR_HINT)
]
"""Which objects are meant, by their labels."""

_IMAGE_NAME = r"([a-z0-9.-]+(:[0-9]{1,5})?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*"
_IMAGE = rf"{_IMAGE_NAME}(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}|@sha256:[0-9a-f]{{64}})"
_IMAGE_SAID = "an image with its tag, such as registry.example.com/shop:1.2"
ImageReference = Annotated[str, like("image", _IMAGE, _IMAGE_SAID, "name and tag, or name and digest; no spaces")]
"""A container image with tag or digest."""

Routing = Literal["namespaced", "global", "secret", "none"]


class Discovery(Part):
    """Where the program runs in a cluster, instead of `targets`. Prometheus must run there, and be allowed to list."""

    role: Literal["pod", "service", "endpoints", "endpointslice"] = "pod"
    """What is found: each pod, each service, or each pod behind a service; clusters since 1.33 warn of endpoints."""
    selector: LabelSelector
    """Labels that it has there, such as app=celery-exporter or app=shop,tier!=web."""
    namespace: Namespace | None = None
    """Its namespace, by which its series are told from other stacks' too; absent means every namespace."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port of its metrics; absent means the source's own."""

    def found(self, port: str) -> str:
        """The same in one line, as if it stood under `targets`."""
        return f"kubernetes:{self.role}:{self.namespace or '*'}:{self.selector}:{self.port or port}"


class Dashboards(Part):
    """How Grafana finds the dashboards."""

    kind: Literal["sidecar", "grafana-operator"] = "sidecar"
    """sidecar: ConfigMaps that a sidecar of Grafana loads. grafana-operator: objects of kind GrafanaDashboard."""
    labels: Annotated[dict[LabelKey, LabelText], SECTION] = {"grafana_dashboard": "1"}
    """Labels that the sidecar looks for, or those of the Grafana that the operator of Grafana shall give them to."""
    folder_annotation: LabelKey = "grafana_folder"
    """Annotation in which the sidecar finds the folder; the chart's sidecar.dashboards.folderAnnotation says which."""


_ENTRY_SAID = "the name of an entry such as shop/celery"
StoreEntry = Annotated[str, like("store-entry", r"[!-~]{1,200}", _ENTRY_SAID, "no spaces, at most 200 characters")]
"""Where a store of secrets keeps something."""


class ExternalSecrets(Part):
    """Where the External Secrets Operator finds what the Secrets hold."""

    store: ObjectName
    """Its store."""
    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"
    """Kind of the store."""
    entry: StoreEntry | None = None
    """Entry that has a property for each key, such as shop/celery; absent means that it is called like the Secret."""


class Kubernetes(Part):
    """Objects for a cluster with the Prometheus Operator, such as one with kube-prometheus-stack."""

    namespace: Namespace | None = None
    """Where all objects live, and the label `namespace` of every alert; absent means the stack's name."""
    labels: Annotated[dict[LabelKey, LabelText], SECTION] = {}
    """Labels of every object, those that the operator selects by among them: {release: kube-prometheus-stack}."""
    annotations: Annotated[dict[LabelKey, str], SECTION] = {}
    """Annotations of every object, such as {argocd.argoproj.io/sync-wave: "2"}."""
    monitoring: Namespace = "monitoring"
    """Namespace that Prometheus runs in: nothing else reaches what is started."""
    secret: ObjectName = "celery-monitoring"
    """Secret that others made: the broker's address under the name of its variable or file, certificates, users."""
    alerting_secret: ObjectName | None = None
    """Secret with what receivers need, by the names of their files; absent means the same as `secret`."""
    external_secrets: ExternalSecrets | None = None
    """Makes these Secrets ExternalSecrets, of external-secrets.io; absent means that they are there."""
    images: Annotated[dict[str, ImageReference], SECTION] = {}
    """Other images, by source; `probe` needs one with Celery in it, such as that of your workers."""
    dashboards: Annotated[Dashboards, SECTION] = Dashboards.model_construct()
    """How Grafana finds the dashboards."""
    routing: Routing = "namespaced"
    """namespaced: an AlertmanagerConfig, which the operator limits to alerts of its namespace. global: one for
    alertmanagerConfiguration of an Alertmanager of your own. secret: a whole alertmanager.yaml for its configSecret.
    none: others route."""
