"""What the API says and hears of consultations."""

import msgspec


class Ask(msgspec.Struct, rename="camel"):
    question: str


class TriageOut(msgspec.Struct, rename="camel"):
    level: str
    rule: str | None
    advice: str | None


class SourceOut(msgspec.Struct, rename="camel"):
    title: str
    passage: str
    url: str | None


class ConsultationOut(msgspec.Struct, rename="camel"):
    """A question and its answer. `source`: local, fallback, passages or triage, whichever wrote the answer."""

    id: str
    question: str
    answer: str
    triage: TriageOut
    sources: list[SourceOut]
    source: str
    model: str
    timings_ms: dict[str, float | None]
    created_at: str
    disclaimer: str


class ConsultationPage(msgspec.Struct, rename="camel"):
    items: list[ConsultationOut]
    next: str | None
