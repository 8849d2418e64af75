"""Bad settings of Argo CD and Rancher, with the exact messages."""

from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import Settings, SettingsError, parse
from tests.support.bad_settings import NOT_A_REGION

pytestmark = pytest.mark.unit

NODES = {"type": "e2-standard-4", "min": 3, "max": 9}
PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl"], "country": "BE"}
IOWA = {"name": "us-central1", "cloud": "gcp", "nodes": NODES}
BELGIUM = {"name": "europe-west1", "cloud": "gcp", "nodes": NODES}
CELLAR = {"context": "cellar", "egressAddresses": ["192.0.2.10"], "geography": PLACE, "slot": 200}
OWN = {"name": "cellar", "cloud": "existing", **CELLAR}
URL = "https://git.example.org/council/platform.git"
URL_RULE = (
    "must be the HTTPS address of a Git repository, without a user or a password; write e.g. "
    "https://git.example.org/council/platform.git; the password is the secret gitopsRepositoryToken"
)
FOLDER_RULE = "must be a folder of the repository, seen from its root; write e.g. charts/sacred-council"
GOOD = {"enabled": True, "repository": {"url": URL}}


def configured(gitops: Mapping[str, Any], rancher: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the configuration of two regions on Google Cloud and an existing cluster."""
    return {
        "stage": "continental",
        "regions": [IOWA, BELGIUM, OWN],
        "clouds": {"gcp": {"project": "my-project"}},
        "database": {"primaryRegion": "us-central1"},
        "messaging": {"servers": 3},
        "gitops": dict(gitops),
        "rancher": dict(rancher),
        **more,
    }


def settings(gitops: Mapping[str, Any], rancher: Mapping[str, Any] | None = None, **more: Any) -> Settings:
    """Parse the settings of such a stack."""
    return parse(configured(gitops, rancher or {}, **more))


def complaints(gitops: Mapping[str, Any], rancher: Mapping[str, Any] | None = None, **more: Any) -> list[str]:
    """Return the messages about such a stack, without the project."""
    with pytest.raises(SettingsError) as caught:
        settings(gitops, rancher, **more)
    return [str(mistake).removeprefix("sacred-council:") for mistake in caught.value.mistakes]


GITOPS: list[tuple[dict[str, Any], str]] = [
    (
        {"enabled": True},
        "gitops.repository.url: is missing: Argo CD needs a repository to read from; "
        "write e.g. url: https://..., or enabled: false",
    ),
    (
        {**GOOD, "hub": "europe-west2"},
        f'gitops.hub: "europe-west2" {NOT_A_REGION}; did you mean europe-west1?',
    ),
    (
        {**GOOD, "canary": "mars"},
        f'gitops.canary: "mars" {NOT_A_REGION}; known here: us-central1, europe-west1, cellar',
    ),
    (
        {**GOOD, "canary": "cellar"},
        'gitops.canary: "cellar" is a cluster that Argo CD cannot reach: only your kubeconfig contains the address of '
        "its API; name the hub, or a region of gcp, aws or azure",
    ),
    (
        {"repository": {"url": "git@git.example.org:council/platform.git"}},
        f'gitops.repository.url: "git@git.example.org:council/platform.git" {URL_RULE}',
    ),
    (
        {"repository": {"url": "https://me:hunter2@git.example.org/x.git"}},
        f'gitops.repository.url: "https://me:hunter2@git.example.org/x.git" {URL_RULE}',
    ),
    *(
        (
            {"repository": {"url": f"https://git.example.org:{port}/x.git"}},
            f'gitops.repository.url: "https://git.example.org:{port}/x.git" {URL_RULE}',
        )
        for port in (0, 65536)
    ),
    (
        {"repository": {"revision": "-x"}},
        'gitops.repository.revision: "-x" must be a branch, a tag or a commit of the repository; '
        "write e.g. main or v1.4.0",
    ),
    (
        {"repository": {"path": "../elsewhere"}},
        f'gitops.repository.path: "../elsewhere" {FOLDER_RULE}',
    ),
    (
        {"repository": {"values": "/deploy"}},
        f'gitops.repository.values: "/deploy" {FOLDER_RULE}',
    ),
    ({"canari": "x"}, "gitops.canari: is not a setting; did you mean canary?"),
]


@pytest.mark.parametrize(("gitops", "expected"), GITOPS, ids=[expected[:50] for _, expected in GITOPS])
def test_a_bad_setting_of_argo_cd_is_reported_with_rule_and_remedy(gitops: dict[str, Any], expected: str) -> None:
    assert complaints(gitops) == [expected]


RANCHER: list[tuple[dict[str, Any], str]] = [
    (
        {"enabled": True},
        "rancher.hostname: is missing: Rancher needs the host name that users open; "
        "write e.g. hostname: rancher.example.org, or enabled: false",
    ),
    (
        {"hub": "us-central2"},
        f'rancher.hub: "us-central2" {NOT_A_REGION}; did you mean us-central1?',
    ),
    (
        {"ingressClass": "My Class"},
        'rancher.ingressClass: "My Class" must be the name of an IngressClass; `kubectl get ingressclasses` lists them',
    ),
]


@pytest.mark.parametrize(("rancher", "expected"), RANCHER, ids=[expected[:50] for _, expected in RANCHER])
def test_a_bad_setting_of_rancher_is_reported_with_rule_and_remedy(rancher: dict[str, Any], expected: str) -> None:
    assert complaints({}, rancher) == [expected]


def test_rancher_needs_the_certificates_that_come_with_the_mesh() -> None:
    rancher = {"enabled": True, "hostname": "rancher.example.org"}
    assert complaints({}, rancher, mesh={"enabled": False}) == [
        "rancher.enabled: true needs cert-manager, which comes with the mesh, and mesh.enabled is false; "
        "write mesh: {enabled: true}, or rancher: {enabled: false}"
    ]


def test_both_are_off_unless_they_are_asked_for() -> None:
    given = settings({})
    assert (given.gitops_hub, given.rancher_hub) == (None, None)
    assert [region.name for region in given.regions if given.managed_by_argocd(region.name)] == []


def test_the_hub_is_the_primary_region_unless_it_is_named() -> None:
    rancher = {"enabled": True, "hostname": "rancher.example.org"}
    assert (settings(GOOD, rancher).gitops_hub, settings(GOOD, rancher).rancher_hub) == ("us-central1", "us-central1")
    given = settings({**GOOD, "hub": "europe-west1"}, {**rancher, "hub": "cellar"})
    assert (given.gitops_hub, given.rancher_hub) == ("europe-west1", "cellar")


def test_argo_cd_deploys_to_its_own_cluster_and_to_those_whose_api_has_a_known_address() -> None:
    def reached(hub: str) -> list[str]:
        given = settings({**GOOD, "hub": hub})
        return sorted(region.name for region in given.regions if given.managed_by_argocd(region.name))

    assert reached("us-central1") == ["europe-west1", "us-central1"]
    assert reached("cellar") == ["cellar", "europe-west1", "us-central1"]


def test_a_cluster_of_one_s_own_may_be_the_canary_when_it_is_the_hub() -> None:
    assert settings({**GOOD, "hub": "cellar", "canary": "cellar"}).gitops.canary == "cellar"
