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


class ContextOverflow(Exception):
    """Prompt and answer together need more tokens than the context holds."""

    def __init__(self, context: int, prompt_tokens: int, answer_tokens: int):
        super().__init__(
            f"This model's maximum context length is {context} tokens. However, you requested "
            f"{prompt_tokens + answer_tokens} tokens "
            f"({prompt_tokens} in the messages, {answer_tokens} in the completion)."
        )


class GenerationFailed(Exception):
    """llama.cpp gave up in the middle of an answer."""
