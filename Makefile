# Geophone: every target that has a `##` text is listed by `make help`.
.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports unit interpreted bench study fuzz captures kafka soak docs lock \
        clean dist deploy-check image-root sbom

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export GEOPHONE_CAPTURES ?= ../shared/captures

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Geophone needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 2; }

$(VENV)/.runtime: $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing Geophone into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# The tools that check deploy/, and the schema of Compose files, which dclint carries.
COMPOSE_SCHEMA        := dclint-3.1.0
COMPOSE_SCHEMA_SHA256 := 73fc6079a0408c80c7ccea9e9e5c21c40551afaf15e8c1ee25a5ad6af1ec0414
$(VENV)-deploy/.done: $(BIN)/python requirements-deploy.lock
	@echo "Installing what checks deploy/ into $(VENV)-deploy ..." >&2
	@$(PYTHON) -m venv $(VENV)-deploy
	@$(VENV)-deploy/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-deploy.lock
	@if command -v npm >/dev/null; then cd $(VENV)-deploy && \
		npm pack --silent $(subst -,@,$(COMPOSE_SCHEMA)) >/dev/null && \
		echo "$(COMPOSE_SCHEMA_SHA256)  $(COMPOSE_SCHEMA).tgz" | sha256sum --check --quiet && \
		tar --extract --gzip --strip-components=2 --file $(COMPOSE_SCHEMA).tgz \
			package/schemas/compose.schema.json; \
	else echo "No npm: Compose files aren't compared with their schema." >&2; fi
	@touch $@

demo: $(VENV)/.runtime  ## find a real tunnel in the capture that is shipped
	@$(BIN)/geophone replay tests/data/iodine-null.pcap
	@echo
	@echo "Try next:  $(BIN)/geophone replay YOUR.pcap        your own capture (pcap, pcapng, .gz, .zst)"
	@echo "           $(BIN)/geophone replay --json YOUR.pcap the same for a program"
	@echo "           $(BIN)/geophone replay --help           everything it can do"

test: lint types imports unit interpreted  ## lint, types, import contracts, all tests

lint: $(VENV)/.dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.dev  ## import-linter: who may import whom
	$(BIN)/lint-imports

unit: $(VENV)/.dev $(VENV)-deploy/.done  ## all tests, kernels compiled
	$(BIN)/pytest

interpreted: $(VENV)/.dev  ## the kernels' tests again, kernels as plain Python
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest -m kernels --numprocesses auto

deploy-check: $(VENV)/.dev $(VENV)-deploy/.done  ## the tests of deploy/ alone
	$(BIN)/pytest tests/deploy

image-root: build/image-root/.done  ## what the image has in /opt/geophone, into build/image-root (as root)

build/image-root/.done: $(BIN)/python requirements.lock pyproject.toml deploy/docker/install.sh
	@rm -rf build/image-root
	@mkdir -p build/image-root
	deploy/docker/install.sh $(CURDIR)/build/image-root/geophone $(PYTHON)
	@touch $@

sbom: $(VENV)/.dev build/image-root/.done  ## what the image is made of, as CycloneDX: build/geophone.cdx.json
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --of JSON \
		--output-reproducible --output-file build/geophone.cdx.json build/image-root/geophone/bin/python

bench: $(VENV)/.dev  ## measure the speed of the stages and of the services; prints tables (a quarter of an hour)
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.live
	$(BIN)/python -m tests.bench.services

study: $(VENV)/.dev  ## what the rules find and mistake; prints the tables of docs/detection.md
	$(BIN)/python -m tests.study

# Guided by the coverage of the kernels, too; then a tenth as long as people run them, from there.
fuzz: SECONDS ?= 600
fuzz: $(VENV)/.dev  ## fuzz each target for SECONDS (600); what it finds is kept in build/fuzz
	@for target in capture_files merged_captures dns_messages log_batches ip_fragments tcp_segments; do \
		echo "Fuzzing $$target for $(SECONDS) s ..." >&2; \
		NUMBA_DISABLE_JIT=1 $(BIN)/python -m tests.fuzz.run $$target \
			-max_total_time=$(SECONDS) -verbosity=0 && \
		$(BIN)/python -m tests.fuzz.run $$target \
			-max_total_time=$$(( $(SECONDS) / 10 + 1 )) -verbosity=0 || exit 1; \
	done

# Of a failure, GEOPHONE_SOAK_SEED=N GEOPHONE_SOAK_ROUNDS=1 makes the same round again.
soak: export GEOPHONE_SOAK_ROUNDS  ?= 20
soak: export GEOPHONE_SOAK_SEED    ?= 1
soak: export GEOPHONE_SOAK_SECONDS ?= 3600
soak: export GEOPHONE_SOAK_RATE    ?= 5000
soak: $(VENV)/.dev  ## every fault, twenty rounds on each log, and hours of load; prints the slopes
	$(BIN)/pytest tests/faults -rP

captures: $(BIN)/python  ## fetch the public capture that the parity tests want
	@$(BIN)/python tests/support/fetch_captures.py

kafka: $(VENV)/.dev  ## start a real Kafka broker to play with, until Ctrl-C (java and mvn)
	@$(BIN)/python -m tests.support.kafka

docs: $(VENV)/.dev  ## write what comes from the code and the rules: pages, openapi.json, PrometheusRule
	$(BIN)/python -m tests.support.generated_docs

lock: $(VENV)/.dev  ## bring the exact locks up to date
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group pyproject.toml:build pyproject.toml -o requirements.lock --upgrade
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group dev pyproject.toml -o requirements-dev.lock --upgrade
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group pyproject.toml:deploy -o requirements-deploy.lock --upgrade

dist: $(VENV)/.dev  ## build the source distribution and the wheel
	$(BIN)/python -m hatchling build

clean:  ## remove what was built
	rm -rf $(VENV) $(VENV)-deploy build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
