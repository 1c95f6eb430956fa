"""What the API says and hears of consultations."""

import msgspec


class Ask(msgspec.Struct, rename="camel"):
    """`previousId`: the consultation that this one follows. `studyId`: an own study whose findings go with it.

    `outside`: the person agrees that this question, stripped of what names a person, is sent to the endpoint that the
    box's admin set up.
    """

    question: str
    previous_id: str | None = None
    study_id: str | None = None
    outside: bool = False


class Rate(msgspec.Struct, rename="camel"):
    """1 helpful, -1 not, null taken back."""

    rating: int | None


class TriageOut(msgspec.Struct, rename="camel"):
    level: str
    rule: str | None
    advice: str | None


class SourceOut(msgspec.Struct, rename="camel"):
    """A passage, `reviewed` by a clinician or not. `guideline`: the public one that it follows, where one was found."""

    title: str
    passage: str
    url: str | None
    guideline: str | None = None
    reviewed: bool = False


class QueuedOut(msgspec.Struct, rename="camel"):
    place: int


class SentOut(msgspec.Struct, rename="camel"):
    """What left the box, word for word, and whither."""

    text: str
    host: str


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
    previous_id: str | None = None
    study_id: str | None = None
    rating: int | None = None
    sent: str | None = None


class ConsultationPage(msgspec.Struct, rename="camel"):
    items: list[ConsultationOut]
    next: str | None
