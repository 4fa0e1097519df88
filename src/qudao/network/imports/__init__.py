"""The network from files: organisations in their tree, and where goods for them go."""

from qudao.network.imports.addresses import Addresses
from qudao.network.imports.organisations import Organisations

__all__ = ["KINDS", "Organisations"]

KINDS = (Organisations, Addresses)
