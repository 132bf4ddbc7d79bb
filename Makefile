# Everything a user or CI runs. `make help` lists the targets. Needs Python 3.11 or newer and make; uv is
# fetched into .tools/ where the machine has none.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/uv/bin/uv)
RUN := .venv/bin/
SEEDS ?= 0-19

.PHONY: help report test lab lint bench accuracy judge-bench fuzz conformance demo-server sample clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

report: .venv/ready  ## set up, diagnose the embedded sample, write reports/incident-report.html
	@mkdir -p reports
	@$(RUN)actions-incident report --data-dir data/sample --output reports/incident-report.html

test: .venv/ready-dev lint  ## set up, then every check and test
	$(RUN)python -m pytest -n 2 --dist loadfile -q

lab: .venv/ready  ## open the notebooks in JupyterLab
	$(RUN)jupyter lab --notebook-dir=. notebooks/00_start_here.ipynb

lint: .venv/ready-dev  ## ruff and mypy --strict
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy

bench: .venv/ready-dev  ## speed, as ratios against a peer in the same run
	$(RUN)python -m benchmarks.logs
	$(RUN)python -m benchmarks.speed

accuracy: .venv/ready-dev  ## confusion tables of the log reader on labelled real logs (needs ../shared/data)
	$(RUN)python -m benchmarks.accuracy

judge-bench: .venv/ready-dev  ## the judge on simulated histories, by family (SEEDS=0-19)
	$(RUN)python -m benchmarks.judge_bench --seeds $(SEEDS)

fuzz: .venv/ready-dev  ## ten minutes of hostile logs against the reader
	$(RUN)python -m tests.facts.fuzz --seconds 600

conformance: .venv/ready-dev  ## our requests and our fake server's answers against GitHub's OpenAPI description
	$(RUN)python -m pytest -q tests/conformance

demo-server: .venv/ready-dev  ## serve the sample as a fake GitHub on loopback
	$(RUN)python -m tests.fake_github data/sample/raw --port 8931

sample: .venv/ready  ## write data/sample again
	$(RUN)actions-incident sample --output data/sample

clean:  ## remove the environment and what was made
	rm -rf .venv .tools reports node_modules

.tools/uv/bin/uv:
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'

ifeq ($(UV),uv)
UV_READY :=
else
UV_READY := .tools/uv/bin/uv
endif

.venv/ready: uv.lock pyproject.toml | $(UV_READY)
	@$(UV) sync --frozen --no-dev --inexact --quiet
	@touch $@

.venv/ready-dev: uv.lock pyproject.toml | $(UV_READY)
	@$(UV) sync --frozen --quiet
	@touch $@ .venv/ready
