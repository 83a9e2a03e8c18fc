PYTHON ?= .venv/bin/python

.PHONY: run test lint bench

bench:
	$(PYTHON) benchmarks/load_speed.py

run:
	$(PYTHON) -m experiments.run hard_cvae

test:
	$(PYTHON) -m pytest

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	PYTHONPATH=. $(dir $(PYTHON))lint-imports
