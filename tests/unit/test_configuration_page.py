"""docs/configuration.md is made from the settings table."""

from tools.configuration_page import PAGE, page
from wordai_jobs.config import Config


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_page_names_every_setting_and_its_variable() -> None:
    text = page()
    for section, field in Config.model_fields.items():
        assert field.annotation
        for key in field.annotation.model_fields:
            assert f"| `{key}` | " in text and f"`WORDAI_JOBS_{section}__{key}`".upper() in text
