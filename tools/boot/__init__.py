"""The parts of bootstrap.py. Standard library only, because nothing is installed when it begins."""
