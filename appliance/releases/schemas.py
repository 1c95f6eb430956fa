"""What the API says and hears of releases."""

import msgspec


class FigureOut(msgspec.Struct, rename="camel"):
    """One line of a release's figures, as it was measured: means, with their interval as text."""

    dataset: str
    label: str
    images: int
    dice: str
    iou: str
    sensitivity: str
    auc: str


class ReleaseOut(msgspec.Struct, rename="camel"):
    """`origin`: "built-in" or "uploaded"; `sha256` is that of the weights."""

    organ: str
    version: str
    name: str
    origin: str
    sha256: str
    created_at: str
    active: bool


class ReleaseDetail(ReleaseOut, rename="camel"):
    """`card` is the release's CARD.md; `thresholds` by label; `files` name → SHA-256."""

    card: str
    figures: list[FigureOut]
    protocol: str
    thresholds: dict[str, float]
    files: dict[str, str]
    studies: int


class ArrivalOut(msgspec.Struct, rename="camel"):
    """An uploaded archive. `state`: checking, ready, refused, then `reason` says why."""

    id: str
    file_name: str
    state: str
    reason: str | None
    organ: str | None
    version: str | None
    created_at: str


class ActivationOut(msgspec.Struct, rename="camel"):
    version: str
    at: str
    username: str | None
    failure: str | None


class OrganReleases(msgspec.Struct, rename="camel"):
    """An organ's releases. `previous`: what a roll-back would serve. `problem`: why the last activation fell back."""

    organ: str
    active: str | None
    previous: str | None
    problem: str | None
    releases: list[ReleaseOut]
    activations: list[ActivationOut]


class ReleasesOut(msgspec.Struct, rename="camel"):
    organs: list[OrganReleases]
    arrivals: list[ArrivalOut]


class RolledBack(msgspec.Struct, rename="camel"):
    version: str


class Compare(msgspec.Struct, rename="camel"):
    """Test a release on studies, beside the one that is served."""

    organ: str
    version: str
    study_ids: list[str]


class ComparedImage(msgspec.Struct, rename="camel"):
    """`dice` between both masks for each label that one of them marks, 0…1."""

    position: int
    name: str
    dice: dict[str, float]
    problem: str | None
    candidate_url: str | None
    active_url: str | None


class ComparisonOut(msgspec.Struct, rename="camel"):
    """`status`: queued, running, succeeded or failed; `dice` is the mean over the images."""

    id: str
    organ: str
    version: str
    against: str
    status: str
    error: str | None
    created_at: str
    dice: dict[str, float]
    images: list[ComparedImage]
