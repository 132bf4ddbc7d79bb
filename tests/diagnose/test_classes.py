"""Text classes of failures."""

from __future__ import annotations

from analysis.diagnose.classes import text_class


def test_a_file_that_a_build_misses_counts_as_code_and_not_as_a_setting() -> None:
    by_code, by_settings = (text_class(who, "missing-file", "build-step") for who in ("user-code", "user-config"))
    assert by_settings == by_code
    assert text_class("user-config", "missing-input", "build-step").group == "config"
