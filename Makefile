PYTHON ?= .venv/bin/python

.PHONY: run test slow lint docs bench

bench: # needs torch; conv_speed.py and conv_vae.py need a song file
	$(PYTHON) benchmarks/load_speed.py
	$(PYTHON) benchmarks/train_speed.py
	$(PYTHON) benchmarks/roofline.py

run:
	$(PYTHON) -m experiments.run hard_vade

test:
	$(PYTHON) -m pytest

slow:
	$(PYTHON) -m pytest -m slow

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	PYTHONPATH=. $(dir $(PYTHON))lint-imports
	$(PYTHON) -m mypy

docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet --site-dir site
