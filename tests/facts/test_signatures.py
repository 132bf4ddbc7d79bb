"""The catalogue is data: each signature names its own examples, and a user's file is checked and comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import UsageError
from analysis.facts.log_lines import LogView
from analysis.facts.signatures import Signature, load_catalogue, with_lead
from analysis.facts.window import Window
from analysis.schema import COMPONENTS, KINDS

CATALOGUE = load_catalogue()


@pytest.mark.parametrize("signature", CATALOGUE.signatures, ids=lambda signature: signature.name)
def test_a_signature_matches_each_of_its_examples(signature: Signature) -> None:
    assert signature.examples and signature.explanation and signature.remedy
    for example in signature.examples:
        view = LogView(example.encode())
        hits = CATALOGUE.scanner.scan(Window(view, 0, len(view.buffer)).buffer)
        assert signature.name in {CATALOGUE.signatures[hit.pattern].name for hit in hits}


def test_the_signatures_speak_of_most_of_the_vocabulary() -> None:
    kinds = {signature.kind for signature in CATALOGUE.signatures}
    assert set(KINDS) - kinds <= {"http-401", "http-403", "http-416", "http-429"}
    assert {signature.fallback for signature in CATALOGUE.signatures} <= set(COMPONENTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[signature]]\nname = 'a'\npattern = 'x+y+z'\ncomponent = 'nobody'", "component"),
        ("[[signature]]\nname = 'a'\npattern = 'x+y+z'\nkind = 'bad'", "kind"),
        ("[[signature]]\nname = 'a'\npattern = '(?=abc)def'", "RE2"),
        ("[[signature]]\nname = 'a'\npattern = 'abc'\nextra = 1", "extra"),
        ("signature = 1", "records"),
        ("[[signature", "TOML"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_catalogue(path)


def test_a_users_signature_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[[signature]]\nname = 'git.fatal'\npattern = 'my own words'\nkind = 'timeout'\n", encoding="utf-8")
    found = load_catalogue(path)
    assert found.by_name["git.fatal"].kind == "timeout" and len(found.signatures) == len(CATALOGUE.signatures)
    assert found.version != CATALOGUE.version


def test_only_an_anchor_gets_the_runners_prefix() -> None:
    assert with_lead(r"[^a]\^b") == r"[^a]\^b" and with_lead("^a").endswith("a") and len(with_lead("^a")) > 20
