"""Text classes of failures."""

from __future__ import annotations

from analysis.diagnose.classes import text_class


def test_a_file_that_a_build_misses_counts_as_code_and_not_as_a_setting() -> None:
    assert text_class("user-config", "missing-file", "build-step") == text_class("user-code", "missing-file", "build-step")
    assert text_class("user-config", "missing-input", "build-step").group == "config"
