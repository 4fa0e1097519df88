"""Forms: fields with label, help and error at the field, and the line editor that posts with or without JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from qudao.base.html.picks import PickField
from qudao.base.sentences import Said, say
from qudao.kernel.errors import DomainError

#: rows offered empty, so that the editor works without JavaScript
BLANK = 6
#: boxes to tick beyond which they stand in columns
MANY = 12
#: rows of one form that are read; how many a document may have is its own rule, so that a line too many is refused and not lost
MOST = 6000


class Form(forms.Form):
    """A Django form in the house's look: labels, native inputs, help below, errors with their remedy at the field, all at once."""

    template_name = "parts/form.html"
    #: "grid" lays fields side by side where there is room, "pair" two of them on a phone too, "tall" one below the other
    layout = "tall"
    use_required_attribute = False

    def __init__(self, *args: Any, actor: Any = None, **kwargs: Any) -> None:
        self.actor = actor
        self.remedies: dict[str, list[Said]] = {}
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, bound in self.fields.items():
            if isinstance(bound, PickField):
                bound.begin(actor, name)
            widget = bound.widget
            if isinstance(widget, (forms.CheckboxInput, forms.CheckboxSelectMultiple)):
                css = "form-check-input"
            else:
                css = "form-select" if isinstance(widget, forms.Select) else "form-control"
            widget.attrs.setdefault("class", css)
            if isinstance(bound, forms.ModelChoiceField) and bound.empty_label:
                bound.empty_label = _("Choose…")
            if isinstance(widget, forms.DateInput):
                widget.input_type, widget.format = "date", "%Y-%m-%d"
            if isinstance(bound, (forms.DecimalField, forms.IntegerField)) and not widget.is_hidden:
                widget.input_type = "text"
                widget.attrs.update(inputmode="decimal", **{"class": f"{css} num"})
                bound.localize = False

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """The value to begin with; a number that is no amount of money without idle zeros (1, not 1.0000)."""
        found = super().get_initial_for_field(field, field_name)
        if not isinstance(found, Decimal) or getattr(field, "decimal_places", 2) == 2:
            return found
        return found.quantize(Decimal(1)) if found == found.to_integral_value() else found.normalize()

    def refuse(self, error: DomainError) -> list[Said]:
        """Show each fault at its field, with its remedy; returns the faults that belong to no field of this form."""
        rest: list[Said] = []
        for fault in error.faults:
            said = say(fault)
            if said.field in self.fields:
                self.remedies.setdefault(said.field, []).append(said)
                self.fields[said.field].widget.attrs["aria-invalid"] = "true"
            else:
                rest.append(said)
        return rest

    def rows(self) -> list[dict[str, Any]]:
        """The visible fields with what the template needs beside each."""
        found = []
        for bound in self.visible_fields():
            widget = bound.field.widget
            said = self.remedies.get(bound.name, [])
            bad = bool(bound.errors or said)
            if bad:
                widget.attrs["class"] = f"{widget.attrs.get('class', '')} is-bad".strip()
                widget.attrs["aria-invalid"] = "true"
                widget.attrs["aria-describedby"] = f"{bound.id_for_label}-bad"
            found.append(
                {
                    "field": bound,
                    "said": said,
                    "bad": bad,
                    "check": isinstance(widget, forms.CheckboxInput),
                    "checks": isinstance(widget, forms.CheckboxSelectMultiple),
                    "many": isinstance(widget, forms.CheckboxSelectMultiple) and len(list(widget.choices)) > MANY,
                    "wide": isinstance(widget, forms.Textarea) or widget.attrs.get("data-wide"),
                    "optional": not bound.field.required,
                }
            )
        return found

    def get_context(self) -> dict[str, Any]:
        return {"form": self, "rows": self.rows(), "layout": self.layout}


@dataclass(frozen=True)
class LineField:
    """One input column of the editor. `kind`: text, qty, money, pack (a number that may name a unit: 3箱),
    day, product (type-ahead), choice, show and figure (shown, not typed)."""

    name: str
    label: Any
    kind: str = "text"
    required: bool = False
    placeholder: Any = ""
    choices: Sequence[tuple[Any, Any]] = ()
    width: str = ""
    hide_on_phone: bool = False
    dim: bool = False

    @property
    def num(self) -> bool:
        """Whether the column is set right-aligned."""
        return self.kind in ("qty", "money", "pack", "figure")


@dataclass
class Line:
    """A typed row: its raw text by field, the cleaned values, what is wrong with it and what may be said about it."""

    no: int
    raw: dict[str, str]
    clean: dict[str, Any] = field(default_factory=dict)
    faults: list[Said] = field(default_factory=list)
    hints: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    ref: str = ""
    at: int = 0

    @property
    def bad(self) -> bool:
        """Whether the line stands in red."""
        return bool(self.faults) or any(hint["css"] == "c-wrong" for hint in self.hints)

    @property
    def blank(self) -> bool:
        """Whether nothing was typed in the row."""
        return not any(v.strip() for v in self.raw.values())


def named_lines(named: Iterable[str], code: str) -> list[dict[str, str]]:
    """Rows that an address fills in: each a code, and after its last space a quantity. `code` names the column of the code."""
    parts = [one.strip().rpartition(" ") for one in list(named)[:MOST]]
    return [{code: first, "qty": qty} for first, _space, qty in parts if first]


class LineEditor:
    """Rows of native inputs named `lines-<field>`, one value a row in order; rows left blank are ignored.

    Build it from a request with `LineEditor(fields, data=request.POST)` or from values with `initial=[{...}]`; `lines` are the filled rows.
    `suggest_url` answers the type-ahead as JSON `{"results": [{"value": code, "label": name, "note": …}]}`; `fixed` rows are neither added nor left out.
    An editor with a `quote_url` sends it what changed, as `assets/js/quote.js` says.
    """

    template_name = "parts/lines.html"
    #: begins the names of the inputs and the fields of faults
    prefix = "lines"
    #: where changed rows are priced; "" asks nothing while typing
    quote_url = ""

    def __init__(
        self, fields: Sequence[LineField], *, data: QueryDict | None = None, initial: Iterable[Mapping[str, Any]] = (), suggest_url: str = "",
        fixed: bool = False,
    ) -> None:  # fmt: skip
        self.fields, self.suggest_url, self.fixed = list(fields), suggest_url, fixed
        self.blank_rows = 0 if fixed else BLANK
        if data is not None:
            self.lines = self._from_post(data)
        else:
            self.lines = [
                Line(n, {f.name: "" if row.get(f.name) is None else str(row[f.name]) for f in fields}, ref=str(row.get("ref", "")), shown=dict(row))
                for n, row in enumerate(initial, 1)
            ]

    @property
    def inputs(self) -> list[LineField]:
        """The fields that are typed into."""
        return [f for f in self.fields if f.kind not in ("show", "figure")]

    def _from_post(self, data: QueryDict) -> list[Line]:
        columns = {f.name: data.getlist(f"{self.prefix}-{f.name}") for f in self.inputs}
        refs = data.getlist(f"{self.prefix}-ref")
        number = min(MOST, max((len(c) for c in columns.values()), default=0))
        found: list[Line] = []
        for i in range(number):
            raw = {name: (values[i].strip() if i < len(values) else "") for name, values in columns.items()}
            line = Line(len(found) + 1, raw, ref=refs[i] if i < len(refs) else "", at=i)
            if not line.blank or self.fixed:
                found.append(line)
        return found

    def is_valid(self) -> bool:
        """Clean every row; faults stay at their row. False when any row is wrong or there is no row at all."""
        good = bool(self.lines)
        for line in self.lines:
            for one in self.inputs:
                text = line.raw.get(one.name, "")
                if not text and one.required:
                    line.faults.append(Said("base.required", one.name, _("{label} is missing.").format(label=one.label), ""))
                elif one.kind in ("qty", "money") and text:
                    number = number_of(text)
                    if number is None:
                        line.faults.append(Said("base.number", one.name, _("“{text}” is not a number.").format(text=text), ""))
                    line.clean[one.name] = number
                else:
                    line.clean[one.name] = text or None
            good = good and not line.faults
        return good

    def refuse(self, error: DomainError) -> list[Said]:
        """Put each fault of `lines.<ref>` or `lines.<ref>.<field>` at its row (by ref, else by position from 1); returns the others."""
        rest: list[Said] = []
        by_ref = {line.ref: line for line in self.lines if line.ref}
        by_no = {str(line.no): line for line in self.lines}
        for fault in error.faults:
            said = say(fault)
            head, _dot, tail = said.field.partition(".")
            key, _dot, name = tail.partition(".")
            line = (by_ref.get(key) or by_no.get(key)) if head == self.prefix else None
            if line is None:
                rest.append(said)
            else:
                line.faults.append(Said(said.code, name, said.sentence, said.remedy))
        return rest

    def __str__(self) -> SafeString:
        return self.render()

    def render(self, **extra: Any) -> SafeString:
        """The editor as HTML."""
        blanks = [Line(len(self.lines) + n, dict.fromkeys((f.name for f in self.inputs), "")) for n in range(1, self.blank_rows + 1)]
        empty = Line(0, dict.fromkeys((f.name for f in self.inputs), ""))
        return render_to_string(self.template_name, {"editor": self, "rows": [*self.lines, *blanks], "empty": empty, **extra})


def number_of(text: str) -> Decimal | None:
    """A typed number: thousands separators and full-width digits are understood; None when it is not a number."""
    folded = text.translate(str.maketrans("０１２３４５６７８９．，－", "0123456789.,-")).replace(",", "").replace(" ", "")
    try:
        number = Decimal(folded)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
