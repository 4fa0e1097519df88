# Thin aliases; everything is in bootstrap.py.
PYTHON ?= python3

.PHONY: run test setup bundle

run test setup bundle:
	@exec $(PYTHON) bootstrap.py $@
