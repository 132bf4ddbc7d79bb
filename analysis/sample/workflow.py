"""The text of a repository's workflow file, with the action in question named as it was at a commit."""

from __future__ import annotations

from analysis.sample.case import Case, RepoFacts, languages

WORKFLOW = ".github/workflows/ci.yml"


def workflow_text(case: Case, repo: RepoFacts, ref: str) -> str:
    """YAML that GitHub would run.

    Parameters
    ----------
    ref : str
        Tag, floating tag or commit of the action in question.
    """
    jobs = [_test(case, repo), *([_build(case, repo, ref)] if repo.style != "plain" else [])]
    return "\n".join(
        [
            "name: CI",
            "on:",
            "  push: {branches: [main]}",
            "  pull_request:",
            "  schedule: [{cron: '17 3 * * *'}]",
            "jobs:",
            *jobs,
            *(["  deploy:\n    needs: [test, build]\n    if: github.event_name == 'push'\n    runs-on: ubuntu-24.04\n"
               "    steps:\n      - run: ./deploy.sh"] if repo.deploy else []),
            "",
        ]
    )  # fmt: skip


def _test(case: Case, repo: RepoFacts) -> str:
    spoken = languages()[repo.language]
    node = (
        ["      - uses: actions/setup-node@v4", "        with: {node-version: 22}"] if repo.language == "node" else []
    )
    return "\n".join(
        [
            "  test:",
            "    runs-on: ubuntu-24.04",
            "    steps:",
            f"      - uses: actions/checkout@{_latest(case, 'actions/checkout')}",
            *node,
            f"      - run: {spoken['install']}",
            f"      - run: {spoken['test']}",
        ]
    )


def _build(case: Case, repo: RepoFacts, ref: str) -> str:
    image = f"{repo.push}:${{{{ github.sha }}}}"
    head = ["  build:", "    runs-on: ubuntu-24.04"]
    if repo.parts:
        head += ["    strategy:", f"      matrix: {{part: [{', '.join(repo.parts)}]}}"]
        image = f"{repo.push}-${{{{ matrix.part }}}}:${{{{ github.sha }}}}"
    steps = ["    steps:", f"      - uses: actions/checkout@{_latest(case, 'actions/checkout')}"]
    if repo.style == "cli":
        return "\n".join(
            [*head, *steps, f"      - run: docker build -t {image} .", f"      - run: docker push {image}"]
        )
    named = [tag for tag, (sha, _) in case.actions[case.action].items() if sha == ref]
    comment = f" # {named[0]}" if named else ""
    return "\n".join(
        [
            *head,
            *steps,
            "      - uses: docker/setup-buildx-action@v3",
            *([f"        with: {{driver: {repo.driver}}}"] if repo.driver != "docker-container" else []),
            "      - uses: docker/login-action@v3",
            "        if: github.event_name != 'pull_request'",
            f"        with: {{registry: {repo.push.split('/')[0]}}}",
            f"      - uses: {case.action}@{ref}{comment}",
            "        with:",
            "          context: .",
            "          push: ${{ github.event_name != 'pull_request' }}",
            f"          tags: {image}",
        ]
    )


def _latest(case: Case, action: str) -> str:
    return list(case.actions[action])[-1]
