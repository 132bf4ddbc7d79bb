"""Looks at a registry on loopback that is healthy, or ill in one of the ways registries are."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import UsageError
from analysis.probe import look as looking
from analysis.probe import probe, probe_registries, probe_workflow, read_probes
from analysis.probe.registries import target
from analysis.schema import TABLES
from analysis.store import Store

NOW = datetime(2025, 1, 8, 13, tzinfo=UTC)
BLOB = b'{"architecture":"amd64"}'
DIGEST = "sha256:" + hashlib.sha256(BLOB).hexdigest()
CHILD = "sha256:" + "c" * 64
MANIFEST = {"schemaVersion": 2, "config": {"digest": DIGEST, "size": 24}, "layers": [{"digest": CHILD, "size": 900}]}
INDEX = {"schemaVersion": 2, "manifests": [{"digest": CHILD, "platform": {"architecture": "amd64"}}]}

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Registry:
    """A registry, its token service and its CDN, each on a port of its own; `faults` replace an answer."""

    hosts: dict[str, str] = field(default_factory=dict)
    faults: dict[str, Answer | Callable[[], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, str, dict[str, str]]] = field(default_factory=list)
    expires_in: int | None = 300

    @property
    def host(self) -> str:
        return self.hosts["registry"]

    def kinds(self) -> list[str]:
        return [kind for kind, *_ in self.asked]

    def answer(self, role: str, method: str, path: str, headers: dict[str, str]) -> Answer:
        kind = self.kind(role, path)
        self.asked.append((kind, method, path, headers))
        fault = self.faults.get(f"{method} {kind}", self.faults.get(kind))
        if fault is not None:
            return fault() if callable(fault) else fault
        if kind == "token":
            body: dict[str, Any] = {"token": "secret-token"} | (
                {"expires_in": self.expires_in} if self.expires_in else {}
            )
            return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()
        if kind == "cdn":
            return 206, {"Content-Range": f"bytes 0-0/{len(BLOB)}"}, BLOB[:1]
        if headers.get("Authorization") != "Bearer secret-token":
            realm = f'Bearer realm="http://{self.hosts["token"]}/token",service="registry.test",scope="x"'
            return 401, {"WWW-Authenticate": realm}, b'{"errors":[{"code":"UNAUTHORIZED"}]}'
        if kind == "manifest":
            return (
                200,
                {"Content-Type": "application/json"},
                json.dumps(INDEX if "latest" in path else MANIFEST).encode(),
            )
        if kind == "blob":
            return 307, {"Location": f"http://{self.hosts['cdn']}/data?sig=signed-secret"}, b""
        return 200, {}, b"{}"

    @staticmethod
    def kind(role: str, path: str) -> str:
        if role != "registry":
            return role
        return next((kind for kind in ("manifest", "blob") if f"/{kind}s/" in path), "v2")


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    servers = []
    for role in ("registry", "token", "cdn"):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made, role))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        made.hosts[role] = f"127.0.0.1:{server.server_port}"
    yield made
    for server in servers:
        server.shutdown()
        server.server_close()


def handler_of(made: Registry, role: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = made.answer(role, self.command, self.path, dict(self.headers))
            if status == 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *arguments: Any) -> None:
            return

    return Handler


def stages(rows: list[dict[str, Any]]) -> list[tuple[str, int | None, str | None]]:
    return [(row["operation"], row["http_status"], row["error"]) for row in rows]


def seen(registry: Registry, **named: Any) -> list[tuple[str, int | None, str | None]]:
    return stages(probe(registry.host, "octo/app:latest", now=lambda: NOW, **named))


def error_of(registry: Registry, operation: str) -> str:
    return next(error or "" for name, _, error in seen(registry) if name == operation)


def test_a_healthy_registry_answers_401_then_a_token_a_manifest_and_a_byte_of_a_blob(registry: Registry) -> None:
    assert seen(registry) == [("v2", 401, None), ("token", 200, None), ("manifest", 200, None), ("blob", 206, None)]


def test_a_look_is_rows_of_the_table(registry: Registry, tmp_path: Path) -> None:
    rows = probe(registry.host, "octo/app:latest", vantage="desk")
    assert all(set(row) == set(TABLES["probes"].columns) for row in rows)
    store = Store(tmp_path)
    store.upsert("probes", rows)
    store.upsert("probes", rows)
    assert len(store.read("probes")) == 4
    assert set(store.read("probes")["vantage"]) == {"desk"}
    assert all(row["latency_ms"] > 0 for row in rows)


def test_a_registry_that_wants_no_token_is_healthy_too(registry: Registry) -> None:
    registry.faults = {
        "v2": (200, {}, b"{}"),
        "manifest": (200, {}, json.dumps(MANIFEST).encode()),
        "blob": (200, {}, BLOB),
    }
    assert seen(registry) == [("v2", 200, None), ("manifest", 200, None), ("blob", 200, None)]


def test_a_registry_with_basic_login_is_healthy_and_asked_no_further(registry: Registry) -> None:
    registry.faults = {"v2": (401, {"WWW-Authenticate": 'Basic realm="https://x/",service="ecr"'}, b"")}
    assert seen(registry) == [("v2", 401, None)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((403, {}, b""), "403 from"),
        ((429, {}, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}'), "429 TOOMANYREQUESTS from"),
        ((503, {"cf-ray": "8f0c2a-SJC"}, b""), "cf-ray 8f0c2a-SJC"),
        ((200, {"Content-Type": "text/html"}, b"<html>captive</html>"), "a web page instead of a registry's answer"),
        ((401, {}, b""), "401 without a challenge"),
        ((0, {}, b""), "connection was reset"),
    ],
)
def test_a_front_door_that_is_ill_is_named_with_its_host(registry: Registry, fault: Answer, error: str) -> None:
    registry.faults = {"v2": fault}
    assert [operation for operation, *_ in seen(registry)] == ["v2"]
    assert error in error_of(registry, "v2")
    assert registry.host in error_of(registry, "v2")


def test_a_token_service_that_fails_ends_the_look(registry: Registry) -> None:
    registry.faults = {"token": (504, {}, b"")}
    assert [operation for operation, *_ in seen(registry)] == ["v2", "token"]
    assert error_of(registry, "token").startswith(f"504 from {registry.hosts['token']}")


def test_a_token_service_without_a_token_is_ill(registry: Registry) -> None:
    registry.faults = {"token": (200, {}, b"{}")}
    assert "200 without a token" in error_of(registry, "token")


def test_the_other_name_of_a_token_is_understood(registry: Registry) -> None:
    registry.faults = {"token": (200, {}, b'{"access_token": "secret-token"}')}
    assert seen(registry)[-1] == ("blob", 206, None)


def test_a_bad_cdn_behind_a_healthy_registry_is_found_and_named(registry: Registry) -> None:
    registry.faults = {"cdn": (403, {"x-amzn-requestid": "abc-1"}, b"<Error>")}
    looked = {operation: (status, error) for operation, status, error in seen(registry)}
    assert looked["manifest"] == (200, None)
    assert looked["blob"] == (403, f"403 from {registry.hosts['cdn']}, x-amzn-requestid abc-1")


def test_the_token_never_leaves_the_registry_and_a_signed_address_is_never_kept(registry: Registry) -> None:
    rows = probe(registry.host, "octo/app:latest")
    others = [headers for kind, _, _, headers in registry.asked if kind in ("cdn", "token")]
    assert others
    assert all("Authorization" not in headers for headers in others)
    assert "secret" not in json.dumps(rows, default=str)


def test_a_manifest_is_asked_by_head_and_read_once(registry: Registry) -> None:
    memory = looking.Memory()
    for _ in range(3):
        seen(registry, memory=memory)
    manifests = [method for kind, method, *_ in registry.asked if kind == "manifest"]
    assert manifests == ["HEAD", "GET", "GET", "HEAD", "HEAD"]


def test_a_byte_of_a_blob_is_asked_for_and_no_more(registry: Registry) -> None:
    seen(registry)
    asked = [headers["Range"] for kind, _, _, headers in registry.asked if kind in ("blob", "cdn")]
    assert asked == ["bytes=0-0", "bytes=0-0"]


def test_the_accepted_manifests_are_the_four_of_oci_and_docker(registry: Registry) -> None:
    seen(registry)
    accept = next(headers["Accept"] for kind, _, _, headers in registry.asked if kind == "manifest")
    assert accept.count("application/vnd.oci.image") == 2
    assert accept.count("application/vnd.docker.distribution.manifest") == 2


def test_a_token_is_used_again_until_it_ends_and_lasts_a_minute_where_nothing_is_said(registry: Registry) -> None:
    registry.expires_in = None
    memory, time = looking.Memory(), [0.0]
    for moment in (0.0, 59.0, 61.0):
        time[0] = moment
        seen(registry, memory=memory, clock=lambda: time[0])
    assert registry.kinds().count("token") == 2


def test_redirects_end_after_five(registry: Registry) -> None:
    registry.faults = {"cdn": (302, {"Location": "/again"}, b"")}
    assert "more than 5 redirects" in error_of(registry, "blob")


@pytest.mark.parametrize("location", ["http://93.184.216.34/x", "file:///etc/passwd", "ftp://x/y", "https://a@b@c/"])
def test_a_redirect_to_something_that_is_not_https_is_not_followed(registry: Registry, location: str) -> None:
    registry.faults = {"blob": (307, {"Location": location}, b"")}
    assert "not https" in error_of(registry, "blob")


def test_a_token_service_that_is_not_https_is_not_asked(registry: Registry) -> None:
    registry.faults = {"v2": (401, {"WWW-Authenticate": 'Bearer realm="http://token.example/t",service="x"'}, b"")}
    assert "token service that is not https" in error_of(registry, "token")


def test_an_unknown_image_says_so(registry: Registry) -> None:
    registry.faults = {"manifest": (404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')}
    assert error_of(registry, "manifest").startswith("404 from")
    assert "no blob is known: the manifest answered 404 MANIFEST_UNKNOWN" in error_of(registry, "blob")


def test_a_host_that_is_not_there_is_an_error_and_no_crash() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        rows = probe(host, "octo/app:latest")
    assert stages(rows) == [("v2", None, f"the connection is refused ({host})")]


def test_a_name_that_is_not_resolved_says_so() -> None:
    (row,) = probe("registry.invalid", "octo/app:latest")
    assert row["error"] == "the name is not resolved (registry.invalid)"


def rounds(registry: Registry, count: int, **named: Any) -> list[float]:
    """The moments at which looks began, on a clock that only sleeping moves."""
    time, began = [0.0], []

    def sleep(seconds: float) -> None:
        time[0] += seconds

    for _ in probe_registries(
        [registry.host], image="octo/app:latest", count=count, interval=60, clock=lambda: time[0], sleep=sleep,
        random=lambda: named.get("random", 0.0), now=lambda: NOW,
    ):  # fmt: skip
        began.append(time[0])
    return began


def test_looks_are_an_interval_apart_and_jitter_only_adds(registry: Registry) -> None:
    assert rounds(registry, 3) == [0, 60, 120]
    assert rounds(registry, 3, random=1.0) == pytest.approx([0, 66, 132])


def test_the_interval_doubles_while_the_registry_fails_up_to_ten_minutes(registry: Registry) -> None:
    registry.faults = {"v2": (503, {}, b"")}
    began = rounds(registry, 7)
    assert [after - before for before, after in pairwise(began)] == [120, 240, 480, 600, 600, 600]


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(registry: Registry) -> None:
    registry.faults = {"v2": (429, {"Retry-After": "900"}, b"")}
    assert rounds(registry, 2) == [0, 900]
    registry.faults = {"v2": (429, {"Retry-After": "Wed, 08 Jan 2025 13:20:00 GMT"}, b"")}
    assert rounds(registry, 2) == [0, 1200]


def test_a_registry_that_fails_does_not_slow_the_others(registry: Registry) -> None:
    time, looked = [0.0], []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{free.getsockname()[1]}"
        for rows in probe_registries(
            [dead, registry.host], image="octo/app:latest", count=3, clock=lambda: time[0],
            sleep=lambda s: time.__setitem__(0, time[0] + s), random=lambda: 0.0,
        ):  # fmt: skip
            looked.append((rows[0]["registry"] == dead, time[0]))
    assert [at for is_dead, at in looked if not is_dead] == [0, 60, 120]
    assert [at for is_dead, at in looked if is_dead] == [0, 120, 360]


@pytest.mark.parametrize(
    ("registry_name", "image", "expected"),
    [
        ("docker-hub", None, ("docker-hub", "registry-1.docker.io", "library/hello-world", "latest")),
        ("Docker.io", "alpine", ("docker-hub", "registry-1.docker.io", "library/alpine", "latest")),
        ("docker-hub", "docker.io/octo/app:1", ("docker-hub", "registry-1.docker.io", "octo/app", "1")),
        ("ghcr.io", None, ("ghcr", "ghcr.io", "containerd/busybox", "1.36")),
        ("ghcr", f"ghcr.io/octo/app@{CHILD}", ("ghcr", "ghcr.io", "octo/app", CHILD)),
        ("europe-docker.pkg.dev", "p/r/i:2", ("gar", "europe-docker.pkg.dev", "p/r/i", "2")),
        ("europe-docker.pkg.dev", None, ("gar", "europe-docker.pkg.dev", "", "")),
        ("1234.dkr.ecr.eu-west-1.amazonaws.com", None, ("ecr", "1234.dkr.ecr.eu-west-1.amazonaws.com", "", "")),
        ("https://mirror.example:5000/", "a/b", ("mirror.example:5000", "mirror.example:5000", "a/b", "latest")),
    ],
)
def test_a_registry_is_found_by_name_or_host(registry_name: str, image: str | None, expected: tuple[str, ...]) -> None:
    found = target(registry_name, image)
    assert (found.registry, found.host, found.name, found.reference) == expected


@pytest.mark.parametrize(
    "name", ["", "hub", "a b.example", "x.example/y", "-x.example", "http://evil@x.example", "ecr"]
)
def test_what_is_no_registry_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        probe(name)
    assert "\n" not in refused.value.line()


@pytest.mark.parametrize("image", ["UPPER", "a:b:c", "../x", "a b", "x@sha256:short"])
def test_what_is_no_image_is_refused_before_anything_is_asked(registry: Registry, image: str) -> None:
    with pytest.raises(UsageError, match="no image"):
        probe_registries([registry.host], image=image)
    assert registry.asked == []


def test_every_registry_of_the_catalogue_has_an_image() -> None:
    for name in ("docker-hub", "ghcr", "quay", "ecr-public", "gar", "mcr", "gitlab-registry", "other-registry"):
        assert target(name).name


def test_the_runners_script_measures_what_the_kit_measures(registry: Registry, tmp_path: Path) -> None:
    registry.faults = {"cdn": (403, {}, b"")}
    here = seen(registry)
    registry.asked.clear()
    given = {
        "targets": [{"registry": "mirror", "host": registry.host, "name": "octo/app", "reference": "latest"}],
        "path": "probes.jsonl", "vantage": "runner", "interval": 0.0, "count": 2,
    }  # fmt: skip
    script = Path(looking.__file__).read_text("utf-8")
    environment = {**os.environ, "PROBE": json.dumps(given)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, timeout=60)
    rows = read_probes((tmp_path / "probes.jsonl").read_bytes())
    assert stages(rows)[: len(here)] == here
    assert [operation for operation, *_ in stages(rows)[len(here) :]] == ["v2", "manifest", "blob"]
    assert {(row["registry"], row["vantage"]) for row in rows} == {("mirror", "runner")}
    assert all("Authorization" not in headers for kind, _, _, headers in registry.asked if kind in ("cdn", "token"))


def test_the_workflow_is_yaml_that_needs_no_permission_and_pins_what_it_uses() -> None:
    text = probe_workflow(["docker-hub", "ghcr"], interval=120)
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    steps = workflow["jobs"]["probe"]["steps"]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert uses == ["actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"]
    assert "${{" not in text
    given = json.loads(steps[0]["env"]["PROBE"])
    assert [aim["host"] for aim in given["targets"]] == ["registry-1.docker.io", "ghcr.io"]
    assert (given["interval"], given["count"]) == (120, 30)


def test_the_step_of_the_workflow_runs_as_a_shell_runs_it(registry: Registry, tmp_path: Path) -> None:
    step = yaml.safe_load(probe_workflow(["docker-hub"]))["jobs"]["probe"]["steps"][0]
    given = json.loads(step["env"]["PROBE"]) | {"count": 1}
    given["targets"] = [{"registry": "mirror", "host": registry.host, "name": "octo/app", "reference": "latest"}]
    environment = {**os.environ, "PROBE": json.dumps(given)}
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert len(read_probes((tmp_path / "probes.jsonl").read_bytes())) == 4


def test_looks_that_do_not_fit_into_a_job_are_refused() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        probe_workflow(["docker-hub"], interval=600, count=100)
    with pytest.raises(UsageError, match="no registry"):
        probe_workflow([])


@pytest.mark.shared
def test_the_pinned_action_is_a_release_that_exists() -> None:
    tags = Path(__file__).resolve().parents[2] / "shared" / "data" / "action_tags.json"
    if not tags.is_file():
        pytest.skip("the list of releases is not beside the repository")
    known = {
        tag["tag"]: tag["commit_sha"] for tag in json.loads(tags.read_text("utf-8"))["actions/upload-artifact"]["tags"]
    }
    assert f"actions/upload-artifact@{known['v7.0.0']} # v7.0.0" in probe_workflow(["docker-hub"])


LINE = {
    "registry": "ghcr", "probed_at": "2025-01-08T13:00:00+00:00", "operation": "v2", "vantage": "runner",
    "http_status": 401, "latency_ms": 80.5, "error": None, "host": "ghcr.io", "retry_after": None,
}  # fmt: skip


@pytest.mark.parametrize("shape", ["lines", "list", "printed"])
def test_looks_are_read_back_from_lines_a_list_or_what_the_command_printed(shape: str) -> None:
    made = {"lines": json.dumps(LINE) + "\n" + json.dumps(LINE), "list": json.dumps([LINE]),
            "printed": json.dumps({"probes": [LINE]})}  # fmt: skip
    row = read_probes(made[shape].encode())[0]
    assert set(row) == set(TABLES["probes"].columns)
    assert (row["probed_at"], row["http_status"]) == (NOW, 401)


def test_a_damaged_line_is_left_out_and_a_file_without_looks_is_refused() -> None:
    lines = [json.dumps(LINE), '{"registry": "gh', json.dumps(LINE | {"probed_at": "soon"}), "[]", "null"]
    assert len(read_probes("\n".join(lines).encode())) == 1
    with pytest.raises(UsageError, match="no looks"):
        read_probes(b"hello")


def test_a_runner_says_that_it_is_one() -> None:
    from analysis.probe.rounds import here

    assert here({}) == "local"
    named = here({"GITHUB_ACTIONS": "true", "ImageOS": "ubuntu24", "RUNNER_ENVIRONMENT": "github-hosted"})
    assert named == "github-actions ubuntu24 github-hosted"


def test_what_the_runners_saw_is_imported_into_the_data_folder(tmp_path: Path) -> None:
    from analysis.import_ import import_paths

    (tmp_path / "probes.jsonl").write_text(json.dumps(LINE) + "\n" + json.dumps(LINE | {"operation": "token"}), "utf-8")
    store = Store(tmp_path / "data")
    imported = import_paths([tmp_path / "probes.jsonl"], store)
    assert imported.rows["probes"] == 2
    assert sorted(store.read("probes")["operation"]) == ["token", "v2"]


HEADERS = st.dictionaries(
    st.sampled_from(["www-authenticate", "location", "content-type", "retry-after", "cf-ray"]),
    st.text(max_size=40)
    | st.sampled_from(
        ['Bearer realm="https://t.example/token",service="s"', "https://cdn.example/x", "//x", "http://[", "60"]
    ),
    max_size=3,
)
DOOR = looking.Answer(401, {"www-authenticate": 'Bearer realm="https://t.example/token",service="s"'}, b"")
TOKEN = looking.Answer(200, {}, b'{"token": "t"}')
ANSWERS = st.builds(
    looking.Answer,
    st.sampled_from([200, 206, 301, 302, 307, 401, 403, 404, 429, 500, 503]),
    HEADERS,
    st.binary(max_size=30)
    | st.sampled_from([b'{"token": "t", "expires_in": "x"}', b'{"errors": [1]}', json.dumps(MANIFEST).encode(), b"[]"]),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([(), (DOOR,), (DOOR, TOKEN)]), st.lists(ANSWERS, min_size=1, max_size=12))
def test_no_answer_whatever_breaks_a_look(healthy: tuple[looking.Answer, ...], ill: list[looking.Answer]) -> None:
    left = iter([*healthy, *ill])
    asked: list[tuple[str, dict[str, str]]] = []

    def ask(method: str, url: str, headers: Any, most: int) -> looking.Answer:
        asked.append((url, dict(headers)))
        answer = next(left, None)
        if answer is None:
            raise looking.Unreachable("no more")
        return answer

    aim = looking.Target("mirror", "registry.example", "octo/app", "latest")
    looked = list(looking.look(aim, ask, memory=looking.Memory()))
    operations = [stage.operation for stage in looked]
    assert operations == [name for name in ("v2", "token", "manifest", "blob") if name in operations]
    assert all(url.startswith("https://") for url, _ in asked)
    assert all(url.startswith("https://registry.example/") for url, sent in asked if "Authorization" in sent)
    assert all((stage.error or "").isprintable() for stage in looked)
