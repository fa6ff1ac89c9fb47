# make demo   compile and run the example
# make test   everything that CI checks
#             (or its parts: make lint, directives, filecheck, pytest)
# make tools  install Debian's programs that targets need, where they are missing and this may be done
#             (make browser: only Chromium, which is all that make test needs)
# make bench  how long everything takes, with onnxruntime as the yardstick
# make proofs   check the Coq development of docs/mathematics.md
# make mutants   ten thousand mutants of small networks, judged by the proofs and the reference machine
# make docs   the documentation site, in build/site
# make dist-check   build the packages, and try them out in an empty environment
#
# Needs Python >= 3.11 with pip and venv; everything else goes into .venv.

PYTHON ?= python3
STAMP := .venv/.installed
DOCS_STAMP := .venv/.installed-docs
export PATH := $(CURDIR)/.venv/bin:$(PATH)

LIT_FLAGS := -sv --order=lexical
ifdef CI
LIT_FLAGS += --param subprocess=1
endif

# Programs of Debian that targets run beside pip's packages: each package with the command that it brings, or others for it.
TOOLS := chromium=chromium,chromium-browser coq=coqc

.PHONY: demo test lint directives filecheck pytest tools browser bench proofs mutants docs dist-check venv clean

demo: $(STAMP)
	python examples/digits/demo.py

# All parts run, whatever fails before.
TEST_PARTS := lint directives filecheck pytest
test: $(STAMP) browser
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
	python -m cmir.testing.check_directives tests/filecheck examples/extension/tests

filecheck: $(STAMP)
	lit $(LIT_FLAGS) tests/filecheck

pytest: $(STAMP)
	pytest -q

# By Debian's package manager, which only root may use. Tests that need what is missing are skipped, and say so.
tools:
	@sh tests/install_tools.sh $(TOOLS)

browser: TOOLS := chromium=chromium,chromium-browser
browser: tools

# All of it takes about a quarter of an hour: make bench BENCH_FLAGS=--quick
bench: $(STAMP)
	python benchmarks/speed.py $(BENCH_FLAGS)

proofs:
	@command -v coqc >/dev/null && command -v coq_makefile >/dev/null \
		|| { echo "there is no coqc: install Coq (make tools)" >&2; exit 1; }
	@sh proofs/check.sh build/proofs

# About ten minutes; what a proof gets wrong is in build/mutants: make mutants MUTANTS_FLAGS="--seed 1"
mutants: $(STAMP)
	python tests/proof/mutation_campaign.py $(MUTANTS_FLAGS)

docs: $(DOCS_STAMP)
	mkdocs build

dist-check: $(DOCS_STAMP)
	rm -rf build/dist build/dist-venv
	python -m build --outdir build/dist
	for package in build/dist/*; do sh tests/dist_check.sh "$$package" || exit 1; done

venv: $(STAMP)

$(DOCS_STAMP): $(STAMP)
	python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old: Python 3.11 is needed (make PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis
