"""What the API says and hears of articles, announcements, their comments and pictures."""

from typing import Literal

import msgspec

Kind = Literal["article", "announcement"]
State = Literal["draft", "scheduled", "published"]
CommentState = Literal["pending", "approved", "rejected"]


class Line(msgspec.Struct, rename="camel"):
    """What each list tells of an article or announcement; `comments` counts the approved ones."""

    id: str
    kind: Kind
    title: str
    excerpt: str
    pinned: bool
    comments: int


class PublicationRow(Line, rename="camel"):
    """One line of a list for readers."""

    published_at: str


class PublicationOut(PublicationRow, rename="camel"):
    """As it is read; `html` is safe to show."""

    html: str


class PublicationPage(msgspec.Struct, rename="camel"):
    items: list[PublicationRow]
    next: str | None


class SavePublication(msgspec.Struct, rename="camel"):
    """`body` is Markdown. `publishAt`, with its zone, only for a schedule. `basedOn`: the `updatedAt` that was edited:
    when someone else has saved since, this one is refused."""

    kind: Kind
    title: str
    body: str
    state: State = "draft"
    publish_at: str | None = None
    pinned: bool = False
    based_on: str | None = None


class ManagedRow(Line, rename="camel"):
    """One line of the admins' list. `pending`: comments that wait for a decision."""

    state: State
    publish_at: str | None
    updated_at: str
    updated_by: str | None
    deleted_at: str | None
    pending: int


class Managed(ManagedRow, rename="camel"):
    """As it is edited."""

    body: str


class ManagedPage(msgspec.Struct, rename="camel"):
    items: list[ManagedRow]
    next: str | None


class Preview(msgspec.Struct, rename="camel"):
    body: str


class PreviewOut(msgspec.Struct, rename="camel"):
    html: str


class PictureOut(msgspec.Struct, rename="camel"):
    """`markdown` is what goes into a body."""

    url: str
    width_px: int
    height_px: int
    markdown: str


class WriteComment(msgspec.Struct, rename="camel"):
    text: str


class DecideComment(msgspec.Struct, rename="camel"):
    state: CommentState


class CommentOut(msgspec.Struct, rename="camel"):
    """`own`: written by who asks; only then, and for admins, may its state be other than approved."""

    id: str
    text: str
    state: CommentState
    author: str
    own: bool
    created_at: str


class CommentPage(msgspec.Struct, rename="camel"):
    items: list[CommentOut]
    next: str | None


class ModeratedComment(CommentOut, rename="camel"):
    """With what it was written under."""

    publication_id: str
    publication_kind: Kind
    publication_title: str


class ModeratedPage(msgspec.Struct, rename="camel"):
    items: list[ModeratedComment]
    next: str | None
