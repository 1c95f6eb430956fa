"""What the API says of the knowledge base."""

import msgspec


class PassageOut(msgspec.Struct, rename="camel"):
    title: str
    text: str


class DocumentOut(msgspec.Struct, rename="camel"):
    """`origin`: "starter" came with the box, "hospital" was added here. `reviewedAt`: when it was signed off."""

    id: str
    title: str
    origin: str
    guideline: str
    url: str
    dated_on: str
    passages: int
    created_at: str
    reviewed_at: str | None
    reviewed_by: str | None


class DocumentDetail(DocumentOut, rename="camel"):
    texts: list[PassageOut]


class DocumentPage(msgspec.Struct, rename="camel"):
    items: list[DocumentOut]
    total: int
