# Two commands do everything: `make demo` and `make test`. See README.md.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# One line for every tenth package instead of hundreds.
PROGRESS := /^ *(Collecting|Processing) / && ++n % 10 == 0 { print "  " n " packages found…"; fflush() } \
  /^Installing collected/ { print "  installing " n " packages…"; fflush() } /^ERROR/ { print }
export RENZHENG_HOME ?= $(CURDIR)/.renzheng
export OMP_NUM_THREADS ?= 1
# Tests side by side, a file at a time and in their order: on two cores four processes, of 1.6 GB each and with a
# service of their own, for a good part of the time they wait for the disk. (xdist 3.8 forms no groups of tests with pytest 9.2.)
WORKERS ?= 4
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

FUZZED := tests/biometrics/test_images.py tests/biometrics/test_png.py tests/biometrics/test_jpeg.py \
  tests/biometrics/test_wsq.py tests/biometrics/face/test_template.py tests/biometrics/finger/test_template.py tests/biometrics/finger/test_matcher.py tests/api/cards \
  tests/api/http/test_bad_input.py tests/api/verification/test_decision.py \
  tests/biometrics/interchange tests/biometrics/face/interchange tests/biometrics/finger/interchange/test_pictures.py \
  tests/api/biosdk/test_app.py

.PHONY: help demo serve check test test-long models browser audit clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/installed: pyproject.toml
	@echo "Making the environment in .venv (about two minutes, once)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --editable '.[dev]' \
	  2> >(grep -v '^WARNING: Location' >&2) | awk '$(PROGRESS)'
	@touch $@

models: .venv/installed ## get the model packs
	@$(BIN)/renzheng models pull

demo: models ## the main job: cards, captures, decisions (DATA=DIR: real photographs and prints)
	@$(BIN)/renzheng demo $(if $(DATA),--data '$(DATA)')

serve: models ## run the service; documentation at http://127.0.0.1:8470/docs
	@$(BIN)/renzheng serve

check: .venv/installed ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: models check ## the suite, with lint and types
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m 'not long' $(TESTS)

# Debian's: playwright would fetch a browser of its own from elsewhere. Without it these tests are skipped, and say so.
browser:
	@if ! { command -v chromium && fc-list :lang=zh family | grep .; } > /dev/null 2>&1; then \
	  echo "Installing Chromium and fonts for Chinese with apt-get, for the tests of the pages…"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fontconfig > /dev/null || \
	    echo "They could not be installed (that needs root): the tests of the pages will be skipped."; fi

test-long: models browser ## what is slower: fault runs, fuzzing with new examples, the pages in a browser
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m 'not long' --hypothesis-profile=new $(FUZZED)
	@$(BIN)/pytest -m long $(TESTS)

# Its data are at the registry (or, with -s osv, at osv.dev): where neither is reached that is said, and is no pass.
audit: .venv/installed ## compare what is installed with the vulnerabilities that are known (needs the network)
	@mkdir -p out && rm -f out/audit.json
	@$(BIN)/pip-audit --local --skip-editable --progress-spinner off --format json --output out/audit.json \
	  $(AUDIT) 2> out/audit.log || true
	@if test -s out/audit.json; then $(BIN)/python -c 'import json, sys; \
	  found = [(one["name"], one["version"], bug["id"]) for one in json.load(open("out/audit.json"))["dependencies"] \
	  for bug in one.get("vulns", ())]; print(*found, sep="\n") if found else print("No known vulnerability."); \
	  sys.exit(bool(found))'; else tail -n 1 out/audit.log; \
	  echo "The data of known vulnerabilities could not be reached: nothing was compared."; exit 3; fi

clean: ## remove the environment and everything made by tests; RENZHENG_HOME stays
	@rm -rf .venv build api/client/build api/client/*.egg-info api/terminal/build api/terminal/*.egg-info out .pytest_cache .mypy_cache .ruff_cache *.egg-info
