"""`xiangyi consult`: one answer of the running language model on the terminal."""

import sys

import click
import msgspec

from appliance.consultations import services
from appliance.consultations.schemas import ConsultationOut, TriageOut
from appliance.engines import Engines
from appliance.settings import Settings
from appliance.start import open_database


async def consult_once(settings: Settings, question: str, as_json: bool) -> None:
    """Ask, print as it comes (or the whole as JSON), keep it. Raises LlmUnavailable, Invalid, TooLarge."""
    question = services.check_question(question, settings.limits)
    database, engines = open_database(settings), Engines(settings)
    disclaimer = ""
    try:
        async for step in services.ask(database, engines, None, question, "terminal"):
            if isinstance(step, ConsultationOut):
                disclaimer = step.disclaimer
            if as_json and isinstance(step, ConsultationOut):
                click.echo(msgspec.json.format(msgspec.json.encode(step), indent=2).decode())
            elif not as_json and isinstance(step, str):
                click.echo(step, nl=False)
                sys.stdout.flush()
            elif not as_json and isinstance(step, TriageOut) and step.level == "emergency":
                click.secho("【紧急】", fg="red", bold=True)
    finally:
        await engines.close()
    if not as_json:
        click.echo(f"\n\n{disclaimer}")
