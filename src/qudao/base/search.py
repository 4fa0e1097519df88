"""Finding by any part of a number, code or name: one narrow table that triggers keep beside the rows it is about.

An entry is a row's texts in capitals and its two sides. The index holds pieces of the text (three characters; one and two where a part begins,
and of Chinese), each with its kind, so that a rare piece is found among millions of rows in a few pages and a frequent one by walking the newest.
An entry is only a candidate: what is shown comes through the policy of its kind. No PostgreSQL extension is needed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db.migrations import RunSQL
from django.db.models import BigIntegerField, BooleanField, OuterRef, Q
from django.db.models.expressions import RawSQL
from psycopg import sql

from qudao.base.db import AskedEach, rows
from qudao.base.models import SearchEntry

#: words of a search that are looked at
MOST_WORDS = 4
#: so many parties are named one by one to the planner; more are joined
MOST_PARTIES = 300
#: so many hits are named one by one; of more, each row of a walk is asked
MOST_NAMED = 2_000
#: pieces of one word that are looked up: the last ones, because numbers begin alike and end differently
MOST_KEYS = 5
PARTY = "network.organisation"
TABLE = "base_searchentry"
#: parties and products that match are ranked; of more, so many of them: what stands in nearly every row is read without the index, at 0.1 ms a row
MOST_RANKED = 300
#: how many of the newest documents are looked through for one or two letters
NEWEST = 3000
# COST: pieces are to be read from the index, and made again for a row only when its text fits.
# PL/pgSQL: fifteen times as fast as one SQL expression, 35 µs for the number of an order.
GRAMS = """
CREATE FUNCTION base_grams(kind text, t text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
DECLARE
    found text[] := '{}';
    mark text := '@' || kind;
    fresh bool := true;
    s text;
BEGIN
    FOR i IN 1..length(t) LOOP
        s := substr(t, i, 3);
        IF ascii(s) = 32 THEN
            fresh := true;
            CONTINUE;
        END IF;
        IF length(s) = 3 AND strpos(s, ' ') = 0 THEN found := found || (s || mark); END IF;
        IF fresh THEN found := found || ARRAY[' ' || left(s, 1) || mark, ' ' || left(s, 2) || mark]; END IF;
        IF ascii(s) > 127 THEN found := found || ARRAY[left(s, 1) || mark, left(s, 2) || mark];
        ELSIF ascii(substr(s, 2, 1)) > 127 THEN found := found || (left(s, 2) || mark);
        END IF;
        fresh := ascii(s) IN (45, 46, 47, 95);
    END LOOP;
    RETURN found;
END $$;
"""


def grams() -> RunSQL:
    """A migration step: the function that cuts a text into its pieces."""
    return RunSQL(sql=GRAMS, reverse_sql="DROP FUNCTION base_grams(text, text)")


@dataclass(frozen=True)
class Source:
    """What of a table is found: SQL of a row `r` for its number or code, its other texts, its two sides and its amount.

    `columns` are those whose change writes the entry anew; the sides of a document never change.
    """

    table: str
    kind: str
    number: str
    texts: str
    columns: str
    seller: str = "r.seller_id"
    buyer: str = "r.buyer_id"
    amount: str = "NULL::numeric"


INTO = "INSERT INTO base_searchentry (subject_kind, subject_id, seller_id, buyer_id, number, text, amount)"


def _values(s: Source) -> str:
    return f"'{s.kind}', r.id, {s.seller}, {s.buyer}, upper(coalesce({s.number}, '')), upper(concat_ws(' ', {s.number}, {s.texts})), {s.amount}"


def filling(source: Source) -> str:
    """The statement that makes the entries of a table which has none yet."""
    return f"{INTO} SELECT {_values(source)} FROM {source.table} r"


def searchable(source: Source) -> RunSQL:
    """A migration step: a trigger keeps the entries of a table, in the transaction of the row; rows that are there already get theirs."""
    s, name = source, f"{source.table}_searchable"
    return RunSQL(
        sql=f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE r {s.table} := NEW;
        BEGIN
            {INTO} VALUES ({_values(s)})
            ON CONFLICT (subject_kind, subject_id) DO UPDATE SET number = excluded.number, text = excluded.text, amount = excluded.amount
                WHERE (base_searchentry.text, base_searchentry.amount) IS DISTINCT FROM (excluded.text, excluded.amount);
            RETURN NULL;
        END $$;
        CREATE TRIGGER {name} AFTER INSERT OR UPDATE OF {s.columns} ON {s.table} FOR EACH ROW EXECUTE FUNCTION {name}();
        {filling(s)};
        """,
        reverse_sql=f"DROP TRIGGER {name} ON {s.table}; DROP FUNCTION {name}(); DELETE FROM base_searchentry WHERE subject_kind = '{s.kind}';",
    )


def words_of(typed: str) -> list[str]:
    """The words of a search as the entries write them: in capitals, full-width letters made plain."""
    return unicodedata.normalize("NFKC", typed).replace("\x00", "").upper().split()[:MOST_WORDS]


def folded_barcode(typed: str) -> str:
    """A scanned barcode without the zeros it is padded with, as the entries write it; anything else as it is. Marks of a GS1-128 are left out."""
    plain = re.sub(r"^(\]C1)?\x1d?(\(00\) ?)?(?=\d{8})", "", typed.strip())
    return plain.lstrip("0") if plain.isascii() and plain.isdigit() and len(plain) >= 8 else typed


def amount_of(typed: str) -> Decimal | None:
    """The amount that was typed ("189,642", "¥189642.00"); None when it is none."""
    plain = unicodedata.normalize("NFKC", typed).strip().lstrip("¥$€").replace(",", "")
    try:
        found = Decimal(plain) if plain.replace(".", "", 1).isdigit() else None
    except InvalidOperation:
        return None
    return found if found and found < 10**15 else None


def _text(value: object) -> str:
    """A literal, with the signs of parameters doubled: constants let the planner see how frequent a piece is."""
    return sql.Literal(value).as_string(None).replace("%", "%%")


def _keys(word: str) -> list[str]:
    """The pieces of a word that the index knows; all of them stand in whatever contains the word."""
    if not word.isascii():
        pairs = [word[i : i + 2] for i in range(len(word) - 1)]
        return [p for p in pairs if not p.isascii()] or [c for c in word if not c.isascii()]
    return [word[i : i + 3] for i in range(len(word) - 2)][-MOST_KEYS:] or [" " + word]


def _short(word: str) -> bool:
    """Whether a word is too short to be looked for inside others."""
    return word.isascii() and len(word) < 3


def _plain(word: str) -> str:
    """A word for LIKE, its own signs meaning nothing."""
    return word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _stands(word: str) -> str:
    """The condition that a text has a word, for entries that are at hand: as any part, one or two letters only where a part begins."""
    if _short(word):
        return f"text ~ {_text(rf'(^|[ ./_-]){re.escape(word)}')}"
    return f"text LIKE {_text(f'%{_plain(word)}%')}"


def _has(kind: str, word: str) -> str:
    """The condition that an entry of a kind has a word: as any part of its text, one or two letters only where a part begins."""
    keys = _text([f"{key}@{kind}" for key in dict.fromkeys(_keys(word))])
    found = f"base_grams(subject_kind, text) @> {keys}::text[]"
    return found if _short(word) else f"{found} AND {_stands(word)}"


def _of_party(word: str) -> str:
    """The condition that one side of an entry is called so; "" when nobody is. One statement."""
    # The pieces carry their kind. Told of it twice, the planner would read all entries of the kind beside them.
    wanted = f"SELECT subject_id FROM base_searchentry WHERE {_has(PARTY, word)}"
    found = [pk for (pk,) in rows(f"{wanted} LIMIT {MOST_PARTIES + 1}")]
    if not found:
        return ""
    if len(found) > MOST_PARTIES:
        return f"(seller_id IN ({wanted}) OR buyer_id IN ({wanted}))"
    ids = _text(found)
    return f"(seller_id = ANY({ids}::bigint[]) OR buyer_id = ANY({ids}::bigint[]))"


def matching(kind: str, typed: str, *, parties: bool = False) -> RawSQL | None:
    """The ids of a kind that have every word that was typed, for `filter(pk__in=…)`; with `parties` a word may also name one of the two sides.

    None when nothing was typed. The rows are still those of the caller's own policy. One statement a word with `parties`, else none.
    What has two sides are documents: of the millions that a frequent piece stands in, the newest are walked by their kind.
    """
    found = words_of(typed)
    if not found:
        return None
    conditions = []
    for word in found:
        party = _of_party(word) if parties else ""
        conditions.append(f"(({_has(kind, word)}) OR {party})" if party else f"({_has(kind, word)})")
    of_kind = [f"subject_kind = {_text(kind)}"] if parties else []
    wanted = f"SELECT subject_id FROM base_searchentry WHERE {' AND '.join([*of_kind, *conditions])}"
    return RawSQL(wanted, (), output_field=BigIntegerField())  # noqa: S611 - literals are quoted


def having(kind: str, word: str) -> Q:
    """The rows of a kind that have a word of `words_of`, as a condition for the first few of a list in its own order.

    Few hits are named; of many, each row is asked as the walk comes to it. One statement.
    """
    found = [pk for (pk,) in rows(f"SELECT subject_id FROM {TABLE} WHERE {_has(kind, word)} LIMIT {MOST_NAMED + 1}")]
    if len(found) <= MOST_NAMED:
        return Q(pk__in=found)
    stands = RawSQL(_stands(word), (), output_field=BooleanField())  # noqa: S611 - literals are quoted
    return Q(AskedEach(SearchEntry.unscoped.filter(stands, subject_kind=kind, subject_id=OuterRef("pk"))))


def first_numbers(kind: str, typed: str, most: int) -> list[int]:
    """The ids of a kind without sides that have every word that was typed, the first `most` by number or code. One statement."""
    found = words_of(typed)
    if not found:
        return []
    wanted = " AND ".join(f"({_has(kind, word)})" for word in found)
    return [pk for (pk,) in rows(f"SELECT subject_id FROM {TABLE} WHERE {wanted} ORDER BY number, subject_id LIMIT {most}")]


@dataclass(frozen=True)
class Reach:
    """Among whose entries of a kind to look: `org_ids` (None = all) as one of the two sides. It only bounds; the policy decides."""

    kind: str
    org_ids: Sequence[int] | None = None
    #: documents, whose newest come first (one or two letters begin so many that only the newest are looked through); else the best match comes first
    newest: bool = False
    #: whether the kind has amounts
    amounts: bool = False

    @property
    def condition(self) -> str:
        if self.org_ids is None:
            return "true"
        ids = _text(list(self.org_ids))
        return f"(seller_id = ANY({ids}::bigint[]) OR buyer_id = ANY({ids}::bigint[]))"


def _rank(found: Sequence[str]) -> str:
    """How well an entry without a date answers, the best least: words that stand in it whole before those that begin a part and those inside one;
    then the shorter text, so that a plain product stands before its variants and a dealer before its shops.
    """
    ways = []
    for word in found:
        plain = _plain(word)
        ways.append(f"CASE WHEN ' ' || text || ' ' LIKE {_text(f'% {plain} %')} THEN 0 WHEN ' ' || text LIKE {_text(f'% {plain}%')} THEN 1 ELSE 2 END")
    return f"1000 * ({' + '.join(ways)}) + least(length(text), 999)"


#: how an entry was met: a part of its text, its amount, its whole number
PART, AMOUNT, NUMBER = 1, 2, 3


def candidates(reaches: Sequence[Reach], typed: str, most: int) -> dict[str, dict[int, set[int]]]:
    """The ids that match with how they were met, by kind, the best first: the whole number, the exact amount, then the newest documents, and of
    parties and products what is met best. One statement.
    """
    found = words_of(typed)
    if not found or not reaches:
        return {}
    amount = amount_of(typed)
    parts = []
    for reach in reaches:
        of_kind = f"subject_kind = {_text(reach.kind)} AND {reach.condition}"
        # The pieces of a text name their kind themselves. Told of it twice, the planner would read all entries of the kind beside them.
        in_pieces = f"subject_kind || '' = {_text(reach.kind)} AND {reach.condition}"
        ways = [(PART, " AND ".join(_has(reach.kind, word) for word in found), TABLE), (NUMBER, f"number = {_text(' '.join(found))}", TABLE)]
        if reach.newest and all(map(_short, found)):
            newest = f"(SELECT * FROM {TABLE} WHERE {of_kind} ORDER BY subject_id DESC LIMIT {NEWEST})"
            ways[0] = (PART, " AND ".join(map(_stands, found)), newest)
        ways += [(AMOUNT, f"amount = {amount}", TABLE)] if amount is not None and reach.amounts else []
        rank, order = ("0", "subject_id DESC") if reach.newest else (_rank(found), "rank, subject_id DESC")
        for way, condition, table in ways:
            met = f"SELECT * FROM {table} e WHERE {in_pieces if way == PART and table == TABLE else of_kind} AND {condition}"
            some = met if reach.newest else f"{met} LIMIT {MOST_RANKED}"
            parts.append(f"(SELECT subject_kind, subject_id, {way} AS way, {rank} AS rank FROM ({some}) m ORDER BY {order} LIMIT {most})")
    by_kind: dict[str, dict[int, set[int]]] = {}
    best = f"SELECT subject_kind, subject_id, array_agg(way) FROM ({' UNION ALL '.join(parts)}) f GROUP BY 1, 2 ORDER BY max(way) DESC, min(rank), 2 DESC"
    for kind, pk, ways in rows(best):
        of_this = by_kind.setdefault(kind, {})
        if len(of_this) < most:
            of_this[pk] = set(ways)
    return by_kind
