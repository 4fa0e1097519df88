"""Rules about the code as text and syntax: sizes, time, output, imports inside functions, guarded tables, tests that test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from house_tree import Check, Source, Tree, dotted, functions

MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 400, 70, 5

#: (path, function) → why this signature is longer; the two are the toolkit's words that every module calls with keywords
LONG_SIGNATURES = {
    ("src/qudao/base/audit.py", "record"): "fixed in the brief of the toolkit; everything after the subject is an optional keyword",
    ("src/qudao/base/notify.py", "notify"): "fixed in the brief of the toolkit; everything after the subject is an optional keyword",
    ("src/qudao/web/bench/floor.py", "client_process"): "the floor is never changed together with the engine it judges",
}

#: (path, function) → why an import stands inside a function; anything else is a storey climbed in secret
LOCAL_IMPORTS = {
    ("src/qudao/*/apps.py", "*"): "Django: what uses models can be imported only when all applications are loaded",
    ("src/qudao/base/db.py", "visible"): "the guarded manager and the policies need each other; this is the one knot",
    ("src/qudao/web/cli.py", "*"): "a command line that only prints help or a fault must not load Django",
    ("src/qudao/web/commands/*.py", "*"): "each command loads what it needs, after Django is set up",
    ("src/qudao/web/bench/*.py", "*"): "a bench starts its own server and processes before Django is set up in them",
    ("src/qudao/web/demo/*.py", "*"): "loaded by a command that also runs without the demo",
    ("src/qudao/web/selftest.py", "*"): "runs in a child process that sets Django up on a copy of the database",
    ("src/qudao/web/postgres.py", "_prepare"): "pwd exists on POSIX only",
    ("tools/boot/*.py", "*"): "the first stage runs on a bare Python; what the second stage needs is installed by then",
}


def too_long_files(tree: Tree) -> Iterator[str]:
    for source in [*tree.code(tests=True), *tree.files("src/*.html", "tests/*.py")]:
        lines = source.text.count("\n")
        if lines > MAX_FILE and source.room != "migrations":  # Django writes those
            yield f"{source.path}: {lines} lines; make it a package with one file per verb or noun"


def too_long_functions(tree: Tree) -> Iterator[str]:
    for source in [*tree.code(tests=True), *tree.files("tests/*.py")]:
        for function in functions(source):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > MAX_FUNCTION:
                yield source.at(function, f"{function.name} has {lines} lines")


def too_many_parameters(tree: Tree) -> Iterator[str]:
    for source in tree.code():
        for function in functions(source):
            given = function.args
            free = {"self", "cls"} | {a.arg for a in given.kwonlyargs if a.arg in ("actor", "client_id")}
            names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in free]
            if len(names) > MAX_PARAMETERS and (source.path, function.name) not in LONG_SIGNATURES:
                yield source.at(function, f"{function.name} takes {len(names)} parameters: make a dataclass")


MARKERS = re.compile(r"(?<!')\b(" + "TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!')")  # in quotes it is ISO 4217's "no currency"


def left_markers(tree: Tree) -> Iterator[str]:
    for source in tree.files("src/*", "tools/*", "tests/*.py", "bootstrap.py"):
        if source.path.endswith((".py", ".html", ".md", ".txt", ".js", ".css")):
            for number, line in enumerate(source.text.splitlines(), 1):
                if MARKERS.search(line):
                    yield source.at(number, "a marker of unfinished work")


PROVES = re.compile(r"^(assert|check|expect|fail|raises|warns|prove|refuses|verify)|_(raises|refused|fails)$|^_?(must|says|sees|refused|broken)")


def empty_tests(tree: Tree) -> Iterator[str]:
    """A test proves something by assert, by raises/warns, by a function named as a check, or through a function of its file that asserts."""
    for source in tree.files("src/*.py", "tests/*.py"):
        if not source.parts[-1].startswith("test_"):
            continue
        helpers = {f.name for f in functions(source) if not f.name.startswith("test_") and _proves(f, set())}
        for function in functions(source):
            if function.name.startswith("test_") and not _proves(function, helpers):
                yield source.at(function, f"{function.name} asserts nothing")


def _proves(function: ast.AST, helpers: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in helpers or PROVES.search(name) or name in ("django_assert_num_queries", "django_assert_max_num_queries"):
                return True
    return False


CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
    *("datetime.datetime.today", "time.time", "time.time_ns", "timezone.now", "timezone.localdate", "timezone.localtime", "django.utils.timezone.now"),
    *("time.localtime", "time.gmtime", "time.strftime"),
}
SQL_CLOCK = re.compile(r"\b(now\(\)|current_date|current_timestamp|clock_timestamp\(\)|localtimestamp)", re.IGNORECASE)
#: where the machine's own time is right: the clock itself, measurements, the server outside Django, set-up
OWN_TIME = ("src/qudao/kernel/clock.py", "src/qudao/web/bench/*", "src/qudao/web/postgres.py", "tools/*", "bootstrap.py")


def other_clocks(tree: Tree) -> Iterator[str]:
    for source in tree.code():
        if any(fnmatchcase(source.path, pattern) for pattern in OWN_TIME):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and dotted(node.func) in CLOCKS:
                yield source.at(node, f"{dotted(node.func)}(): time comes from qudao.kernel.clock only")
            if isinstance(node, ast.ImportFrom) and node.module == "time" and any(a.name in ("time", "time_ns") for a in node.names):
                yield source.at(node, "time.time: time comes from qudao.kernel.clock only")
            if source.module == "web" or source.room in ("invariants", "migrations"):
                continue  # heartbeats of other programs, planted rows and column defaults live in the database's time
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and SQL_CLOCK.search(node.value)
                and re.search("INSERT|UPDATE|SELECT", node.value)
            ):
                yield source.at(node, "the database's clock in SQL: pass qudao.kernel.clock.now() as a parameter")


MAY_PRINT = ("src/qudao/web/commands/*", "src/qudao/web/cli.py", "src/qudao/web/progress.py", "src/qudao/web/bench/*", "tools/*", "bootstrap.py")


def stray_output(tree: Tree) -> Iterator[str]:
    for source in tree.code(tests=True):
        if any(fnmatchcase(source.path, pattern) for pattern in MAY_PRINT):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                name = dotted(node.func)
                if name in ("print", "pprint", "breakpoint", "pprint.pprint", "sys.stdout.write", "sys.stderr.write"):
                    yield source.at(node, f"{name}() outside the commands; use logging, or return the text")


def local_imports(tree: Tree) -> Iterator[str]:
    told = set()
    for source, function, node in _local_imports(tree):
        if (source.path, function.name) in told:
            continue  # one finding for each function
        told.add((source.path, function.name))
        if not any(fnmatchcase(source.path, path) and fnmatchcase(function.name, name) for path, name in LOCAL_IMPORTS):
            yield source.at(node, f"an import inside {function.name}: a storey climbed in secret")


def stale_exceptions(tree: Tree) -> Iterator[str]:
    """An exception that nothing needs any more goes."""
    used = list(_local_imports(tree))
    for path, name in LOCAL_IMPORTS:
        if not any(fnmatchcase(s.path, path) and fnmatchcase(f.name, name) for s, f, _node in used):
            yield f"{path}: {name} has no import inside a function any more; take it off LOCAL_IMPORTS"
    for path, name in LONG_SIGNATURES:
        if not any(f.name == name for s in tree.files(path) for f in functions(s)):
            yield f"{path}: {name} is gone; take it off LONG_SIGNATURES"


def _local_imports(tree: Tree) -> Iterator[tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef, ast.AST]]:
    for source in tree.code():
        for function in functions(source):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield source, function, node


def impure(tree: Tree) -> Iterator[str]:
    """rules.py and events.py decide and say without Django, so that they are tested without a database."""
    for source in tree.files("src/qudao/*.py"):
        if source.room not in ("rules", "events") or source.is_test:
            continue
        for node in ast.walk(source.tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] in ("django", "psycopg", "ninja", "procrastinate"):
                    yield source.at(node, f"{source.room}.py imports {name}")


UNSCOPED_ROOMS = {"queries", "actions", "invariants", "jobs", "reactions", "imports", "migrations", "tests", "policies", "make"}


def unguarded(tree: Tree) -> Iterator[str]:
    """`.objects` only as `.objects.visible(`, and nobody goes around it by the default manager."""
    for source in tree.files("src/*.py"):
        if source.is_test:
            continue
        fine = {
            id(n.func.value) for n in ast.walk(source.tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "visible"
        }  # fmt: skip
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Attribute):
                continue
            if node.attr == "objects" and id(node) not in fine:
                yield source.at(node, ".objects without .visible(actor)")
            if node.attr in ("_default_manager", "_base_manager") and source.module != "base":
                yield source.at(node, f".{node.attr} goes around the guard")


def unscoped(tree: Tree) -> Iterator[str]:
    """`.unscoped` (and SQL by hand) only in the rooms that work under lock or set-wise; in queries only where the name or the actor says so."""
    for source in tree.files("src/*.py"):
        if not source.module or source.module in ("base", "kernel") or source.is_test or source.room == "migrations":
            continue
        for node, inside in _with_functions(source.tree, ()):
            by_hand = isinstance(node, ast.ImportFrom) and node.module == "qudao.base.db" and any(a.name in ("rows", "run") for a in node.names)
            if by_hand and source.module != "web" and source.room not in UNSCOPED_ROOMS:
                yield source.at(node, f"SQL by hand in {source.room}: move it to queries")
            if not (isinstance(node, ast.Attribute) and node.attr == "unscoped"):
                continue
            if source.room not in UNSCOPED_ROOMS:
                yield source.at(node, f".unscoped in {source.room}: ask queries, or .objects.visible(actor)")
            elif source.room == "queries" and not any(_says_unscoped(f) for f in inside):
                yield source.at(node, ".unscoped in a public query that neither takes an actor nor is named unscoped_")


def _says_unscoped(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    given = function.args
    names = {a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    return "actor" in names or function.name.startswith(("unscoped_", "_"))


def _with_functions(node: ast.AST, inside: tuple) -> Iterator[tuple[ast.AST, tuple]]:
    for child in ast.iter_child_nodes(node):
        deeper = (*inside, child) if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else inside
        yield child, deeper
        yield from _with_functions(child, deeper)


def twin_schemas(tree: Tree) -> Iterator[str]:
    """OpenAPI names a schema by its class: of two with one name, clients are told the wrong one."""
    known: dict[str, str] = {}
    for source in tree.files("src/qudao/*/api.py", "src/qudao/*/api/*.py"):
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and any(getattr(b, "id", "") == "Schema" for b in node.bases):
                shape = ast.dump(ast.Module([n for n in node.body if isinstance(n, ast.AnnAssign)], []))
                if known.setdefault(node.name, shape) != shape:
                    yield source.at(node, f"{node.name} is also a schema of another module, with other fields: give it a name of its own")


_TEST = "src/qudao/a/tests/test_a.py"
_LONG = "def f():\n" + "    x = 1\n" * 70

CHECKS = [
    Check("A file has at most 400 lines", too_long_files, {"src/qudao/a/actions.py": "x = 1\n" * 401}, {"src/qudao/a/rules.py": "x = 1\n" * 400}),
    Check("A function has at most 70 lines", too_long_functions, {"tools/a.py": _LONG}, {"src/qudao/a/rules.py": _LONG.replace("x = 1\n", "x\n", 1)[:-10]}),
    Check(
        "At most five parameters, then a dataclass", too_many_parameters,
        {"src/qudao/a/rules.py": "def f(a, b, c, d, *, e, f): ...\n", "src/qudao/a/queries.py": "def f(a, b, c, d, e, actor): ...\n"},
        {"src/qudao/a/actions.py": "def f(a, b, c, d, e, *, actor, client_id=None): ...\n"},
    ),
    Check("Nothing is left unfinished in silence", left_markers, {"src/qudao/a/rules.py": "# TO" + "DO later\n", "src/qudao/a/templates/a.html": "FIX" + "ME"}),
    Check(
        "Every test proves something", empty_tests, {_TEST: "def test_a():\n    f()\n"},
        {
            "src/qudao/b/tests/test_b.py": "def holds(x):\n    assert x\ndef test_b():\n    holds(1)\ndef test_c():\n    with pytest.raises(E):\n        f()\n",
            "src/qudao/b/tests/make.py": "def make():\n    pass\n",
        },
    ),
    Check(
        "Time comes from kernel.clock", other_clocks,
        {
            "src/qudao/a/rules.py": "from datetime import date\nx = date.today()\n",
            "src/qudao/a/actions.py": "import time\nx = time.time()\n",
            "src/qudao/a/queries.py": "q = 'SELECT 1 WHERE at < now()'\n",
        },
        {"src/qudao/kernel/clock.py": "x = datetime.now(UTC)\n", "src/qudao/b/rules.py": "import time\nx = time.monotonic()\ny = clock.today()\n"},
    ),
    Check("Only commands print", stray_output, {"src/qudao/a/rules.py": "print(1)\n"}, {"src/qudao/web/commands/demo.py": "print(1)\n"}),
    Check(
        "Imports stand at the top", local_imports, {"src/qudao/a/rules.py": "def f():\n    import json\n"},
        {"src/qudao/web/cli.py": "def f():\n    import django\n", "src/qudao/b/rules.py": "if TYPE_CHECKING:\n    import json\n"},
    ),
    Check(
        "A schema's name is one in the whole API", twin_schemas, {"src/qudao/b/api.py": "class LineIn(Schema):\n    qty: int\n"},
        {"src/qudao/a/api.py": "class LineIn(Schema):\n    no: int\n", "src/qudao/c/api.py": "class LineIn(Schema):\n    'the same'\n    no: int\n"},
    ),
    Check("No exception outlives its reason", stale_exceptions, {"src/qudao/base/db.py": "def visible(): ...\n", "src/qudao/base/audit.py": ""}),
    Check(
        "Rules and events know no Django", impure,
        {"src/qudao/a/rules.py": "from django.db import models\n", "src/qudao/a/events.py": "import django\n"}, {"src/qudao/a/states.py": "import django\n"},
    ),
    Check(
        "Tables answer for an actor", unguarded,
        {"src/qudao/a/queries.py": "x = A.objects.filter(b=1)\n", "src/qudao/a/pages.py": "x = A._default_manager.all()\n"},
        {"src/qudao/a/api.py": "x = A.objects.visible(actor)\n"},
    ),
    Check(
        "Unscoped work stays in its rooms", unscoped,
        {
            "src/qudao/a/pages.py": "x = A.unscoped.all()\n",
            "src/qudao/a/queries.py": "def cards(ids):\n    return A.unscoped.all()\n",
            "src/qudao/a/api.py": "from qudao.base.db import rows\n",
        },
        {
            "src/qudao/a/actions/place.py": "x = A.unscoped.all()\n",
            "src/qudao/b/queries.py": "def unscoped_cards(ids):\n    return A.unscoped.all()\ndef mine(*, actor):\n    return A.unscoped.all()\n",
        },
    ),
]  # fmt: skip
