"""Who is at fault in a cause line? Component, host and image.

The line's own words come first: its host, the tool that wrote it. What it lacks is taken from its surroundings.
"""

from __future__ import annotations

import re

from analysis.facts import answers
from analysis.facts.candidates import Candidate
from analysis.facts.hosts import Found, Hosts, hosts, split_image
from analysis.facts.log_lines import LogView
from analysis.facts.surroundings import Surroundings, without_vertex
from analysis.facts.writer import BUILDS_ACTION, Writer

_PUBLIC_PULL = re.compile(
    r"Pull down action image|booting buildkit|Setting up build container|setup-(?:buildx|qemu)-action"
)
_REGISTRY_WORDS = re.compile(
    r"toomanyrequests|pull rate limit|httpReadSeeker|Error response from daemon|docker\.com/increase-rate-limit|"
    r"\bdocker (?:pull|push)\b|"
    r": (?:Pulling (?:from|fs layer)|Pull complete|Retrying in \d|Push(?:ed|ing)|Image already pushed|"
    r"Layer already exists)\b|"
    r"^Step \d+/\d+ : FROM|failed to resolve (?:source metadata|reference)"
)
# A login checks the password; where the manifest is refused for it later, the registry changed its mind.
_STORED_LOGIN = re.compile(
    r"(?:/manifests/|failed to (?:resolve|fetch oauth token|authorize)|load metadata for).{0,600}"
    r"incorrect username or password"
)
# The manifest was served and the layers begun: whoever is refused after that had been let in.
_AFTER_MANIFEST = re.compile(r"error pulling image configuration: .{0,80}unauthorized")
_ACTION_IMAGE = re.compile(r"Pull down action image|^Pulling .{1,200} for action")
_MAY_NOT_EXIST = re.compile(r"repository does not exist|manifest (?:for \S+ not found|unknown)")
_DOWNLOADED = re.compile(r"^Download action repository '([\w.-]+)/")
_COMMAND_OFF = re.compile(r"^(?:Error: )?The `?[a-z]+-[a-z]+`? command is disabled")
_PUSHED = re.compile(r"failed to push (\S{3,200}): .{0,300}(?:deadline|timeout|timed out)")
_OF_SCRIPT = re.compile(r"eval at callAsyncFunction")  # actions/github-script runs what the workflow gives it
_PROGRAM = frozenset(("python", "program", "php", "javascript", "runner"))
_PULLING_FROM = re.compile(r"\bPulling from ([\w./-]+)")
_ADDRESS = re.compile(r"\bhttps?://[^\s\"'<>()\[\]]{4,400}")
_TO_INSTALL = re.compile(
    r"://(?:get|install|downloads?|dl|cdn|releases?|pkgs?|packages?|repos?|registry|mirrors?|archives?|apt|deb|rpm|yum|"
    r"binaries|dist|artifacts?|assets|static|files?)\d*\.|\.(?:tar|tgz|zip|[gx]z|bz2|zst|deb|rpm|msi|exe|pkg|dmg|jar|"
    r"whl|sh|ps1|7z|bin|appimage)(?:$|[?#.:,])",
    re.IGNORECASE,
)
_WORDS_OF_GHCR = re.compile(
    r"unexpected status: 403 Forbidden\s*$|cannot reuse body, request must be retried|"
    r"retry-after: [\d.]+\S{1,2}, allowed: \d+/minute"
)
_NO_ANSWER = re.compile(r"\bETIMEDOUT\b(?! \d+\.)|\bERR_SOCKET_TIMEOUT\b")  # nobody answered, and nobody is named
_OF_ALL = re.compile(r"(?<![\w.-])github\.com\b")  # where this name is not found, the machine's resolver is at fault
_NO_WAY_OUT = re.compile(r"[Nn]etwork is unreachable|\bENETUNREACH\b")  # no packet left the machine
_GUESSES = frozenset(("unknown", "network"))
_OF_PROJECT = re.compile(r"^(?:g?make(?:\[\d+\])?: \*\*\* \[|npm (?:ERR!|error) |error Command failed|task: Failed)")


class Blame:
    """Who is at fault in one line of a log.

    Parameters
    ----------
    view : LogView
        The log.
    line : Candidate
        Its cause line.
    around : Surroundings
        The lines around that.
    """

    def __init__(self, view: LogView, line: Candidate, around: Surroundings) -> None:
        self.view = view
        self.line = line
        self.text = line.text
        self.around = around
        self.writer = Writer(view, line, around)
        self.hosts: Hosts = hosts()

    def component(self, found: Found | None) -> str:
        """The component at fault; ``from-access`` where only the operation tells (see `after_access`)."""
        named = self._named(found)
        if named == "user-config" and self._lacks_image_of_action():
            return self.owner_of_pulled(answers.image_in(self.text) or self.near_image())
        if (self._is_cut_off() or _NO_WAY_OUT.search(self.text)) and named not in (
            "user-code",
            "user-config",
            "runner-host",
        ):
            return "network"
        return "action" if named in ("user-code", "user-config") and self.writer.names_action() else named

    def _is_cut_off(self) -> bool:
        """Whether a name that everybody asks for was not found: here, or in the lines that say why."""
        texts = [self.text]
        if answers.kind_of_tail(self.text) is None:
            texts += [*self.around.up(2), *self.around.below[:6]]
        return any(_OF_ALL.search(text) and answers.kind_of_tail(text) == "dns" for text in texts)

    def _named(self, found: Found | None) -> str:
        if self.line.best.component == "unknown" and self.line.best.role == "cause":
            return "unknown"
        if self.line.best.role == "generic" and self.writer.thrown_by_action():
            return "action"
        named = [signature for signature in self.line.signatures if signature.component != "unknown"]
        if not named:
            return "action" if self.writer.thrown_by_action() else self._unnamed(found)
        if named[0].family == "javascript-runtime" and any(_OF_SCRIPT.search(text) for text in self.around.up(8)):
            return "user-code"
        if named[0].component == "from-step":
            if self.writer.thrown_by_action() or self.writer.in_action_step() or self.writer.is_set_failed(named[0]):
                return "action"
            own = named[0].fallback == "action" and any(_OF_PROJECT.match(text) for text in self.around.below[:5])
            return "user-config" if own else named[0].fallback
        if _COMMAND_OFF.search(self.text) and self.writer.in_own_step():
            return "user-config"
        if named[0].name == "buildkit.session-lost" and (pushed := _PUSHED.search(self.text)):
            return self._component_of_image(pushed[1])
        if named[0].component == "user-code" and named[0].family in _PROGRAM and self.writer.in_container_of_action():
            return "action"
        if named[0].component == "user-code" and self.writer.thrown_by_action():
            return "action"
        if named[0].component != "from-host":
            return named[0].component
        families = frozenset(signature.family for signature in named)
        fallbacks = [signature.fallback for signature in named if signature.component == "from-host"]
        fallback = next((name for name in fallbacks if name not in ("unknown", "network")), fallbacks[0])
        return self._from_host(found, families, fallback)

    def owner_of_pulled(self, image: str | None) -> str:
        """Who named an image that the runner pulls before the steps: the action's metadata, or the workflow."""
        name = image or ""
        if self.hosts.is_public(name):
            return self._component_of_image(name)
        owners = (match[1] for text in self.around.up(40) if (match := _DOWNLOADED.search(text)))
        return "action" if "action" in name or any(f"{owner}/".lower() in name for owner in owners) else "user-config"

    def _from_host(self, found: Found | None, families: frozenset[str], fallback: str) -> str:
        tool = self.hosts.tool(self.text)
        if found is not None and found.component is not None:
            if found.component == "git-hosting" and tool == "gha-service":
                return tool
            return found.component
        if found is not None and self._is_shared(found):
            tool = tool or self._near_tool()
        if tool is not None:
            silent = found is None and _NO_ANSWER.search(self.text) is not None and not self._names(tool)
            return "network" if silent else tool
        if found is not None and not self._is_shared(found) and self.writer.moves_layers():
            return "other-registry"
        peer = self.hosts.of_address(self.text) if found is None else None
        if peer is not None and (self._near_registry() or "docker-hub") in ("docker-hub", "ghcr"):
            return peer
        if "registry" in families or (found is None and self.writer.moves_layers()):
            return self._near_registry() or self._likeliest_registry()
        if found is None or self.hosts.is_storage(found.host):
            if _REGISTRY_WORDS.search(" ".join((self.text, *self.around.up(3), *self.around.below[:3]))):
                return self._near_registry() or self._likeliest_registry()
            near = self._near_component()
            near = near or (self._used_service() if found is None and fallback in _GUESSES else None)
            if near is not None:
                return near
        return "other-package-registry" if fallback in _GUESSES and self._downloads() else fallback

    def _lacks_image_of_action(self) -> bool:
        """Whether the runner pulls an image for an action, and that is not there."""
        return _MAY_NOT_EXIST.search(self.text) is not None and any(
            _ACTION_IMAGE.search(text) for text in self.around.up(12)
        )

    def _is_shared(self, found: Found) -> bool:
        """Whether a host serves many services and says nothing alone."""
        return self.hosts.is_mirror(found.host) or self.hosts.is_storage(found.host)

    def _likeliest_registry(self) -> str:
        """The registry where no line names one: Docker Hub, except for what only GHCR says, or does not say, so."""
        return "ghcr" if _WORDS_OF_GHCR.search(self.text) else self.hosts.registry_component

    def _downloads(self) -> bool:
        """Whether the address that was asked for is one of a file to install, at a host that no entry knows."""
        for text in (self.text, *self.around.up(8), *self.around.below[:3]):
            addresses = [match[0] for match in _ADDRESS.finditer(text)]
            if addresses:
                return any(_TO_INSTALL.search(address) for address in addresses)
        return False

    def host(self) -> Found | None:
        """The host of the line: of a URL, of an image, or a bare name that the map knows."""
        in_urls = self.hosts.in_text(self.text)
        known = [found for found in in_urls if found.component is not None]
        if known:
            return known[0]
        bare = self.hosts.known_in_text(self.text)
        if bare:
            return bare[0]
        plain = [found for found in in_urls if not self.hosts.is_storage(found.host)]
        return plain[0] if plain else (in_urls[0] if in_urls else None)

    def _used_service(self) -> str | None:
        """The service that the action of this step talks to, where nothing nearer names one."""
        return self.hosts.service_of_action(self.writer.title(60))

    def _unnamed(self, found: Found | None) -> str:
        """The component of an error in plain words: told only where it names a host and says how it failed."""
        if answers.kind_of_tail(self.text) is None:
            named = found.component if found is not None else None
            if named is not None and named.startswith("gha-"):
                return named
            return "buildkit" if self.writer.is_of_builder() else "unknown"
        return self._from_host(found, frozenset(), "unknown")

    def _near_registry(self) -> str | None:
        """The registry that the nearest line above names, of the same vertex first."""
        image = answers.image_in(self.text) or self.near_image()
        if image is not None:
            return self._component_of_image(image)
        for text in (*self.around.up(60), *self.around.inputs):
            found = [item for item in self.hosts.in_text(text) + self.hosts.known_in_text(text) if item.component]
            for item in found:
                if item.component is not None and self.hosts.is_registry(item.component):
                    return item.component
        return None

    def near_image(self) -> str | None:
        """The nearest image that the surroundings name, of the same vertex first."""
        for texts in (self.around.vertex_above, self.around.above, self.around.below, self.around.inputs):
            for text in texts:
                image = answers.image_in(without_vertex(text))
                if image is not None:
                    return self._with_host(image, text)
        return None

    def _with_host(self, image: str, text: str) -> str:
        """The image as the command above asked for it: "Pulling from" leaves the registry's host out."""
        name = _PULLING_FROM.search(text)
        if name is None:
            return image
        asked = (answers.image_in(above) for above in self.around.up(40) if f"/{name[1]}" in above)
        return next((full for full in asked if full is not None and f"/{name[1]}" in full), image)

    def _component_of_image(self, image: str) -> str:
        host, _ = split_image(image)
        if host == "docker.io":
            return self.hosts.registry_component
        return self.hosts.component(host) or "other-registry"

    def _near_component(self) -> str | None:
        for text in (*self.around.up(25), *self.around.below[:8]):
            tool = self.hosts.tool(text)
            found = [item for item in self.hosts.in_text(text) if item.component is not None]
            if found and tool != "gha-service":
                return found[0].component
            if tool is not None:
                return tool
        return None

    def _names(self, component: str) -> bool:
        texts = (*self.around.up(25), *self.around.below)
        return any(found.component == component for text in texts for found in self.hosts.in_text(text))

    def _near_tool(self) -> str | None:
        return next((tool for text in self.around.up(25) if (tool := self.hosts.tool(text)) is not None), None)

    def speaks_of_registry(self) -> bool:
        """Whether a signature of the line is about a registry."""
        return any(signature.family == "registry" for signature in self.line.signatures)

    def near_host(self, component: str) -> str | None:
        """The nearest host of the component, among the lines that belong to the failure."""
        for text in (*self.around.up(12), *self.around.below[:6]):
            for found in self.hosts.in_text(text):
                if found.component == component or (component == "gha-service" and found.host == "api.github.com"):
                    return found.host
        return None

    def host_of_image(self, image: str | None, component: str) -> str | None:
        """The registry that an image is asked of, where the component is one."""
        if image is None:
            return None
        host, _ = split_image(image)
        if not self.hosts.is_registry(component) and (component != "user-config" or not self.speaks_of_registry()):
            return None
        return self.hosts.registry_host if host == "docker.io" else host

    def after_access(self, found: Found | None, operation: str) -> str:
        """A refusal: the registry's own fault for what everyone may pull, else the configuration's."""
        image = answers.image_in(self.text) or self.near_image()
        if self._lacks_image_of_action():
            return self.owner_of_pulled(image)
        if _STORED_LOGIN.search(self.text) and found is not None and found.component is not None:
            return found.component
        registry = found.component if found is not None and found.component else None
        registry = registry or (self._component_of_image(image) if image else self.hosts.registry_component)
        if operation == "push":
            return "user-config"
        if _AFTER_MANIFEST.search(self.text) or any(BUILDS_ACTION.search(text) for text in self.around.up(40)):
            return registry
        if image is not None and self.hosts.is_public(image):
            return registry
        if any(_PUBLIC_PULL.search(text) for text in (*self.around.up(40), *self.around.inputs)):
            return registry
        return "user-config"
