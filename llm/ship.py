"""`python -m llm.ship`: compute the vectors of what comes with the box anew, after entries or examples have changed."""

from llm import embedding
from llm.knowledge import starter_entries
from llm.triage import examples

if __name__ == "__main__":
    entries = [(entry.title, entry.asked, entry.text) for entry in starter_entries()]
    embedding.ship(entries, [phrase for _, _, phrase in examples()])
