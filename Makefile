# make demo   compile and run the example
# make test   everything that CI checks
# make lint   style and types only
#
# Needs Python >= 3.11 with pip and venv; everything else goes into .venv.

PYTHON ?= python3
STAMP := .venv/.installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)

LIT_FLAGS := -sv --order=lexical
ifdef CI
LIT_FLAGS += --param subprocess=1
endif

.PHONY: demo test lint venv clean

demo: $(STAMP)
	python examples/digits/demo.py

test: lint
	python -m cmir.testing.check_directives tests/filecheck
	lit $(LIT_FLAGS) tests/filecheck
	pytest -q

lint: $(STAMP)
	ruff check
	ruff format --check
	pyright

venv: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old: Python 3.11 is needed (make PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis
