"""Ask WeChat whose code this is. The only module that speaks to WeChat; off until an admin set appid and secret."""

import logging

import httpx
import msgspec

from appliance.errors import Invalid, Unavailable
from appliance.settings import WechatSettings

log = logging.getLogger(__name__)
CODE_CHARACTERS = 256
# What WeChat answers when the code itself is to blame: wrong, used before, or of a user it has blocked.
_CODE_REFUSED = {40029, 40163, 40226}


class WechatOff(Unavailable):
    status, code, message = 409, "wechat_off", "医院尚未开通微信登录，请用账号和密码登录。"


class WechatUnreachable(Unavailable):
    code, message = "wechat_unreachable", "暂时连不上微信，请稍后再试，或用账号和密码登录。"


class _Answer(msgspec.Struct):
    """Of `jscode2session`. Its `session_key` is not read: the box has no use for it."""

    openid: str = ""
    errcode: int = 0


async def openid_of(settings: WechatSettings, code: str) -> str:
    """WeChat's name for whoever got this code by `wx.login`. Raises Invalid, WechatOff, WechatUnreachable."""
    if not settings.appid or not settings.secret:
        raise WechatOff()
    if not 0 < len(code) <= CODE_CHARACTERS:
        raise Invalid("微信登录凭证无效，请重试。", "wechat_code_invalid")
    asked = {"appid": settings.appid, "secret": settings.secret, "js_code": code, "grant_type": "authorization_code"}
    try:
        async with httpx.AsyncClient(timeout=settings.timeout_s) as client:
            response = await client.get(settings.url, params=asked)
        answer = msgspec.json.decode(response.content, type=_Answer)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError):
        # Without the cause: an exception of httpx holds the address, and that the secret.
        raise WechatUnreachable() from None
    if answer.errcode in _CODE_REFUSED:
        raise Invalid("微信登录凭证无效或已用过，请重试。", "wechat_code_invalid")
    if answer.errcode or not answer.openid:
        log.error("WeChat refused the exchange: errcode %d", answer.errcode)
        raise WechatUnreachable()
    return answer.openid
