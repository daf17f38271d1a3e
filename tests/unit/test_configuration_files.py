"""docs/configuration.md and config.example.toml agree with the settings table."""

import tomllib
from typing import cast

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tools.configuration import EXAMPLE, PAGE, example, page
from wordai_jobs.config import Config, parse_config

SETTINGS: dict[str, FieldInfo] = {
    f"{section}.{key}": setting
    for section, field in Config.model_fields.items()
    for key, setting in cast(type[BaseModel], field.annotation).model_fields.items()
}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_example_file_is_up_to_date() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example(), "run `make docs`"


@pytest.mark.parametrize("name", SETTINGS)
def test_the_page_names_every_setting_and_its_variable(name: str) -> None:
    section, key = name.split(".")
    assert f"| `{key}` | " in page() and f"`WORDAI_JOBS_{section}__{key}`".upper() in page()


def test_the_example_file_has_every_setting_with_its_default() -> None:
    settings = tomllib.loads(example())
    assert [f"{section}.{key}" for section in settings for key in settings[section]] == [*SETTINGS]
    assert parse_config(settings) == Config()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_says_in_sentences_what_it_means(name: str) -> None:
    meaning = SETTINGS[name].description
    assert meaning and meaning.endswith(".") and not meaning[0].islower()
