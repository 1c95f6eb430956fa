"""Models are listed, brought from a stick, chosen; the process that runs one takes the change by itself."""

import threading

import msgspec
import pytest

from appliance import language_models
from appliance.errors import Invalid, NotFound
from appliance.settings import LlmSettings, Settings
from llm.arrival import default_cache
from llm.download import model_path
from llm.registry import load_models


@pytest.fixture
def box(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data", llm=LlmSettings(cache=tmp_path / "cache"))


def test_a_file_from_a_stick_is_installed_and_chosen(box, tmp_path):
    stick = tmp_path / "my-model.gguf"
    stick.write_bytes(b"GGUF" + b"\0" * 100)
    told: list[str] = []
    assert not language_models.install(box, str(stick), told.append).chosen
    assert told == ["正在复制 my-model.gguf"]
    assert language_models.use(box, "my-model").chosen
    stick.unlink()
    assert language_models.chosen(box).endswith("own/my-model.gguf")
    assert [model.name for model in language_models.list_models(box) if model.chosen] == ["my-model"]


def test_what_is_no_model_or_is_not_here_is_a_sentence(box, tmp_path):
    (tmp_path / "text.gguf").write_bytes(b"hello")
    with pytest.raises(Invalid, match="不是 GGUF"):
        language_models.install(box, str(tmp_path / "text.gguf"), print)
    with pytest.raises(NotFound, match="没有叫"):
        language_models.install(box, "gpt-9", print)
    with pytest.raises(Invalid, match="llm install smollm2-135m"):
        language_models.use(box, "smollm2-135m")


def test_a_known_model_is_listed_with_what_it_needs(box):
    here = msgspec.structs.replace(box, llm=LlmSettings(cache=default_cache()))
    spec = load_models()["smollm2-135m"]
    if not model_path(spec, default_cache()).exists():
        pytest.skip("the small model has not been fetched on this machine yet")
    model = language_models.find(here, "smollm2-135m")
    assert (model.size_bytes, model.licence) == (98_362_432, "Apache-2.0") and model.path


def test_the_running_process_hears_of_a_change_once(box, tmp_path):
    stick = tmp_path / "other.gguf"
    stick.write_bytes(b"GGUF" + b"\0" * 100)
    language_models.install(box, str(stick), lambda _: None)
    heard = threading.Event()
    language_models.when_changed(box, heard.set, every_s=0.02)
    assert not heard.wait(0.1)
    language_models.use(box, "other")
    assert heard.wait(2)
