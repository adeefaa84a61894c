"""Writes JSON Schemas of objects that operators bring into the file that is named; unknown keys are refused.

They are made from the types of npm packages, whose own validators let unknown keys pass; patterns of durations and
the like come from these validators. Needs no Node.
"""

import base64
import hashlib
import io
import json
import re
import sys
import tarfile
from pathlib import Path

from npm import download, registry

PACKAGES = {
    # name, version, the group whose kinds are ours: the integrity that the registry gives
    ("@kubernetes-models/prometheus-operator", "6.0.0", "monitoring.coreos.com"): (
        "ySNW4T6U6Vn86bmcJ/emmAYJ/UrzpNvzxWexWJSALwgiO4FqCgL6WoqFsOReSiMhw/LlF+MljQvoiwD3RnaGmg=="
    ),
    ("@kubernetes-models/grafana-operator", "3.0.0", "grafana.integreatly.org"): (
        "EFfR4SPUxBRukNtFkGod2mo1h8Tz1zK+126FSP85nB1D0OtAv78i/ehuOIaE+pJRcn8XREm4NFkX0j1aCV1ELQ=="
    ),
    ("@kubernetes-models/argo-cd", "4.0.0", "argoproj.io"): (
        "xzgoF4x2iXJdbkOywP1tpZTzUzAU2dQ/LKBWHQKCupH/AQkJIgtv9J79+Vti5z4in/Kr6sUyCMBwDIF6YVWRfw=="
    ),
    ("@kubernetes-models/flux-cd", "4.0.0", "kustomize.toolkit.fluxcd.io"): (
        "/C/WIRCMUHhZLWzJk2oUW8VunCvd3FeRdU4MNxp4Skpc6Ny1SFFJWgpArhoRqWeEnSYpOd2a9a18D9tw4Gx23Q=="
    ),
    ("@kubernetes-models/external-secrets", "2.0.0", "external-secrets.io"): (
        "IpwAaO1m67oVMvhvaVrdj18nNUG5aDXFL3S0RerILGenb0MvsjiSCnjAUW1P10gRz7rIEayhFRbtvlDSFBqeEA=="
    ),
}
KINDS = ("AlertmanagerConfig", "GrafanaDashboard", "PodMonitor", "PrometheusRule", "ScrapeConfig", "ServiceMonitor")
KINDS += ("Application", "ExternalSecret", "Kustomization")
OPERATOR = re.compile(
    "ComGithub(PrometheusOperatorPrometheusOperatorPkgApisMonitoring|ArgoprojArgoCdV3PkgApisApplication"
    "|FluxcdKustomizeControllerApi|ExternalSecretsExternalSecretsApisExternalsecrets)(?=V[1-9])"
)
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
KEY = {"key": {"type": "string"}, "name": {"type": "string"}, "optional": {"type": "boolean"}}
SELECTOR = {"matchLabels": TEXTS, "matchExpressions": {"type": "array"}}
METADATA = {"name": {"type": "string"}, "namespace": {"type": "string"}, "labels": TEXTS, "annotations": TEXTS}


def closed(properties, *required):
    """An object with these keys and no others."""
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


ELSEWHERE = {
    # what the types of other packages say, as far as objects of ours go
    "ObjectMeta": closed(METADATA, "name"),
    "SecretKeySelector": closed(KEY, "key", "name"),
    "ConfigMapKeySelector": closed(KEY, "key", "name"),
    "LabelSelector": closed(SELECTOR),
    "IntOrString": {"type": ["integer", "string"]},
    "Quantity": {"type": ["integer", "string"]},
    "Time": {"type": "string"},
}
TYPE = re.compile(
    r"export (?:interface|type) I(\w+)(?: extends ([\w, ]+?))? (?:= |(?=\{))(.*?)\n?(?=\nexport|\Z)", re.DOTALL
)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|[{}<>\[\]();:?|]')


class Types:
    """The types of all files, by name, and what they mean as JSON Schema."""

    def __init__(self, files):
        self.bodies = {}
        self.patterns = {}
        for path, text in files.items():
            plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
            group = "" if "/_schemas/" in path else path.split("/")[-2]
            for name, parents, body in TYPE.findall(plain):
                self.bodies.setdefault(f"{group}/{name}", (parents, body.rstrip(";\n ")))
            if path.endswith(".js") and (found := re.search(r'RegExp\("((?:[^"\\]|\\.)*)"', text)):
                self.patterns[OPERATOR.sub("", Path(path).stem)] = json.loads(f'"{found[1]}"')
        self.definitions = {}

    def reference(self, name, group):
        """A schema for the type that a file of this group names."""
        short = re.sub("^I+(?=[A-Z])", "", name)
        for foreign, schema in ELSEWHERE.items():
            if short.endswith(foreign) and not OPERATOR.match(short):
                return schema
        if short == "TypeMeta" or short.endswith("V1JSON"):
            return {}
        if OPERATOR.match(short):
            group, short = re.fullmatch(r"(V1(?:alpha1|beta1)?)(\w+)", OPERATOR.sub("", short)).groups()
            group = group.lower()
        key = f"{group}/{short}"
        if key not in self.bodies:  # of a package that is not ours to know
            return {}
        if key not in self.definitions:
            self.definitions[key] = {}
            self.definitions[key] = self.schema(key, group)
        return {"$ref": f"#/$defs/{key.replace('/', '~1')}"}

    def schema(self, key, group):
        """The schema of a type; what it extends is in it."""
        parents, body = self.bodies[key]
        tokens = TOKEN.findall(body)
        made = self.read(tokens, group)
        pattern = self.patterns.get(f"{group.replace('v', 'V', 1)}{key.partition('/')[2]}")
        if pattern and made == {"type": "string"}:
            return {**made, "pattern": pattern}
        for parent in filter(None, (one.strip() for one in parents.split(","))):
            above = self.reference(parent, group)
            while "$ref" in above:
                above = self.definitions[above["$ref"].removeprefix("#/$defs/").replace("~1", "/")]
            if above:
                made["properties"] = {**above["properties"], **made["properties"]}
                made["required"] = sorted({*above["required"], *made["required"]})
        if key == "v1alpha1/Route":  # its children are any JSON there, so that nobody looks at them
            made["properties"]["routes"]["items"] = {"$ref": "#/$defs/v1alpha1~1Route"}
        return made

    def read(self, tokens, group):
        """Takes one type from the front of the tokens."""
        parts = [self.one(tokens, group)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            parts.append(self.one(tokens, group))
        if all(part.keys() == {"const"} for part in parts):
            return {"enum": [part["const"] for part in parts]}
        return parts[0] if len(parts) == 1 else {"anyOf": parts}

    def one(self, tokens, group):
        """The same without alternatives."""
        token = tokens.pop(0)
        if token == "{":
            return self.fields(tokens, group)
        if token == "Array":
            tokens.pop(0)
            items = self.read(tokens, group)
            tokens.pop(0)
            return {"type": "array", "items": items}
        if token.startswith('"'):
            return {"const": json.loads(token)}
        plain = {"string": "string", "boolean": "boolean", "number": "number"}
        return {"type": plain[token]} if token in plain else self.reference(token, group)

    def fields(self, tokens, group):
        """What stands between braces."""
        properties, required = {}, []
        while (token := tokens.pop(0)) != "}":
            if token == ";":
                continue
            if token == "[":  # [key: string]: T
                del tokens[:5]
                schema = {"type": "object", "additionalProperties": self.read(tokens, group)}
                del tokens[: tokens.index("}") + 1]
                return schema
            name, optional = json.loads(token), tokens[0] == "?"
            del tokens[: 2 if optional else 1]
            properties[name] = self.read(tokens, group)
            required += [] if optional else [name]
        return closed(properties, *required)


def members(name, version, group, integrity):
    """The files of a package, by path."""
    url = f"{registry()}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    data = download(url)
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != integrity:
        print(f"{url} is not what was pinned; nothing was written", file=sys.stderr)
        sys.exit(3)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {
            one.name: archive.extractfile(one).read().decode()
            for one in archive.getmembers()
            if one.isfile() and (one.name.startswith(f"package/{group}/") or "/_schemas/" in one.name)
        }


def main(file):
    """One file with a schema for each kind."""
    found = {}
    for package, integrity in PACKAGES.items():
        types = Types(members(*package, integrity))
        for key in [key for key in types.bodies if key.partition("/")[2] in KINDS]:
            group, _, kind = key.partition("/")
            one = Types.__new__(Types)
            one.bodies, one.patterns, one.definitions = types.bodies, types.patterns, {}
            schema = one.schema(key, group)
            api = schema["properties"]["apiVersion"]["enum"][0]
            found[f"{api}/{kind}"] = {**schema, "$defs": one.definitions}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
