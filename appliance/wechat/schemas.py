"""What the API says and hears of WeChat."""

import msgspec


class Code(msgspec.Struct, rename="camel"):
    """What `wx.login` gave: good once, for five minutes."""

    code: str


class BindingOut(msgspec.Struct, rename="camel"):
    """`available`: an admin set up the log-in by WeChat. `bound`: this account is bound to a WeChat user."""

    available: bool
    bound: bool
