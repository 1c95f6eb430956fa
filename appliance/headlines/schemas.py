"""What the API says of headlines."""

import msgspec


class HeadlineOut(msgspec.Struct, rename="camel"):
    """`url` leads to the news item on its own site, `pictureUrl` to a picture there, if it has one."""

    id: str
    title: str
    source: str
    published_at: str
    picture_url: str | None
    url: str


class HeadlinePage(msgspec.Struct, rename="camel"):
    """A page of headlines, newest first. `fetchedAt`: when a channel was last reached, null for never. Not `enabled`:
    an admin has switched headlines off, and there are none."""

    items: list[HeadlineOut]
    next: str | None
    fetched_at: str | None
    enabled: bool = True
