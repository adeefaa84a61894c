# make            installs into .venv and generates output/ from stack.yaml
# make test       everything a pull request must pass
# make help       the rest
# All that is downloaded or cached stands in .venv/ and .tools/; nothing is installed on the machine.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/run.stamp
TEST := $(VENV)/test.stamp
CHECKED := $(VENV)/checked.stamp
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
TOOLS := $(foreach v,v2 v3,$(foreach t,promtool amtool,.tools/$(v)/usr/bin/$(t)))
TOOLS += .tools/compose/usr/bin/docker-compose .tools/redis/usr/bin/redis-server .tools/logql/lezer-logql.cjs
TOOLS += .tools/kubernetes/schemas.json .tools/kustomize/usr/bin/kustomize
ELASTICSEARCH := .tools/elasticsearch/elasticsearch-9.1.0.zip

# The same versions for what builds our package as for what runs it; old pip reads the first, new pip the second.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

.DEFAULT_GOAL := all
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: all install generate check secrets requirements test test-fast live live-tools tools golden mutation fuzz fresh containers elasticsearch kubernetes victoriametrics app-attack matrix bench fmt lint lock clean help

all: install generate  ## install, then generate (what plain `make` does)

install: $(RUN)  ## the generator and what it needs, into .venv

generate: $(RUN)  ## write output/ from stack.yaml
	@$(PY) -m stackgen generate

check: $(CHECKED)  ## fail when output/ is stale, edited by hand or refused by promtool
	@$(PY) -m stackgen check --fast

# Everything that the whole check judges or judges with; what is as old as this only needs the fast one.
$(CHECKED): $(RUN) stack.yaml $(wildcard output/MANIFEST.json) $(shell find generator templates -type f -not -name '*.pyc')
	@tests/tools/fetch.sh default
	@$(PY) -m stackgen check
	@touch $@

secrets: $(RUN)  ## write missing secret files for docker compose into output/.secrets, with random values
	@$(PY) -m stackgen secrets

requirements:  # what README's Requirements name, told all at once
	@PYTHON=$(PYTHON) tests/tools/requirements.sh

test: requirements lint tools live-tools  ## everything: lint, types, output/ is current, all tests
	@$(PY) -m stackgen check
	@$(PY) -m pytest --numprocesses=2 --dist=loadfile

test-fast: $(TEST)  ## unit, law and golden tests, in seconds
	@$(PY) -m pytest -m 'not slow and not promtool'

live: $(TEST) live-tools  ## a real Celery system, broken on purpose; every alert is waited for
	@$(PY) -m tests.live
	@$(PY) -m tests.live --two
	@$(PY) -m tests.copies.live
	@$(PY) -m tests.counting.chaos

live-tools:  ## the programs of `make live`, unpacked into .tools; says what it fetches
	@PYTHON=$(PYTHON) tests/live/install.sh

tools: $(TOOLS)  ## the real programs that the tests run, unpacked into .tools

golden: $(TEST) tools  ## rewrite the golden trees, then run the tests; read the diff line by line
	@$(PY) -m pytest tests/golden --update-golden
	@$(PY) -m pytest --numprocesses=2 --dist=loadfile

mutation: $(TEST) tools  ## break rules, routes and dashboards one by one and count what is noticed
	@$(PY) -m tests.mutation

fuzz: $(TEST) tools  ## 3,000 stacks with hostile texts through every program, each beside a harmless twin
	@$(PY) -m tests.hostile $(FUZZ)

fresh:  ## both commands of the README on minimal Debian machines made anew; needs root and debootstrap
	@tests/fresh/run.sh

app-attack: $(TEST) tools  ## take a busy worker's log away, fill its disk, besiege its endpoint: no task may notice
	@$(PY) -m tests.app.attack_logs
	@$(PY) -m tests.app.attack_endpoint

matrix: $(TEST) .tools/redis/usr/bin/redis-server  ## celery_monitoring.py under every Python and Celery there is here
	@$(PY) -m tests.matrix $(CELLS)

containers: $(TEST) tools  ## docker-compose.yml on a real engine, broken on purpose; needs root, docker.io, debootstrap
	@tests/containers/run.sh

elasticsearch: $(TEST) $(ELASTICSEARCH)  ## lines and saved searches in a real Elasticsearch; needs Maven and Java 21 or newer
	@$(PY) -m pytest tests/elasticsearch/real.py

kubernetes: $(TEST) tools  ## objects in a real API server, under the real operator; needs Go 1.26 and ten minutes once
	@tests/kubernetes/real/build.sh .tools/kubernetes/real
	@$(PY) -m pytest tests/kubernetes/real/real.py

victoriametrics: $(TEST) tools live-tools  ## what promtool is asked, asked of VictoriaMetrics; then both over one live system
	@tests/tools/fetch.sh victoria-metrics
	@$(PY) -m tests.rulers.agreement
	@$(PY) -m tests.rulers.live

bench: $(RUN) tools  ## measure against the budgets of DESIGN.md
	@$(PY) -m bench.run

fmt: $(TEST)  ## format the Python code, fix what can be fixed
	@$(PY) -m ruff check --fix-only --quiet
	@$(PY) -m ruff format

lint: $(TEST)  ## ruff, mypy, yamllint
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m mypy --no-error-summary
	@$(PY) -m yamllint --strict stack.yaml output .yamllint.yaml .pre-commit-config.yaml .pre-commit-hooks.yaml

lock:  ## find the newest versions anew and write constraints.txt
	@$(PYTHON) tests/tools/lock.py

clean:  ## remove .venv, .tools and caches; output/ stays
	@rm -rf $(VENV) .tools
	@find generator bench tests -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Python 3.11 or newer is needed: install it, or name it: make PYTHON=python3.12' >&2; exit 3; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'This Python cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 3; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml constraints.txt | $(PY)
	@$(PIP) --editable .
	@touch $@

$(TEST): $(RUN)
	@$(PIP) --editable '.[test]'
	@touch $@

.tools/compose/usr/bin/docker-compose .tools/redis/usr/bin/redis-server .tools/kustomize/usr/bin/kustomize:
	@tests/tools/fetch.sh $(word 2,$(subst /, ,$@))

.tools/logql/lezer-logql.cjs: | $(TEST)
	@echo "LogQL's grammar from npm into $(@D)" >&2
	@$(PY) tests/tools/npm.py $(@D)

.tools/kubernetes/schemas.json: tests/tools/kubernetes_schemas.py | $(TEST)
	@echo "schemas of the operator's and Grafana's objects from npm into $(@D)" >&2
	@$(PY) $< $@

$(ELASTICSEARCH):
	@tests/elasticsearch/fetch.sh $@

.tools/%/usr/bin/promtool .tools/%/usr/bin/amtool:
	@tests/tools/fetch.sh $*
