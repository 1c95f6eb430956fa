"""Static files under /static/<version>/…: the version is the hash of them all, so that an update is seen at once."""

import hashlib
import mimetypes
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from appliance.auth.guards import PUBLIC
from appliance.errors import NotFound

FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}  # whatever the machine says


class Assets:
    """The static files, read once. They are small, and a module's relative imports inherit its version."""

    def __init__(self, folder: Path):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        self._contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        digest = hashlib.sha256()
        for name, content in self._contents.items():
            digest.update(name.encode() + b"\0" + content)
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where a page finds that file. Raises KeyError for one that does not exist: a template's slip."""
        if name not in self._contents:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def content(self, name: str) -> bytes:
        """Raises NotFound."""
        if name not in self._contents:
            raise NotFound()
        return self._contents[name]


def assets_route(assets: Assets) -> Any:
    """The handler that serves them, to anyone."""

    @get("/static/{version:str}/{name:path}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
    def serve_asset(version: FromPath[str], name: FromPath[Path]) -> Response[bytes]:
        """A page from before an update still asks for the old version: it gets today's file, but may not keep it."""
        relative = name.as_posix().lstrip("/")
        content = assets.content(relative)
        cache = FOR_EVER if version == assets.version else "no-cache"
        headers = {"Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=_media_type(relative), headers=headers)

    return serve_asset


def _media_type(name: str) -> str:
    return TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
