"""One tree of errors, one mapping to HTTP, one error body. Messages are for people, in Chinese."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import ValidationException

log = logging.getLogger(__name__)


class XiangyiError(Exception):
    """The root. `code` is stable and for programs; `message` is a Chinese sentence; `detail` is data for programs."""

    status: int = 500
    code: str = "internal_error"
    message: str = "服务器内部出错，请稍后重试；如反复出现，请联系管理员查看日志。"

    def __init__(self, message: str | None = None, code: str | None = None, **detail: Any):
        self.message = message or type(self).message
        self.code = code or type(self).code
        self.detail = detail
        super().__init__(f"{self.code}: {self.message}")


class Invalid(XiangyiError):
    status, code, message = 422, "invalid", "提交的内容有误，请检查后重试。"


class NotAuthenticated(XiangyiError):
    status, code, message = 401, "not_authenticated", "请先登录。"


class Forbidden(XiangyiError):
    status, code, message = 403, "forbidden", "您没有权限进行此操作。"


class NotFound(XiangyiError):
    status, code, message = 404, "not_found", "找不到您要的内容。"


class StudyNotFound(NotFound):
    code, message = "study_not_found", "找不到这项检查，它可能已被删除，或不属于您。"


class CorrectionNotFound(NotFound):
    code, message = "correction_not_found", "找不到这次修正，它可能已被撤回。"


class ConsultationNotFound(NotFound):
    code, message = "consultation_not_found", "找不到这次问诊，它可能已被删除，或不属于您。"


class Conflict(XiangyiError):
    status, code, message = 409, "conflict", "与现有内容冲突。"


class TooLarge(XiangyiError):
    status, code, message = 413, "too_large", "提交的内容过大。"


class UnsupportedType(XiangyiError):
    status, code, message = 415, "image_type_unsupported", "只支持 PNG、JPEG 或 TIFF 图片。"


class TooManyRequests(XiangyiError):
    status, code, message = 429, "too_many_requests", "操作过于频繁，请稍后再试。"


class Unavailable(XiangyiError):
    status, code, message = 503, "unavailable", "服务暂时不可用，请稍后重试。"


class OutOfSpace(XiangyiError):
    status, code, message = 507, "disk_full", "磁盘空间不足，文件没有保存；请联系管理员清理磁盘。"


# What the framework itself refuses, in our words. Any other status gets the class's own by its hundred.
FRAMEWORK = {
    400: ("bad_request", "请求的格式有误。"),
    401: ("not_authenticated", NotAuthenticated.message),
    403: ("forbidden", Forbidden.message),
    404: ("not_found", "找不到您要的页面或接口。"),
    405: ("method_not_allowed", "此地址不支持这种请求方式。"),
    429: ("too_many_requests", TooManyRequests.message),
}


def error_body(code: str, message: str, detail: dict[str, Any]) -> dict[str, Any]:
    """The one error body."""
    return {"error": {"code": code, "message": message, "detail": detail}}


def translate(error: Exception) -> XiangyiError:
    """Any exception as one of ours; what nobody foresaw is logged and told as an internal error."""
    if isinstance(error, XiangyiError):
        return error
    if isinstance(error, ValidationException):
        fields = [{k: str(v) for k, v in item.items()} for item in error.extra or [] if isinstance(item, dict)]
        return Invalid(fields=fields)
    if isinstance(error, HTTPException):
        code, message = FRAMEWORK.get(error.status_code, ("bad_request", "请求无法处理。"))
        translated = XiangyiError(message, code) if error.status_code < 500 else XiangyiError()
        translated.status = error.status_code
        return translated
    if _is_of_the_body(error):
        log.warning("taken for a body that cannot be read", exc_info=error)  # should it be ours after all
        return Invalid()
    log.exception("unforeseen error", exc_info=error)
    return XiangyiError()


def _is_of_the_body(error: Exception) -> bool:
    """Did the framework trip over what was sent: nested too deep, not in its encoding, or in one that nobody knows?

    Of the LookupErrors only codecs raise the plain one.
    """
    return isinstance(error, RecursionError | UnicodeError) or type(error) is LookupError


def respond(request: Request, error: Exception) -> Response:
    """Litestar's exception handler for everything under the API."""
    known = translate(error)
    if known.status == 413 and known.code == "bad_request":
        most = request.app.state.settings.limits.upload_bytes
        known = TooLarge(f"图片超过 {most // 2**20} MB。", "study_too_large", maxBytes=most)
    headers = {"Retry-After": "5"} if known.status in (429, 503) else {}
    if known.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(error_body(known.code, known.message, known.detail), status_code=known.status, headers=headers)
