"""`xiangyi consult`: one answer of the running language model on the terminal."""

import sys

import click
import msgspec

from appliance.consultations import services
from appliance.consultations.schemas import Ask, ConsultationOut, QueuedOut, TriageOut
from appliance.consultations.services import Asker, Progress
from appliance.engines import Engines
from appliance.settings import Settings
from appliance.start import open_database


async def consult_once(settings: Settings, question: str, as_json: bool) -> None:
    """Ask, print as it comes (or the whole as JSON), keep it. Raises Invalid, TooLarge."""
    database, engines = open_database(settings), Engines(settings)
    try:
        async for step in services.ask(database, engines, settings, Asker(None, "terminal"), Ask(question)):
            if not as_json:
                _print(step)
            elif isinstance(step, ConsultationOut):
                click.echo(msgspec.json.format(msgspec.json.encode(step), indent=2).decode())
    finally:
        await engines.close()


def _print(step: Progress) -> None:
    match step:
        case str(text):
            click.echo(text, nl=False)
            sys.stdout.flush()
        case TriageOut(level="emergency"):
            click.secho("【紧急】", fg="red", bold=True)
        case QueuedOut(place):
            click.echo(f"前面还有 {place} 位在提问，请稍候。", err=True)
        case ConsultationOut():
            click.echo("\n")
            for source in step.sources:
                reviewed = "" if source.reviewed else "（尚未经临床医生审核）"
                click.echo(f"依据：{source.title}{reviewed}" + (f"  {source.url}" if source.url else ""))
            click.echo(step.disclaimer)
