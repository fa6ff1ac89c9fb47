# make demo   compile and run the example
# make test   everything that CI checks
#             (or its parts: make lint, directives, filecheck, pytest)
# make tools  install the Debian programs that targets need, if they are missing and installing is allowed
#             (make test-tools: only those that make test needs)
# make bench  measure compilation and execution, with onnxruntime as the yardstick
# make proofs   check the Coq development of docs/mathematics.md
# make mutants   judge ten thousand mutants of small networks by the proofs and the reference machine
# make fuzz     give hostile inputs to the tools for two minutes: make fuzz FUZZ_SECONDS=3600
# make interruptions   interrupt the tools at random moments
# make zoo      compile modules of PyTorch; export networks from it, compile, prove and run them: make zoo ZOO_FLAGS=--quick
# make notebooks   run the notebooks of examples/notebooks
# make mlir     let upstream MLIR read what cmir prints in generic form
# make circt     let CIRCT export the control circuits, and compare simulations
# make induction   prove control circuits of larger networks by induction, with Yosys
# make coverage   print the lines that lit and pytest reach; a source file that they do not reach is an error
# make test-minimum   run lit and pytest with the oldest packages that pyproject.toml allows
# make test-python PYTHON=python3.13   run lit and pytest on another Python
# make aihwkit  compare models of crossbars with IBM's aihwkit, in an environment of its own
# make docs   build the documentation site in build/site; REPO_URL=… makes its pages link to the repository
# make dist-check   build the packages and try them out in an empty environment
#
# Needs Python >= 3.11 with pip and venv; everything else goes into .venv and build.

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= dev
INSTALL ?= python -m pip install --quiet --disable-pip-version-check
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.installed-demo
DOCS_STAMP := $(VENV)/.installed-docs
TORCH_STAMP := $(VENV)/.installed-torch
MLIR_STAMP := $(VENV)/.installed-mlir
CIRCT_STAMP := $(VENV)/.installed-circt
NOTEBOOKS_STAMP := $(VENV)/.installed-notebooks
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

LIT_FLAGS := -sv --order=lexical
ifdef CI
LIT_FLAGS += --param subprocess=1
endif

CHECK_PYTHON = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "$(PYTHON) is too old: Python 3.11 is needed (make PYTHON=...)" >&2; exit 1; }

# Debian programs that targets run: each package with the command that it provides, or alternatives.
TEST_TOOLS := chromium=chromium,chromium-browser iverilog=iverilog yosys=yosys
TOOLS := $(TEST_TOOLS) verilator=verilator coq=coqc

.PHONY: demo test lint directives filecheck pytest coverage test-minimum test-python tools test-tools bench proofs mutants fuzz interruptions zoo aihwkit notebooks mlir circt induction docs dist-check venv clean

demo: $(DEMO_STAMP)
	@echo "make demo: compiling and running examples/digits"
	@python examples/digits/demo.py

# All parts run, even if one fails.
TEST_PARTS := lint directives filecheck pytest
test: $(STAMP) test-tools
	@failed=; for part in $(TEST_PARTS); do \
		$(MAKE) --no-print-directory $$part || failed="$$failed $$part"; \
	done; \
	if [ -n "$$failed" ]; then echo "make test: failed:$$failed" >&2; exit 1; fi; \
	echo "make test: passed: $(TEST_PARTS)"

lint: $(STAMP)
	ruff check
	ruff format --check
	pyright
	lint-imports

directives: $(STAMP)
	python -m cmir.testing.check_directives tests/filecheck examples/extension/tests cmir/templates/extension/tests

filecheck: $(STAMP)
	lit $(LIT_FLAGS) tests/filecheck

# In as many processes as there are processors; in one: make pytest PYTEST_FLAGS=
PYTEST_FLAGS ?= -n logical --dist worksteal
pytest: $(STAMP)
	pytest -q $(PYTEST_FLAGS)

# Needs root, for Debian's package manager. Tests that need a missing program are skipped, and say so.
tools:
	@sh tests/install_tools.sh $(TOOLS)

test-tools: TOOLS := $(TEST_TOOLS)
test-tools: tools

# Of lit and pytest, except for tests that take minutes; about half an hour. Fails if no test reaches a source file.
coverage: export COVERAGE_RCFILE := $(CURDIR)/pyproject.toml
coverage: $(STAMP)
	coverage erase
	coverage run "$$(command -v lit)" -sv --order=lexical tests/filecheck
	coverage run -m pytest -q -m 'not slow'
	coverage combine -q
	coverage json -q
	coverage report
	python tests/unreached.py build/coverage.json

# uv resolves dependencies to their lower bounds, which pip cannot.
test-minimum:
	rm -rf build/minimum
	$(MAKE) --no-print-directory venv VENV=build/minimum EXTRAS=dev,dask \
		INSTALL='python -m pip install --quiet uv && VIRTUAL_ENV=build/minimum uv pip install --quiet --resolution lowest-direct'
	build/minimum/bin/python tests/lower_bounds.py
	$(MAKE) --no-print-directory test VENV=build/minimum TEST_PARTS='filecheck pytest'

test-python:
	version=$$($(PYTHON) -c 'import platform; print(platform.python_version())') && \
		$(MAKE) --no-print-directory test VENV=build/python-$$version TEST_PARTS='filecheck pytest'

# Takes about a quarter of an hour, or less than a minute with make bench BENCH_FLAGS=--quick
bench: $(STAMP)
	python benchmarks/speed.py $(BENCH_FLAGS)

proofs:
	@command -v coqc >/dev/null && command -v coq_makefile >/dev/null \
		|| { echo "there is no coqc: install Coq (make tools)" >&2; exit 1; }
	@sh proofs/check.sh build/proofs

# Takes about ten minutes and writes the mutants that a proof gets wrong to build/mutants: make mutants MUTANTS_FLAGS="--seed 1"
mutants: $(STAMP)
	python tests/proof/mutation_campaign.py $(MUTANTS_FLAGS)

# Takes what it is given and writes the inputs that go wrong to build/hostile: make fuzz FUZZ_FLAGS="--kind names --case 17"
FUZZ_SECONDS ?= 120
fuzz: $(STAMP)
	PYTHONPATH=$(CURDIR)/tests OPENBLAS_NUM_THREADS=1 python -m hostile.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_FLAGS)

# Takes about a quarter of an hour; fewer moments for each tool: make interruptions INTERRUPTIONS_FLAGS="--count 10"
interruptions: $(STAMP)
	python tests/hostile/interruptions.py $(INTERRUPTIONS_FLAGS)

# Takes an hour, mostly of PyTorch's exporters in the first run. To install a PyTorch without CUDA where the index has one:
# make zoo TORCH=torch==2.13.0+cpu
TORCH ?= torch
zoo: $(TORCH_STAMP)
	pytest -q --show-capture=no tests/exports/test_modules.py
	PYTHONPATH=$(CURDIR)/tests python -m exports.zoo_table $(ZOO_FLAGS)

# Takes five minutes. The stored figures are those of this version; another one: make aihwkit AIHWKIT=aihwkit==1.2.0
AIHWKIT ?= aihwkit==1.1.0
aihwkit:
	$(MAKE) --no-print-directory venv VENV=build/aihwkit
	build/aihwkit/bin/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' '$(AIHWKIT)' -e .
	PATH=$(CURDIR)/build/aihwkit/bin:$$PATH pytest -q tests/crossbars/aihwkit_checks.py

# With another program than that of heir-py: make mlir MLIR_FLAGS="--mlir-opt /usr/bin/mlir-opt-19"
mlir: $(MLIR_STAMP)
	python tests/upstream/mlir.py $(MLIR_FLAGS)

circt: $(CIRCT_STAMP)
	pytest -q tests/rtl/test_circt.py

# Takes some minutes.
induction: $(STAMP)
	@command -v yosys >/dev/null || { echo "there is no yosys: install Yosys (make tools)" >&2; exit 1; }
	pytest -q $(PYTEST_FLAGS) tests/rtl/test_induction.py tests/rtl/induction_checks.py

notebooks: $(NOTEBOOKS_STAMP)
	pytest -q --nbmake --nbmake-timeout=600 examples/notebooks

docs: $(DOCS_STAMP)
	@echo "make docs: executing the examples of all pages, then rendering them into build/site (some minutes)"
	mkdocs build

dist-check: $(DOCS_STAMP)
	rm -rf build/dist build/dist-venv
	python -m build --outdir build/dist
	for package in build/dist/*; do sh tests/dist_check.sh "$$package" || exit 1; done

venv: $(STAMP)

$(DOCS_STAMP): $(STAMP)
	@echo "make: installing what builds the documentation into $(VENV)"
	$(INSTALL) -e '.[docs]'
	touch $@

$(MLIR_STAMP): $(STAMP)
	$(INSTALL) -e '.[mlir]'
	touch $@

$(CIRCT_STAMP): $(STAMP)
	$(INSTALL) -e '.[circt]'
	touch $@

$(NOTEBOOKS_STAMP): $(STAMP)
	$(INSTALL) -e '.[notebooks]'
	touch $@

# One command, so that pip chooses a torchvision that suits TORCH.
$(TORCH_STAMP): $(STAMP)
	$(INSTALL) '$(TORCH)' -e '.[torch]'
	touch $@

# What cmir runs on, without the tools of developers.
$(DEMO_STAMP): pyproject.toml
	$(CHECK_PYTHON)
	@echo "make: installing cmir and the packages that it runs on into $(VENV)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) -e .
	@touch $@

$(STAMP): pyproject.toml
	$(CHECK_PYTHON)
	@echo "make: installing cmir and everything that development needs into $(VENV) (about a minute)"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[$(EXTRAS)]'
	touch $@ $(DEMO_STAMP)

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis
