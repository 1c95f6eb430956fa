"""`python -m llm.ship`: compute vectors and weights anew, after entries or examples have changed."""

import click

from llm import embedding, fit, likeness
from llm.knowledge import starter_entries


@click.command()
def main() -> None:
    """Write the vectors and the weights of triage and search for the entries and known phrasings as they are now."""
    entries = [(entry.title, entry.asked, entry.text) for entry in starter_entries()]
    embedding.ship(entries, [phrase for _, phrase in likeness.phrasings()])
    likeness.ship()
    fit.ship(fit.examples())


if __name__ == "__main__":
    main()
