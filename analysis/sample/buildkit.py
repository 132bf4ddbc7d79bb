"""What docker's actions and BuildKit write into a job log: small parts that make up a step's output.

In: images, instructions, tags, and how the build ends. Out: lines for `StepPlan.output`. The wording is
BuildKit's plain progress and docker/build-push-action's groups (January to October 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.sample.objects import stable_id, stable_sha

HUB = "https://registry-1.docker.io/v2"


@dataclass(frozen=True)
class Tools:
    """Versions of what floats below the actions."""

    docker: str = "26.1.3"
    buildx: str = "0.19.3"
    buildkit: str = "0.18.2"


@dataclass(frozen=True)
class Vertex:
    """One numbered part of a build.

    Attributes
    ----------
    error : str or None
        What its ``ERROR:`` line says; None where it is done.
    """

    title: str
    lines: Sequence[str] = ()
    seconds: float = 0.1
    error: str | None = None


@dataclass(frozen=True)
class Frame:
    """The piece of the Dockerfile that BuildKit prints below an error.

    Attributes
    ----------
    file : str
        Name of the Dockerfile.
    lines : sequence of str
        Its text around the line.
    first, pointed : int
        Number of the first line shown, and of the one with the arrow.
    """

    lines: Sequence[str]
    first: int
    pointed: int
    file: str = "Dockerfile"


def setup_buildx_output(
    builder: str, tools: Tools = Tools(), *, driver: str = "docker-container", boot: Vertex | None = None
) -> list[str]:
    """Output of docker/setup-buildx-action; `boot` replaces the vertex that pulls moby/buildkit.

    With the driver ``docker`` nothing is pulled: the daemon's own BuildKit builds.
    """
    version = _group("Buildx version", "[command]/usr/bin/docker buildx version", _buildx(tools))
    if driver == "docker":
        return [*docker_version(tools), *version, *inspect_builder("default", tools, driver=driver)]
    booting = boot or Vertex(
        "[internal] booting buildkit",
        (
            "pulling image moby/buildkit:buildx-stable-1",
            "pulling image moby/buildkit:buildx-stable-1 2.6s done",
            f"creating container buildx_buildkit_{builder}0",
            f"creating container buildx_buildkit_{builder}0 0.5s done",
        ),
        3.1,
    )
    lines = [
        *docker_version(tools),
        *version,
        "##[group]Creating a new builder instance",
        f"[command]/usr/bin/docker buildx create --name {builder} --driver docker-container --buildkitd-flags "
        "--allow-insecure-entitlement security.insecure --allow-insecure-entitlement network.host --use",
        builder,
        "##[endgroup]",
        "##[group]Booting builder",
        f"[command]/usr/bin/docker buildx inspect --bootstrap --builder {builder}",
        *progress([booting], spaced=False),
    ]
    if booting.error:
        return [*lines, *summary(booting), f"ERROR: {booting.error}"]
    return [
        *lines,
        *(f"{key:<14} {value}" for key, value in (("Name:", builder), ("Driver:", "docker-container"))),
        "##[endgroup]",
        *inspect_builder(builder, tools),
        *_group("BuildKit version", f"{builder}0: v{tools.buildkit}"),
    ]


def build_output(
    builder: str,
    vertices: Sequence[Vertex],
    *,
    tools: Tools = Tools(),
    driver: str = "docker-container",
    command: str = "docker buildx build .",
    failure: str | None = None,
    frame: Frame | None = None,
) -> list[str]:
    """Output of docker/build-push-action around a build.

    Parameters
    ----------
    vertices : sequence of Vertex
        The build; the last one may have failed.
    failure : str, optional
        What follows ``ERROR: failed to solve: `` (``ERROR: `` where it already says so).
    frame : Frame, optional
        Piece of the Dockerfile that is printed before it.
    """
    name = "default" if driver == "docker" else builder
    lines = [
        *_group("GitHub Actions runtime token ACs", "refs/heads/main: read/write"),
        *docker_version(tools),
        *_group("Proxy configuration", "No proxy configuration found"),
        *_group("Buildx version", "[command]/usr/bin/docker buildx version", _buildx(tools)),
        *inspect_builder(name, tools, title="Builder info", driver=driver),
        f"[command]/usr/bin/{command}",
        f'#0 building with "{name}" instance using {driver} driver',
        "",
        *progress(vertices),
    ]
    if failure is not None:
        return [*lines, *summary(vertices[-1]), *frame_lines(frame), f"ERROR: {solve(failure)}"]
    digests = [line.split()[2] for line in vertices[-1].lines if line.startswith("exporting manifest ")]
    return [*lines, *(line for title in ("ImageID", "Digest") for line in _group(title, *digests))]


def build_error(failure: str) -> str:
    """The action's own closing error."""
    return f"buildx failed with: ERROR: {solve(failure)}"


def solve(failure: str) -> str:
    """BuildKit's outermost wrapper."""
    return failure if failure.startswith("failed to solve") else f"failed to solve: {failure}"


def build_vertices(
    images: Sequence[str], instructions: Sequence[str], *, tags: Sequence[str] = (), push: bool = False
) -> list[Vertex]:
    """The vertices of a build that goes well: metadata, layers of the base images, instructions, export and push."""
    found = [Vertex("[internal] load build definition from Dockerfile", ("transferring dockerfile: 1.21kB done",), 0.0)]
    for image in images:
        name, _ = _hub_name(image)
        if name:
            found.append(Vertex(f"[auth] {name}:pull token for registry-1.docker.io", (), 0.0))
    found += [metadata_vertex(image) for image in images]
    found.append(Vertex("[internal] load .dockerignore", ("transferring context: 214B done",), 0.0))
    steps = len(instructions) + 1
    for image in images:
        found.append(from_vertex(image, steps))
    found.append(Vertex("[internal] load build context", ("transferring context: 1.18MB 0.1s done",), 0.1))
    for place, instruction in enumerate(instructions, 2):
        seconds = 0.1 + stable_id(instruction) % 90 / 10 if instruction.startswith("RUN") else 0.1
        found.append(Vertex(f"[stage-0 {place}/{steps}] {instruction}", (), seconds))
    if tags:
        found += export_vertices(tags, push=push)
    return found


def metadata_vertex(image: str, error: str | None = None) -> Vertex:
    """The look-up of a base image's manifest."""
    return Vertex(f"[internal] load metadata for {image}", (), 0.6, error)


def from_vertex(image: str, steps: int, error: str | None = None) -> Vertex:
    """The pull of a base image's layers."""
    digest = sha256("index", image)
    layers = [sha256("layer", image, n) for n in range(3)]
    pulled = [f"{layer} {12.4 + n:.2f}MB / {12.4 + n:.2f}MB 0.{n + 2}s done" for n, layer in enumerate(layers)]
    lines = [f"resolve {image}@{digest} 0.0s done"]
    if error is None:
        lines += [*pulled, f"extracting {layers[0]} 0.4s done"]
    return Vertex(f"[stage-0 1/{steps}] FROM {image}@{digest}", lines, 1.9, error)


def export_vertices(tags: Sequence[str], *, push: bool, error: str | None = None) -> list[Vertex]:
    """Export to an image, and the push of it; `error` ends the push."""
    digest = sha256("manifest", *tags)
    lines = ["exporting layers", "exporting layers 1.4s done", f"exporting manifest {digest} 0.0s done"]
    lines += [f"naming to {tag} done" for tag in tags]
    found: list[Vertex] = []
    if push:
        lines.append("pushing layers")
        if error is None:
            lines += ["pushing layers 2.2s done", f"pushing manifest for {tags[0]}@{digest} 0.9s done"]
        else:
            lines.append("pushing layers 0.8s done")
        host = "registry-1.docker.io" if _hub_name(tags[0])[0] else tags[0].split("/")[0]
        name = _hub_name(tags[0])[0] or "/".join(tags[0].split(":")[0].split("/")[1:])
        found.append(Vertex(f"[auth] {name}:pull,push token for {host}", (), 0.0))
    return [*found, Vertex("exporting to image", lines, 4.7, error)]


def blob_error(image: str, answer: str | None) -> str:
    """A layer that was promised and not served: containerd before 2.2 names the registry, not its CDN.

    Parameters
    ----------
    answer : str or None
        ``403 Forbidden``, ``404 Not Found``; None leaves URL and code out, as the thread of case 1 shows it.
    """
    head = "failed to copy: httpReadSeeker: failed open: unexpected status code"
    if answer is None:
        return head
    name, _ = _hub_name(image)
    base = f"{HUB}/{name}" if name else f"https://{image.split('/')[0]}/v2/{'/'.join(_path(image))}"
    return f"{head} {base}/blobs/{sha256('layer', image, 1)}: {answer}"


def metadata_error(image: str, answer: str) -> str:
    """A manifest that could not be had."""
    name, tag = _hub_name(image)
    return (
        f"failed to resolve source metadata for {image}: unexpected status from HEAD request to "
        f"{HUB}/{name}/manifests/{tag}: {answer}"
    )


def token_error(image: str, answer: str) -> str:
    """A token that auth.docker.io did not give."""
    name, _ = _hub_name(image)
    scope = f"repository%3A{(name or '').replace('/', '%2F')}%3Apull"
    return (
        f"failed to resolve source metadata for {image}: failed to authorize: failed to fetch anonymous token: "
        f"unexpected status from GET request to https://auth.docker.io/token?scope={scope}&service=registry.docker.io: "
        f"{answer}"
    )


def push_error(tag: str, answer: str) -> str:
    """A layer that the registry refused to take; a missing upload (404) shows at the PATCH, a refusal at the HEAD."""
    name, _ = _hub_name(tag)
    if answer.startswith("404"):
        upload = stable_sha("upload", tag)
        uuid = "-".join((upload[:8], upload[8:12], upload[12:16], upload[16:20], upload[20:32]))
        where = f"PATCH request to {HUB}/{name}/blobs/uploads/{uuid}?_state=REDACTED"
    else:
        where = f"HEAD request to {HUB}/{name}/blobs/{sha256('layer', tag)}"
    return f"failed to push {tag}: unexpected status from {where}: {answer}"


def progress(vertices: Sequence[Vertex], *, spaced: bool = True) -> list[str]:
    """Plain progress: each vertex numbered from 1, done or in error."""
    lines: list[str] = []
    for number, vertex in enumerate(vertices, 1):
        lines.append(f"#{number} {vertex.title}")
        lines += [f"#{number} {line}" for line in vertex.lines]
        lines.append(f"#{number} ERROR: {vertex.error}" if vertex.error else f"#{number} DONE {vertex.seconds:.1f}s")
        lines += [""] if spaced and number < len(vertices) else []
    return lines


def summary(vertex: Vertex) -> list[str]:
    """The block that repeats the failed vertex, with the last lines it wrote if it ran something."""
    shown = [line for line in vertex.lines[-12:] if line[:1].isdigit() and "RUN" in vertex.title]
    return ["------", f" > {vertex.title}:", *shown, "------"]


def frame_lines(frame: Frame | None) -> list[str]:
    """The Dockerfile with an arrow at the line that BuildKit holds to be the place."""
    if frame is None:
        return []
    shown = [
        f"  {number:2d} | {'>>>' if number == frame.pointed else '   '} {text}"
        for number, text in enumerate(frame.lines, frame.first)
    ]
    return [f"{frame.file}:{frame.pointed}", "-" * 20, *shown, "-" * 20]


def docker_version(tools: Tools = Tools()) -> list[str]:
    """The group ``Docker info`` that docker's actions open with."""
    return _group(
        "Docker info",
        "[command]/usr/bin/docker version",
        "Client: Docker Engine - Community",
        f" Version:           {tools.docker}",
        " OS/Arch:           linux/amd64",
        " Context:           default",
        "",
        "Server: Docker Engine - Community",
        " Engine:",
        f"  Version:          {tools.docker}",
        "  OS/Arch:          linux/amd64",
        "  Experimental:     false",
    )


def inspect_builder(
    builder: str, tools: Tools = Tools(), *, title: str = "Inspect builder", driver: str = "docker-container"
) -> list[str]:
    """The builder as JSON; the version of BuildKit stands only here."""
    return _group(
        title,
        "{",
        '  "nodes": [',
        "    {",
        f'      "name": "{builder}{"0" * (driver == "docker-container")}",',
        '      "endpoint": "unix:///var/run/docker.sock",',
        '      "status": "running",',
        f'      "buildkit": "v{tools.buildkit}",',
        '      "platforms": "linux/amd64,linux/amd64/v2,linux/amd64/v3,linux/386"',
        "    }",
        "  ],",
        f'  "name": "{builder}",',
        f'  "driver": "{driver}"',
        "}",
    )


def builder_name(*facts: object) -> str:
    """The random name that setup-buildx-action gives its builder."""
    text = stable_sha("builder", *facts)
    return f"builder-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def sha256(*facts: object) -> str:
    """A digest that follows from the facts."""
    return f"sha256:{(stable_sha(*facts) + stable_sha('more', *facts))[:64]}"


def _buildx(tools: Tools) -> str:
    return f"github.com/docker/buildx v{tools.buildx} {stable_sha('buildx', tools.buildx)}"


def _hub_name(reference: str) -> tuple[str | None, str]:
    """Docker Hub's repository and tag of a reference, None where another registry holds it."""
    host, *path = reference.split("/")
    name, _, tag = "/".join(path).partition(":")
    return (name if host == "docker.io" else None), tag or "latest"


def _path(reference: str) -> list[str]:
    return reference.partition(":")[0].split("/")[1:]


def _group(title: str, *lines: str) -> list[str]:
    return [f"##[group]{title}", *lines, "##[endgroup]"]
