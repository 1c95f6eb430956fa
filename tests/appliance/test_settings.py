"""Settings: file, then variables, and a sentence for what does not fit."""

from pathlib import Path

import pytest

from appliance.settings import SettingsError, load_settings


def test_defaults_are_a_box_on_loopback(tmp_path):
    settings = load_settings({"XIANGYI_DATA_DIR": str(tmp_path)})
    assert (settings.host, settings.port, settings.compute) == ("127.0.0.1", 8080, "auto")
    assert settings.llm.host == "127.0.0.1"


def test_variables_lie_over_the_file(tmp_path):
    (tmp_path / "xiangyi.toml").write_text('port = 9000\ncompute = "cpu"\n[llm]\nport = 9001\nthreads = 2\n')
    settings = load_settings({"XIANGYI_DATA_DIR": str(tmp_path), "XIANGYI_PORT": "9100", "XIANGYI_LLM_PORT": "9101"})
    assert (settings.port, settings.compute) == (9100, "cpu")
    assert (settings.llm.port, settings.llm.threads) == (9101, 2)
    assert settings.data_dir == Path(tmp_path).resolve()


@pytest.mark.parametrize(
    ("text", "names"),
    [("prot = 9000", "prot"), ('port = "many"', "port"), ('compute = "tpu"', "compute"), ("port = ", "xiangyi.toml")],
)
def test_a_mistake_is_named(tmp_path, text, names):
    (tmp_path / "xiangyi.toml").write_text(text)
    with pytest.raises(SettingsError, match=names):
        load_settings({"XIANGYI_DATA_DIR": str(tmp_path)})


def test_a_named_file_that_is_missing(tmp_path):
    with pytest.raises(SettingsError, match="nowhere"):
        load_settings({"XIANGYI_CONFIG": str(tmp_path / "nowhere.toml")})


def test_the_labelled_images_variable_is_not_ours():
    assert load_settings({"XIANGYI_DATA": "/somewhere"}).data_dir == Path("var").resolve()
