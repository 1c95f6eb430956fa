"""Whatever address no page has."""

from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath

from appliance.auth.guards import PUBLIC
from appliance.errors import NotFound


@get("/{address:path}", opt=PUBLIC, sync_to_thread=False)
def show_unknown(address: FromPath[Path]) -> Response[str]:
    """Raises NotFound, which becomes a page."""
    raise NotFound("找不到您要的页面，请检查地址是否正确。")
