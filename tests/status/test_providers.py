"""The catalogue of status pages, and what their words mean here."""

import pytest

from analysis.schema import COMPONENTS
from analysis.status.providers import load_providers, provider_for_filing, provider_named
from tests.status.bodies import statusio_rss, the_incident

POST = ("January 8, 2025 05:00 PST", "Investigating", "We are looking.")


def docker(title: str, text: str = "We are looking.") -> list[str]:
    body = statusio_rss(("January 8, 2025 05:00 PST", "Investigating", text), title=title)
    return list(the_incident(body, "docker-hub")["components"])


def test_every_component_in_the_catalogue_is_one_of_ours_or_says_it_is_not() -> None:
    for provider in load_providers().values():
        assert set(provider.covers) <= set(COMPONENTS)
        mapped = {part.partition(":")[0] for ours in provider.components.values() for part in ours}
        assert mapped | set(provider.default) <= set(COMPONENTS), provider.name


def test_every_page_is_https_and_has_a_zone_and_a_history() -> None:
    for provider in load_providers().values():
        addresses = [provider.page, *provider.history, *([provider.now] if provider.now else [])]
        assert all(address.startswith("https://") for address in addresses)
        assert provider.history
        assert provider.zone is not None


def test_no_two_pages_share_a_name() -> None:
    names = [name for p in load_providers().values() for name in {p.name, p.title.lower(), *p.aliases}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "page"),
    [("ghcr", "github"), ("GHA-Cache", "github"), ("Docker Hub", "docker-hub"), ("docker", "docker-hub"),
     ("gar", "google-cloud"), ("ecr", "aws"), ("quay.io", "quay"), ("PyPI", "pypi")],
)  # fmt: skip
def test_a_page_is_found_by_any_of_its_names_or_by_what_it_covers(name: str, page: str) -> None:
    found = provider_named(name)
    assert found is not None
    assert found.name == page


def test_an_unknown_name_is_no_page() -> None:
    assert provider_named("our-mirror") is None


@pytest.mark.parametrize(
    "title",
    ["Docker Desktop for macOS flagged as malware", "Docker Desktop", "Issue with Docker Desktop login",
     "Docker Desktop unable to pull images"],
)  # fmt: skip
def test_docker_desktop_never_excuses_a_pull(title: str) -> None:
    assert docker(title) == ["Docker Desktop"]


def test_docker_desktop_in_the_posts_alone_is_still_desktop() -> None:
    assert docker("Malware warning", "macOS users of Docker Desktop see a warning.") == ["Docker Desktop"]


def test_an_incident_of_the_registry_and_of_desktop_is_both() -> None:
    assert docker("Docker Hub registry and Docker Desktop login errors") == ["docker-hub", "Docker Desktop"]


@pytest.mark.parametrize(
    ("title", "components"),
    [("Docker Hub Registry errors", ["docker-hub"]), ("Full Service Disruption", ["docker-hub"]),
     ("Degraded Hub performance", ["docker-hub"]), ("Image push webhooks not firing", ["Docker Hub Webhooks"]),
     ("Docker Hub automated builds issue", ["Docker Hub Automated Builds"]), ("Docker Scout", ["Docker Scout"]),
     ("Documentation site is down", ["Docker web sites"])],
)  # fmt: skip
def test_dockers_feed_names_no_component_so_its_words_do(title: str, components: list[str]) -> None:
    assert docker(title) == components


def test_a_component_given_as_a_name_is_what_the_page_counts_for() -> None:
    page = provider_for_filing("ghcr")
    assert page.name == "ghcr"
    assert page.components_of([], "Something broke", []) == (("ghcr",), None)
    assert page.components_of(["Packages", "Codespaces"], "", [])[0] == ("ghcr", "Codespaces")


def test_an_unknown_page_counts_for_its_own_name_or_for_what_it_names() -> None:
    page = provider_for_filing("our-mirror")
    assert page.components_of([], "Down", [])[0] == ("our-mirror",)
    assert page.components_of(["Docker Hub", "Wiki"], "Down", [])[0] == ("docker-hub", "Wiki")


def test_a_part_of_a_page_can_be_about_one_direction() -> None:
    npm = provider_for_filing("npm")
    assert npm.components_of(["Package publishing"], "", []) == (("npm",), "push")
    assert npm.components_of(["Package publishing", "Package installation"], "", []) == (("npm",), None)


def test_a_disruption_of_all_services_that_lists_desktop_is_the_registrys_too() -> None:
    text = "We see issues accessing all Docker services, among them Docker Desktop and Scout."
    assert docker("Full Service Disruption", text) == ["docker-hub", "Docker Desktop"]


@pytest.mark.parametrize(
    ("title", "components"),
    [("Elevated error rates", ["pypi"]), ("PyPI is slow", ["pypi"]), ("www.python.org 503", ["python.org"]),
     ("TestPyPI is down", ["TestPyPI"])],
)  # fmt: skip
def test_pythons_page_is_about_pypi_unless_it_says_otherwise(title: str, components: list[str]) -> None:
    assert the_incident(statusio_rss(POST, title=title), "pypi")["components"] == components
