"""Facts about agreements that other modules follow: funds opens the account of an activated one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class AgreementActivated:
    """Seller and buyer may trade under this agreement from now on (or again)."""

    version: ClassVar[int] = 1
    agreement_id: int
    seller_id: int
    buyer_id: int
    currency: str


@dataclass(frozen=True)
class AgreementSuspended:
    """No new orders under this agreement; what is under way goes on."""

    version: ClassVar[int] = 1
    agreement_id: int
    seller_id: int
    buyer_id: int


@dataclass(frozen=True)
class AgreementEnded:
    """The agreement is over for good."""

    version: ClassVar[int] = 1
    agreement_id: int
    seller_id: int
    buyer_id: int
