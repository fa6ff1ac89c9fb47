# make demo   compile and run the example
# make test   everything that CI checks
# make lint   style and types only
# make browser   install Chromium, for the tests of pages, where it is missing and this may be done
# make bench  how long everything takes, with onnxruntime as the yardstick
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

.PHONY: demo test lint browser bench mutants docs dist-check venv clean

demo: $(STAMP)
	python examples/digits/demo.py

test: lint browser
	python -m cmir.testing.check_directives tests/filecheck examples/extension/tests
	lit $(LIT_FLAGS) tests/filecheck
	pytest -q

lint: $(STAMP)
	ruff check
	ruff format --check
	pyright

# Debian's, by its package manager, which only root may use. Without it, tests of pages are skipped.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get -q update && DEBIAN_FRONTEND=noninteractive \
			apt-get -qy install --no-install-recommends chromium \
			|| echo "Chromium cannot be installed: tests of pages are skipped"; \
	else echo "there is no Chromium: tests of pages are skipped"; fi

# All of it takes about a quarter of an hour: make bench BENCH_FLAGS=--quick
bench: $(STAMP)
	python benchmarks/speed.py $(BENCH_FLAGS)

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
