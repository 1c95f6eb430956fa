"""What a self-check gets and what it says."""

from dataclasses import dataclass

from appliance.database import Database
from appliance.engines import Health
from appliance.settings import Settings

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True)
class Context:
    """What the checks look at. `thorough` also reads what takes seconds on a large box, as the doctor does."""

    settings: Settings
    database: Database
    llm: Health
    thorough: bool = True


@dataclass(frozen=True)
class Check:
    """`status` OK, WARNING or FAULT; `mend_zh` says what to do when it is not OK."""

    name: str
    title_zh: str
    status: str
    message_zh: str
    mend_zh: str = ""
