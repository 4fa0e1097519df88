"""Import Linter contracts of this house (import-linter 2.16); the linter finds them through PYTHONPATH=tests/house."""

from importlinter import Contract, ContractCheck, fields, output
from importlinter.contracts.layers import LayersContract


class ForeignTables(Contract):
    """Another module's tables are read from `queries` (and joined from a few named rooms), never written."""

    root = fields.StringField()
    readers = fields.SetField(subfield=fields.StringField())

    def check(self, graph, verbose):
        bad = []
        for importer in sorted(graph.modules):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                a, b = importer.split("."), imported.split(".")
                if len(a) < 3 or len(b) < 3 or b[2] != "models" or a[1] == b[1]:
                    continue
                if a[2] not in self.readers and "tests" not in a:
                    bad.append((importer, imported))
        return ContractCheck(kept=not bad, metadata={"bad": bad})

    def render_broken_contract(self, check):
        for importer, imported in check.metadata["bad"]:
            output.print_error(f"{importer} may not import {imported}: call its actions or queries")


class Rooms(LayersContract):
    """The layers contract, for every listed module that exists: a module not built yet has no rooms to check."""

    def check(self, graph, verbose):
        self.containers = [one for one in self.containers if one.expression in graph.modules]
        if not self.containers:
            return ContractCheck(kept=True)
        return super().check(graph, verbose)
