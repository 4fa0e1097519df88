"""A subject: which document a generic row is about, and its two sides."""

from __future__ import annotations

from dataclasses import dataclass

#: the columns of `db.SubjectFields`, in the order of `Subject.columns()`
SUBJECT_COLUMNS = ("subject_kind", "subject_id", "seller_id", "buyer_id", "number")


@dataclass(frozen=True)
class Subject:
    """`kind` is "<module>.<noun>" ("orders.order"); seller and buyer are organisation ids (None when the row belongs to one side only)."""

    kind: str
    id: int
    seller_id: int | None = None
    buyer_id: int | None = None
    number: str = ""

    def columns(self) -> dict[str, object]:
        """The values of `db.SubjectFields`."""
        return {
            "subject_kind": self.kind,
            "subject_id": self.id,
            "seller_id": self.seller_id,
            "buyer_id": self.buyer_id,
            "number": self.number,
        }
