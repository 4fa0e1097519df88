"""Rules about words and templates: every sentence is translated, placeholders agree, templates obey the strict content security policy.

The sentences are read as Django will look them up: constants of translation calls from the syntax tree, and what the template engine itself
parsed out of `{% trans %}` and `{% blocktrans %}`. Neither needs gettext's tools, so the check can nowhere be skipped.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import polib
from django.template import Engine, TemplateSyntaxError
from django.template.base import Node
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from house_tree import Check, Source, Tree, dotted

LANGUAGE = "zh_Hans"
PLAIN = {"gettext", "gettext_lazy", "gettext_noop", "_"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
BOTH = {"npgettext", "npgettext_lazy"}


@dataclass(frozen=True)
class Sentence:
    """A text to translate and where it stands. `context` "" when it has none."""

    text: str
    context: str
    place: str
    plural: str = ""


def sentences_of(tree: Tree) -> Iterator[Sentence | str]:
    """Every sentence of the product; a text (str) instead is a finding: something that can never be translated."""
    for source in tree.code():
        yield from _of_code(source)
    engine = Engine(
        dirs=[str(d) for d in sorted(tree.root.glob("src/qudao/*/templates"))], libraries=_libraries(tree),
        builtins=["django.templatetags.i18n", "django.templatetags.static"],
    )  # fmt: skip
    for source in tree.files("src/qudao/*/templates/*.html", "src/qudao/*/templates/*.txt"):
        yield from _of_template(source, engine)


def _libraries(tree: Tree) -> dict[str, str]:
    ours = {p.stem: ".".join(p.relative_to(tree.root / "src").with_suffix("").parts) for p in tree.root.glob("src/qudao/*/templatetags/*.py")}
    django = {"i18n": "django.templatetags.i18n", "static": "django.templatetags.static", "l10n": "django.templatetags.l10n", "tz": "django.templatetags.tz"}
    return django | {name: path for name, path in ours.items() if name != "__init__"}


def _of_code(source: Source) -> Iterator[Sentence | str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func).rsplit(".", 1)[-1]
        count = 1 if name in PLAIN else 2 if name in PLURAL | CONTEXT else 3 if name in BOTH else 0
        if not count or len(node.args) < count:
            continue
        texts = [a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else None for a in node.args[:count]]
        if name == "_" and texts[0] is None and not source.text.count("import gettext"):
            continue  # some other `_`
        if None in texts:
            yield source.at(node, f"{name}() of something that is not a constant text: it can never be translated")
            continue
        words = [t or "" for t in texts]
        context = words.pop(0) if name in CONTEXT | BOTH else ""
        if words[0]:
            yield Sentence(words[0], context, f"{source.path}:{node.lineno}", words[1] if len(words) > 1 else "")


def _of_template(source: Source, engine: Engine) -> Iterator[Sentence | str]:
    try:
        parsed = engine.from_string(source.text)
    except TemplateSyntaxError as error:
        yield f"{source.path}: {error}"
        return
    for node in parsed.nodelist.get_nodes_by_type(Node):
        place = f"{source.path}:{node.token.lineno if node.token else 0}"
        if isinstance(node, TranslateNode):
            text = node.filter_expression.var
            literal = getattr(text, "literal", text)
            context = node.message_context.var if node.message_context else ""
            if isinstance(literal, str) and (isinstance(text, str) or text.lookups is None):
                yield Sentence(literal, getattr(context, "literal", context) or "", place)
        elif isinstance(node, BlockTranslateNode):
            one, _names = node.render_token_list(node.singular)
            many = node.render_token_list(node.plural)[0] if node.plural else ""
            if node.trimmed:
                one, many = (re.sub(r"\s*\n\s*", " ", t.strip()) for t in (one, many))
            yield Sentence(one, "", place, many)
    for match in re.finditer(r"""_\((["'])(.+?)\1\)""", source.text):
        yield Sentence(match[2], "", f"{source.path}:{source.text.count(chr(10), 0, match.start()) + 1}")


def catalogue(tree: Tree) -> dict[tuple[str, str], polib.POEntry]:
    """(context, msgid) → entry of every Chinese catalogue under locale/ and src/; an entry that lacks a translation never hides one that has."""
    found: dict[tuple[str, str], polib.POEntry] = {}
    for path in sorted([*tree.root.glob(f"locale/{LANGUAGE}/LC_MESSAGES/django.po"), *tree.root.glob(f"src/qudao/**/locale/{LANGUAGE}/LC_MESSAGES/django.po")]):
        for entry in polib.pofile(str(path)):
            if not entry.obsolete:
                key = (entry.msgctxt or "", entry.msgid)
                if key not in found or not _translated(found[key]):
                    found[key] = entry
    return found


def _translated(entry: polib.POEntry) -> bool:
    return bool(all(entry.msgstr_plural.values()) if entry.msgid_plural else entry.msgstr) and "fuzzy" not in entry.flags


def untranslated(tree: Tree) -> Iterator[str]:
    known = catalogue(tree)
    for one in sentences_of(tree):
        if isinstance(one, str):
            yield one
            continue
        entry = known.get((one.context, one.text))
        if entry is None:
            yield f"{one.place}: “{one.text}” is in no {LANGUAGE} catalogue"
        elif not _translated(entry):
            yield f"{one.place}: “{one.text}” is {'fuzzy' if 'fuzzy' in entry.flags else 'empty'} in the {LANGUAGE} catalogue"
        elif one.plural and not entry.msgid_plural:
            yield f"{one.place}: “{one.text}” has a plural, its {LANGUAGE} entry has none"


def placeholders(text: str) -> set[str]:
    """The names and positions that a text leaves open: {name}, {}, %(name)s, %s."""
    try:
        braces = {field for _text, field, _spec, _conversion in string.Formatter().parse(text) if field is not None}
    except ValueError:
        braces = {"a lone brace"}
    return braces | set(re.findall(r"%\(\w+\)[sd]|(?<!%)%[sd]", text))


def unequal_placeholders(tree: Tree) -> Iterator[str]:
    for path in sorted([*tree.root.glob("locale/*/LC_MESSAGES/django.po"), *tree.root.glob("src/qudao/**/locale/*/LC_MESSAGES/django.po")]):
        for entry in polib.pofile(str(path)):
            if entry.obsolete or not _translated(entry):
                continue
            given = placeholders(entry.msgid) | placeholders(entry.msgid_plural or "")
            for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
                if placeholders(text) != given and not (entry.msgid_plural and placeholders(text) <= given):
                    yield f"{path.relative_to(tree.root)}:{entry.linenum}: “{entry.msgid}” has {sorted(given)}, “{text}” has {sorted(placeholders(text))}"


def glued(tree: Tree) -> Iterator[str]:
    """A message is a full sentence with named parameters: no f-string, no concatenation, no bare {} or %."""
    for one in sentences_of(tree):
        if isinstance(one, Sentence) and one.place.split(":")[0].endswith(".py"):
            loose = [p for p in placeholders(one.text) if p == "" or p.isdigit() or p.startswith("%") or p == "a lone brace"]
            if loose:
                yield f"{one.place}: “{one.text}” has parameters without a name ({loose}); write {{name}}"


UNSAFE = {
    re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE): "an inline style=",
    re.compile(r"<style\b", re.IGNORECASE): "a <style> element",
    re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE): "a <script> without src",
    # of a tag, so not a comparison in Python; and an event, so not the `one=` and `only` of a template's tag
    re.compile(r"<[a-z][^<>]*\son[a-z]{3,}\s*=", re.IGNORECASE): "an on…= handler",
    re.compile(r"\bhx-on[:=]", re.IGNORECASE): "an hx-on handler (needs eval)",
    re.compile(r"""["']\s*(javascript|js):""", re.IGNORECASE): "script in an attribute",
    re.compile(r"""(src|href)=["']https?://(?!www\.w3\.org)""", re.IGNORECASE): "a resource of another host",
}


def unsafe_markup(tree: Tree) -> Iterator[str]:
    """What the strict content security policy would block; in templates, and in HTML written in Python."""
    for source in [*tree.files("src/*.html", "src/*.svg"), *(s for s in tree.code() if s.path.startswith("src/"))]:
        text = re.sub(r"\{[{%#].*?[}%#]\}", lambda m: re.sub(r"[<>]", " ", m[0]), source.text, flags=re.DOTALL)
        for pattern, what in UNSAFE.items():
            if source.path.endswith(".py") and what == "a resource of another host":
                continue
            for match in pattern.finditer(text):
                yield source.at(text.count("\n", 0, match.start()) + 1, f"{what}: the content security policy blocks it")


#: templates that Django or a library looks up by name
LOOKED_UP = re.compile(r"^(40[0-9]|500|account/|mfa/|usersessions/|allauth/|axes/|django/|registration/)")


def unused_templates(tree: Tree) -> Iterator[str]:
    """Every template is named somewhere: by a view, a mail, another template, or by the library that looks it up."""
    files = list(tree.files("src/qudao/*/templates/*"))
    named = set()
    for source in [*tree.code(), *files]:
        named |= set(re.findall(r"""["']([\w./{}-]+\.(?:html|txt|svg|typ))["']""", source.text))
    patterns = [re.sub(r"\{.*?\}", "*", name) for name in named]  # f"people/mail/{name}.txt" names what it may become
    for source in files:
        name = source.path.split("/templates/", 1)[1]
        if not LOOKED_UP.match(name) and not any(fnmatchcase(name, pattern) for pattern in patterns if pattern.strip("*.")):
            yield f"{source.path}: no view, mail or template names it"


_PO = f"locale/{LANGUAGE}/LC_MESSAGES/django.po"
_HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'

CHECKS = [
    Check(
        "Every sentence is translated into Chinese", untranslated,
        {
            "src/qudao/a/states.py": 'from django.utils.translation import gettext_lazy as _\nx = _("Never seen.")\n',
            "src/qudao/b/states.py": 'from django.utils.translation import pgettext\nx = pgettext("other context", "Fine.")\n',
            "src/qudao/c/states.py": 'from django.utils.translation import gettext as _\nx = _("Unsure.")\n',
            "src/qudao/d/states.py": 'from django.utils.translation import gettext as _\nx = _(f"Glued {x}.")\n',
            "src/qudao/a/templates/a.html": "{% load i18n %}{% if x %}{% trans 'Not there' %}{% endif %}",
            "src/qudao/b/templates/b.html": "{% load i18n %}{% blocktrans with n=x %}{{ n }} pieces{% endblocktrans %}",
            "src/qudao/c/templates/c.html": "{{ x|default:_('Nothing') }}",
            "src/qudao/d/templates/d.html": "{% nonsense %}",
        },
        {
            _PO: _HEAD + 'msgid "Fine."\nmsgstr "好。"\n\n#, fuzzy\nmsgid "Unsure."\nmsgstr "不定"\n\nmsgid "%(n)s boxes"\nmsgstr "%(n)s 箱"\n',
            "src/qudao/e/states.py": 'from django.utils.translation import gettext_lazy as _\nx = _("Fine.")\nfor _, y in z: ...\n',
            "src/qudao/e/templates/e.html": "{% load i18n %}{% trans 'Fine.' %}{% blocktrans with n=x trimmed %}\n {{ n }} boxes\n{% endblocktrans %}",
        },
    ),
    Check(
        "A translation leaves the same places open", unequal_placeholders,
        {_PO: _HEAD + 'msgid "{n} pieces of {what}"\nmsgstr "{n} 件"\n'},
        {"locale/en/LC_MESSAGES/django.po": _HEAD + 'msgid "{n} pieces"\nmsgstr "{n} pcs"\n'},
    ),
    Check(
        "Parameters of sentences have names", glued,
        {
            "src/qudao/a/states.py": 'from django.utils.translation import gettext_lazy as _\nx = _("{} pieces")\n',
            "src/qudao/b/states.py": 'from django.utils.translation import gettext_lazy as _\nx = _("%s pieces")\n',
        },
        {"src/qudao/c/states.py": 'from django.utils.translation import gettext_lazy as _\nx = _("{n} pieces, 5 % off")\n'},
    ),
    Check(
        "Markup obeys the content security policy", unsafe_markup,
        {
            "src/qudao/a/templates/a.html": '<p style="color: red">', "src/qudao/a/templates/b.html": "<script>x</script>",
            "src/qudao/a/templates/c.html": '<a onclick="x()">', "src/qudao/a/templates/d.html": '<a\n  href="javascript:x()">',
            "src/qudao/a/templates/e.html": "<style>p {}</style>", "src/qudao/a/templates/f.html": '<div hx-on::after-request="x">',
            "src/qudao/a/templates/g.html": '<img src="https://cdn.example.com/x.png">', "src/qudao/a/pages.py": "x = '<b style=\"x\">'\n",
        },
        {"src/qudao/a/templates/ok.html": '<script src="{% static "app.js" %}" type="module"></script>{% if a > b %} one="1"{% endif %}<a data-on="1">'},
    ),
    Check(
        "Every template is named somewhere", unused_templates,
        {"src/qudao/a/templates/a/forgotten.html": "x"},
        {
            "src/qudao/a/pages.py": "x = 'a/list.html'\n", "src/qudao/a/templates/a/list.html": "{% include 'a/row.html' %}",
            "src/qudao/a/templates/a/row.html": "x", "src/qudao/a/templates/404.html": "x",
        },
    ),
]  # fmt: skip


def texts(found: Iterable[Sentence | str]) -> set[str]:
    """The bare msgids, for tests that look for them in pages."""
    return {one.text for one in found if isinstance(one, Sentence)}
