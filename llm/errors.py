"""Why a model cannot be brought, loaded or asked, each with a sentence for the person at the box."""


class ArrivalError(Exception):
    """Runtime or model cannot arrive. `retry`: trying again later may mend it without anyone restarting the box."""

    def __init__(self, message_zh: str, *, retry: bool = True):
        super().__init__(message_zh)
        self.message_zh = message_zh
        self.retry = retry


class ConsultationOff(ArrivalError):
    """By this box's settings or size there will be no local model; that is no fault."""

    def __init__(self, message_zh: str):
        super().__init__(message_zh, retry=False)


class Stopped(Exception):
    """The process was asked to stop while something was arriving."""


class QueueFull(Exception):
    """As many questions wait as the settings allow."""
