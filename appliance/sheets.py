"""Tables as CSV that Excel opens: UTF-8 with its mark, and no cell that would run as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    """The whole file. What is None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in line] for line in lines)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def download(content: bytes, name: str, media_type: str = "text/csv; charset=utf-8") -> Response[bytes]:
    """A file to save under an ASCII name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)


def _cell(value: Any) -> Any:
    """A number stays one; text that a spreadsheet would take for a formula gets a mark before it."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
