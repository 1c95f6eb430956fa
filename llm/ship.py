"""`python -m llm.ship`: compute vectors and weights anew, after entries or examples have changed."""

from llm import embedding, likeness
from llm.knowledge import starter_entries

if __name__ == "__main__":
    entries = [(entry.title, entry.asked, entry.text) for entry in starter_entries()]
    embedding.ship(entries, [phrase for _, phrase in likeness.phrasings()])
    likeness.ship()
