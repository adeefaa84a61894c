#!/usr/bin/env bash
# Brings Elasticsearch's distribution for integration tests from Maven Central: fetch.sh .tools/elasticsearch/NAME.zip
set -euo pipefail
version=9.1.0
sum=be5c5440bb6344cee4070f8f77a6c3cd72363db494944047cdd93748c4e19111

command -v mvn >/dev/null || {
  echo 'make elasticsearch needs Maven, and Java 21 or newer; on Debian: apt-get install maven openjdk-21-jre-headless' >&2
  exit 3
}
folder=$(dirname "$1")
mkdir -p "$folder"
echo "Elasticsearch $version from Maven Central into $folder" >&2
mvn --quiet --batch-mode -Dmaven.repo.local="$PWD/.tools/maven" \
  org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$PWD/$folder" \
  -Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip >&2
echo "$sum  $1" | sha256sum --check --quiet
