#!/usr/bin/env bash
# build.sh FOLDER: etcd, kube-apiserver, prometheus-operator and helm of Go modules, by name and version, into FOLDER.
# Some eight minutes on two cores the first time; what is there already is kept.
set -euo pipefail
kube=1.37.2 operator=0.93.1 etcd=3.7.3 helm=4.3.1

command -v go >/dev/null && go version | grep -qE 'go1\.(2[6-9]|[3-9][0-9])' || {
  echo 'make kubernetes needs Go 1.26 or newer (go.dev/dl, or golang-go of Debian where it is as new)' >&2
  exit 3
}
mkdir -p "$1/source"
folder=$(cd "$1" && pwd)
export GOFLAGS='-mod=mod -p=2' CGO_ENABLED=0

module() { # NAME MODULE VERSION: goes into an empty module that requires one other
  mkdir -p "$folder/source/$1"
  cd "$folder/source/$1"
  printf 'module local/%s\n\ngo 1.26.0\n\nrequire %s v%s\n' "$1" "$2" "$3" >go.mod
}

program() { # NAME PACKAGE [LDFLAGS]
  echo "$1 from Go modules into $folder" >&2
  nice go build -ldflags "-s -w ${3:-}" -o "$folder/$1" "$2"
}

if [ ! -x "$folder/prometheus-operator" ]; then
  module operator github.com/prometheus-operator/prometheus-operator $operator
  program prometheus-operator github.com/prometheus-operator/prometheus-operator/cmd/operator \
    "-X github.com/prometheus/common/version.Version=$operator"
fi
if [ ! -x "$folder/helm" ]; then
  module helm helm.sh/helm/v4 $helm
  program helm helm.sh/helm/v4/cmd/helm
fi
if [ ! -x "$folder/etcd" ]; then
  module etcd go.etcd.io/etcd/server/v3 $etcd
  cat >main.go <<'GO'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
GO
  program etcd .
fi
if [ ! -x "$folder/kube-apiserver" ]; then
  module kube k8s.io/kubernetes $kube
  printf '\ngodebug default=go1.26\n\n' >>go.mod
  # Its own replacements name folders that the module does not hold; the same code is published as v0.
  grep -oE 'k8s\.io/[a-z0-9.-]+ => \./staging/src/' "$(go mod download -json k8s.io/kubernetes@v$kube |
    sed -nE 's/^\t"GoMod": "(.*)",?$/\1/p')" | cut -d' ' -f1 | sort -u |
    sed -E "s,.*,replace & => & v0.${kube#1.}," >>go.mod
  major="-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${kube:2:2}"
  program kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver \
    "-X k8s.io/component-base/version.gitVersion=v$kube $major"
fi
