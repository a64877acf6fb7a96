# stepbatch: every target sets up what it needs from a fresh clone with Python 3.13 and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
VENV_MADE := $(VENV)/.made
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready
BENCH_READY := $(VENV)/.bench-ready
BLENDER := containers/renderer/.venv
CHECKOV := .venv-checkov
BLENDER_READY := $(BLENDER)/.ready
# uv if it is there, else the copy that the virtual environment gets.
UV = $(shell command -v uv || echo $(BIN)/uv)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
# Docker if its daemon answers.
ENGINE = $(shell docker info >/dev/null 2>&1 && echo docker || echo podman)
CODE := functions layers containers docs localcloud stepbatch tests benchmarks examples

.PHONY: checkov pictures help run tools render renderer test test-containers check bench format images lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(VENV_MADE): .python-version
	@if command -v uv >/dev/null; then uv venv --quiet --clear --python $$(cat .python-version) $(VENV); \
	 else $(PYTHON) -m venv --clear $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; fi
	@touch $@

$(RUN_READY): $(VENV_MADE) requirements.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_READY): $(RUN_READY) requirements-dev.txt
	$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

$(BENCH_READY): $(DEV_READY) requirements-bench.txt
	$(INSTALL) --require-hashes -r requirements-bench.txt
	@touch $@

$(BLENDER_READY): $(VENV_MADE) containers/renderer/requirements.txt containers/renderer/apt-packages.txt
	@echo "Blender as a Python module is a download of about 400 MB; it goes into $(BLENDER)"
	$(UV) venv --quiet --clear --python $(BIN)/python $(BLENDER)
	$(UV) pip install --quiet --python $(BLENDER)/bin/python --require-hashes -r containers/renderer/requirements.txt
	@$(BLENDER)/bin/python -c 'import bpy' 2>/dev/null || $(MAKE) --no-print-directory blender-libraries
	@touch $@

.PHONY: blender-libraries
blender-libraries:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends $$(cat containers/renderer/apt-packages.txt); \
	else echo "Blender needs system libraries: apt-get install $$(cat containers/renderer/apt-packages.txt | tr '\n' ' ')"; fi

run: $(RUN_READY) ## price the sample book on this machine
	$(BIN)/stepbatch run montecarlo --portfolio examples/montecarlo/sample_book.json --market examples/montecarlo/sample_market.json --out out/montecarlo

tools: $(DEV_READY) ## install the AWS CLI, the SAM CLI and what the tests need into .venv

render: $(RUN_READY) $(BLENDER_READY) ## render an example animation on this machine (downloads Blender, 400 MB)
	mkdir -p out
	$(BLENDER)/bin/python examples/rendering/make_scene.py out/scene.blend
	$(BIN)/stepbatch run rendering --blend out/scene.blend --out out/rendering

renderer: $(BLENDER_READY) ## install what the renderer needs (downloads Blender, 400 MB)

test: check $(BLENDER_READY) ## run every check and test
	$(BIN)/python -m pytest

check: $(DEV_READY) ## lint, format, types, template
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

bench: $(BENCH_READY) ## measure the local Batch, the object store, staging and pricing; prints ratios of one run
	$(BIN)/python benchmarks/batch_overhead.py
	$(BIN)/python benchmarks/objects_throughput.py
	$(BIN)/python benchmarks/book_scale.py
	for study in speed efficiency calibration scaling honesty; do \
	  PYTHONPATH=.:containers/pricer $(BIN)/python benchmarks/pricer_$$study.py || exit 1; done

checkov: $(VENV_MADE) ## checkov on the templates, from an environment of its own (270 MB)
	test -x $(CHECKOV)/bin/checkov || { $(UV) venv --quiet --python $(BIN)/python $(CHECKOV) && $(UV) pip install --quiet --python $(CHECKOV)/bin/python checkov==3.3.30; }
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml

pictures: $(RUN_READY) ## draw the state machines anew, into docs/statemachines
	$(BIN)/python docs/draw_state_machines.py

format: $(DEV_READY) ## rewrite the code in the house's format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

images: image-pricer image-worker image-renderer ## build the containers' images, with Docker or else Podman

# One image: make image-pricer [IMAGE=name:tag] [BASE_IMAGE=name:tag] [ENGINE=podman]
image-%:
	rm -rf out/context/$* && mkdir -p out/context/$*
	tar -c --exclude=.venv --exclude=__pycache__ -C containers/$* . -C $(CURDIR)/layers/fanout fanout | tar -x -C out/context/$*
	$(ENGINE) build --platform linux/amd64 --tag "$(or $(IMAGE),stepbatch/$*:latest)" \
	  $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) out/context/$*
	rm -rf out/context/$*

test-containers: $(DEV_READY) container-tools ## build the images, run them as arrays, and every function by sam local invoke
	$(BIN)/python -m pytest tests/containers

.PHONY: container-tools
container-tools:
	@if docker info >/dev/null 2>&1 || command -v podman >/dev/null; then true; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends podman runc debootstrap; \
	else echo "the container tests need Docker, or Podman: apt-get install podman runc"; exit 1; fi

lock: $(RUN_READY) ## resolve the pinned requirements anew
	cat requirements.in requirements-dev.in requirements-bench.in > $(VENV)/all.in
	$(UV) pip compile --quiet --upgrade --python $(BIN)/python --no-header --no-annotate $(VENV)/all.in -o $(VENV)/all.txt
	for set in requirements requirements-dev requirements-bench; do $(UV) pip compile --quiet --python $(BIN)/python --no-header --no-annotate \
	  --generate-hashes -c $(VENV)/all.txt $$set.in -o $$set.txt; done

clean: ## remove what the targets made
	rm -rf $(VENV) $(BLENDER) $(CHECKOV) .aws-sam .stepbatch out .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
