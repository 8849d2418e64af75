"""Chart packages: their sources, the parts that the sandbox removes, and its substitutes."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from components import versions
from sandbox import charts, crds, engine
from sandbox.charts import launcher, packages, repositories, substitutes
from sandbox.charts.repositories import Chart, Charts, DownloadError, UnreachableError
from sandbox.layout import Layout
from tests.support.chart_packages import DEFINITION, repository, small, write_pins
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

HERE = "https://charts.example.test/stable"
NOWHERE = "https://charts.invalid/helm"
END_SECONDS = 20.0


@pytest.fixture(autouse=True)
def _without_internet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(repositories.DOWNLOAD_VARIABLE, "off")
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path / "charts"))


def layout(home: Path) -> Layout:
    return Layout(project=ROOT, home=home, binaries=home)


def test_every_chart_of_the_program_is_pinned() -> None:
    found = {(chart.repository, chart.name, chart.version) for chart in repositories.pinned(ROOT)}
    pins = [value for value in vars(versions).values() if isinstance(value, versions.ChartVersion)]
    assert found == {(pin.repository, pin.name, pin.version) for pin in pins}


def test_a_project_pins_its_own_charts_and_one_without_pins_has_those_of_this_checkout(tmp_path: Path) -> None:
    write_pins(tmp_path, Chart(HERE, "mine", "1.0.0"))
    assert repositories.pinned(tmp_path) == [Chart(HERE, "mine", "1.0.0")]
    assert repositories.pinned(tmp_path / "none") == repositories.pinned(ROOT)


def test_the_same_files_make_the_same_bytes_which_tar_reads() -> None:
    package = packages.write({"a/Chart.yaml": b"name: a\n", "a/values.yaml": b""})
    assert package == packages.write({"a/Chart.yaml": b"name: a\n", "a/values.yaml": b""})
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        assert archive.getnames() == ["a/Chart.yaml", "a/values.yaml"]
    assert packages.read(package, "a.tgz") == {"a/Chart.yaml": b"name: a\n", "a/values.yaml": b""}


@pytest.mark.parametrize(
    "content",
    [b"", b"no package", gzip.compress(b"no archive"), small("a", "1")[:300]],
    ids=["empty", "text", "no archive", "cut off"],
)
def test_a_file_that_is_no_package_is_refused_with_its_name_and_a_remedy(content: bytes) -> None:
    with pytest.raises(packages.PackageError, match=r"a-1\.tgz is not a chart package .*; delete it"):
        packages.read(content, "a-1.tgz")


def test_a_package_must_be_what_its_name_says() -> None:
    files = packages.read(small("small", "v1.2.3"), "small")
    packages.require(files, "small", "1.2.3", "small")
    for name, version in (("other", "1.2.3"), ("small", "1.2.4")):
        with pytest.raises(packages.PackageError, match=r"holds chart small v1\.2\.3, not .*; rename or delete it"):
            packages.require(files, name, version, "it.tgz")


def test_a_package_with_nothing_to_take_out_is_served_as_it_is() -> None:
    package = packages.write({"a/Chart.yaml": b"name: a\n", "a/templates/a.yaml": b"kind: Service\n"})
    assert packages.answerable(package, "a") is package


def test_programs_and_providers_have_one_environment_wherever_charts_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only these two variables differ between charts of the folder, downloads and substitutes.
    own = (repositories.FOLDER_VARIABLE, repositories.DOWNLOAD_VARIABLE)
    seen = []
    for folder, download in (("full", "off"), ("empty", "on"), ("empty", "off")):
        for name, value in zip(own, (str(tmp_path / folder), download), strict=True):
            monkeypatch.setenv(name, value)
        environment = engine.environment(layout(tmp_path))
        script = charts.launcher_script(layout(tmp_path), Path("/bin/sh"))
        seen.append((script, {name: value for name, value in environment.items() if name not in own}))
    assert seen[0] == seen[1] == seen[2]
    assert {"HTTPS_PROXY", "SSL_CERT_FILE", "HELM_CACHE_HOME"} & seen[0][1].keys() == (
        {"HTTPS_PROXY", "SSL_CERT_FILE", "HELM_CACHE_HOME"} & os.environ.keys()
    )


def test_what_is_taken_out_once_is_not_taken_out_again() -> None:
    once = packages.answerable(small("small", "1.0.0"), "small")
    assert once != small("small", "1.0.0")
    assert packages.answerable(once, "small") is once


def test_a_definition_outside_of_the_templates_is_converted_by_nobody() -> None:
    flow = json.dumps(yaml.safe_load(DEFINITION))  # the same definition in another notation
    for text in (DEFINITION, flow):
        package = packages.write({"a/Chart.yaml": b"name: a\n", "a/charts/b/crds/c.yaml": text.encode()})
        served = packages.read(packages.answerable(package, "a"), "a")["a/charts/b/crds/c.yaml"]
        spec = yaml.safe_load(served)["spec"]
        # The API server's default strategy is None.
        assert spec.pop("conversion", {"strategy": "None"}) == {"strategy": "None"}
        assert spec["versions"][0]["name"] == "v1"


def test_named_templates_are_told_from_the_rest() -> None:
    text = (
        '{{- define "a" }}{{ if eq .x "}}" }}{{`{{ end }}`}}{{ end }}{{/* {{ end }} */}}{{- end -}}\n'
        "kind: A\n{{ range .y }}{{ end }}"
    )
    defines, rest = packages.split_defines(text)
    assert defines == text.partition("\nkind")[0] + "\n"
    assert rest == "\nkind: A\n{{ range .y }}{{ end }}"


@pytest.mark.parametrize("chart", sorted({chart.name for chart in repositories.pinned(ROOT)}))
def test_a_substitute_is_the_chart_by_name_and_brings_its_definitions(chart: str) -> None:
    package = substitutes.build(chart, "v1.2.3", None)
    assert package == substitutes.build(chart, "v1.2.3", None)
    files = packages.read(package, chart)
    packages.require(files, chart, "1.2.3", chart)
    brought = {json.loads(text)["metadata"]["name"] for path, text in files.items() if "/crds/" in path}
    product = crds.PRODUCTS.get(chart)
    assert brought == {kind.name for kind in product.kinds} if product else not brought


def test_a_substitute_of_a_gateway_has_the_services_that_others_look_for() -> None:
    files = packages.read(substitutes.build("gateway", "1.30.3", None), "gateway")
    kinds = re.findall(rb"^kind: (\w+)", files["gateway/templates/objects.yaml"], re.M)
    assert kinds == [b"ServiceAccount", b"Service", b"Deployment"]


def test_definitions_that_only_pods_would_make_are_added_to_the_real_chart(tmp_path: Path) -> None:
    (tmp_path / "rancher-2.15.0.tgz").write_bytes(small("rancher", "2.15.0"))
    served = Charts(tmp_path).package(Chart(HERE, "rancher", "2.15.0"))
    assert any(path.endswith("/crds/clusters.provisioning.cattle.io.json") for path in packages.read(served, "it"))


def test_a_repository_offers_what_is_pinned_and_what_lies_in_the_folder(tmp_path: Path) -> None:
    for file in ("a-1.9.0.tgz", "a-b-3.0.0.tgz", "a-v2.tgz", "c-1.0.0.tgz"):
        (tmp_path / file).touch()
    found = Charts(tmp_path).known(HERE, [Chart(HERE, "a", "1.0.0"), Chart(NOWHERE, "c", "2.0.0")])
    assert [chart.version for chart in found] == ["1.0.0", "1.9.0", "v2"]
    index = yaml.safe_load(Charts(tmp_path).index(found))
    assert index["entries"].keys() == {"a"}
    assert index["entries"]["a"][0]["urls"] == ["a-1.0.0.tgz"]


@pytest.mark.parametrize("unreachable", [True, False])
def test_a_repository_that_cannot_be_reached_is_asked_once_and_else_once_for_each_chart(
    unreachable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(chart: Chart, _folder: Path) -> Path:
        asked.append(chart)
        raise UnreachableError("no") if unreachable else DownloadError("no")

    monkeypatch.delenv(repositories.DOWNLOAD_VARIABLE, raising=False)
    monkeypatch.setattr(repositories, "download", download)
    pins = [Chart(NOWHERE, "a", "1.0.0"), Chart(NOWHERE, "b", "1.0.0")]
    for _ in range(2):
        assert Charts(tmp_path / "charts").substituted(pins) == pins
    assert len(asked) == (1 if unreachable else 2)


def test_nothing_is_downloaded_where_that_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "download", lambda *_: pytest.fail("it was asked"))
    assert Charts(tmp_path).obtain(Chart(NOWHERE, "a", "1.0.0")) is None


def test_a_host_without_an_address_fails_fast_and_says_so(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(UnreachableError, match=r"charts\.invalid/helm cannot be reached"):
        repositories.download(Chart(NOWHERE, "a", "1.0.0"), tmp_path)
    assert time.monotonic() - begin < 10
    assert list(tmp_path.iterdir()) == []


def test_the_index_is_searched_for_exactly_the_version() -> None:
    index = {"entries": {"a": [{"version": "1.10.0", "urls": ["x"]}, {"version": "v1.1.0", "urls": ["y"]}]}}
    assert repositories.entry(index, Chart(HERE, "a", "1.1.0"))["urls"] == ["y"]
    for missing in (Chart(HERE, "a", "1.1"), Chart(HERE, "b", "1.1.0")):
        with pytest.raises(DownloadError, match="has no chart"):
            repositories.entry(index, missing)


def test_one_note_names_all_that_are_substituted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path))
    pins = repositories.pinned(ROOT)
    assert charts.substituted(layout(tmp_path)) == [str(chart) for chart in pins]
    note = charts.note(layout(tmp_path))
    assert "\n" not in note
    assert all(str(chart) in note for chart in pins)
    for chart in pins:
        (tmp_path / chart.file).touch()
    assert charts.note(layout(tmp_path)) == ""


@contextmanager
def provider(home: Path, project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The launcher with /bin/cat instead of the provider, which ends with its standard input."""
    command = [
        sys.executable,
        "-I",
        "-S",
        str(ROOT / "sandbox" / "charts" / "launcher.py"),
        str(home),
        str(home / "charts"),
        "/bin/cat",
    ]
    with subprocess.Popen(command, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"ready\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


class Client:
    """A client of a sandbox's chart server, like the provider."""

    def __init__(self, home: Path, project: Path) -> None:
        self.folder = Path(launcher.folder(str(home)))
        self.state = json.loads((self.folder / launcher.STATE).read_text())
        self._project = project

    def get(self, url: str, password: str | None = None) -> tuple[int, str, bytes]:
        """Status, reason and body. Raises `OSError` if the connection fails."""
        host, _, path = url.removeprefix("https://").partition("/")
        name, _, port = host.partition(":")
        context = ssl.create_default_context(cafile=str(self.folder / launcher.ROOTS))
        connection = http.client.HTTPSConnection("127.0.0.1", int(self.state["port"]), context=context, timeout=30)
        credentials = f"{self._project}:{self.state['token'] if password is None else password}"
        header = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        connection.set_tunnel(name, int(port or 443), {"Proxy-Authorization": header})
        try:
            connection.request("GET", f"/{path}")
            response = connection.getresponse()
            return response.status, response.reason, response.read()
        finally:
            connection.close()


def test_a_chart_comes_from_the_folder_or_from_its_repository_or_is_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, project, own, there = (tmp_path / name for name in ("home", "project", "charts", "there"))
    own.mkdir()
    there.mkdir()
    (own / "mine-1.0.0.tgz").write_bytes(small("mine", "1.0.0"))
    (there / "theirs-2.0.0.tgz").write_bytes(small("theirs", "2.0.0"))
    entries = {"theirs": [{"name": "theirs", "version": "2.0.0", "urls": ["theirs-2.0.0.tgz"]}]}
    (there / "index.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "entries": entries}))
    monkeypatch.delenv(repositories.DOWNLOAD_VARIABLE, raising=False)
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(own))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    with repository(there, tmp_path / "roots.pem") as real:
        pins = [Chart(HERE, "mine", "1.0.0"), Chart(real, "theirs", "2.0.0"), Chart(NOWHERE, "base", "1.30.3")]
        write_pins(project, *pins)
        with provider(home, project):
            client = Client(home, project)
            indexes = [yaml.safe_load(client.get(f"{pin.repository}/index.yaml")[2])["entries"] for pin in pins]
            served = [client.get(f"{pin.repository}/{pin.file}")[2] for pin in pins]
            assert client.get(f"{HERE}/other-1.0.0.tgz")[0] == 404
            assert client.get("https://charts.example.test/elsewhere/index.yaml")[0] == 404
            with pytest.raises(OSError, match=r"403 the sandbox has no chart of example\.org:443"):
                client.get("https://example.org/index.yaml")
            with pytest.raises(OSError, match="407"):
                client.get(f"{HERE}/index.yaml", password="guessed")
    assert [[version["version"] for version in entry[pin.name]] for entry, pin in zip(indexes, pins, strict=True)] == [
        ["1.0.0"],
        ["2.0.0"],
        ["1.30.3"],
    ]
    assert served == [
        packages.answerable(small("mine", "1.0.0"), "mine"),
        packages.answerable(small("theirs", "2.0.0"), "theirs"),
        substitutes.build("base", "1.30.3", crds.folder()),
    ]
    assert (own / "theirs-2.0.0.tgz").read_bytes() == small("theirs", "2.0.0")
    assert sorted(path.name for path in own.glob("[!.]*")) == ["mine-1.0.0.tgz", "theirs-2.0.0.tgz"]


def test_a_wrong_package_in_the_folder_is_told_of_in_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine-1.0.0.tgz").write_bytes(b"no package")
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path))
    write_pins(tmp_path / "project", Chart(HERE, "mine", "1.0.0"))
    with provider(tmp_path / "home", tmp_path / "project"):
        status, reason, _ = Client(tmp_path / "home", tmp_path / "project").get(f"{HERE}/index.yaml")
    assert status == 500
    assert "mine-1.0.0.tgz is not a chart package" in reason


def test_providers_share_a_server_which_ends_after_the_last_however_that_ends(tmp_path: Path) -> None:
    write_pins(tmp_path / "project", Chart(HERE, "mine", "1.0.0"))
    with provider(tmp_path, tmp_path / "project") as first, provider(tmp_path, tmp_path / "project"):
        client = Client(tmp_path, tmp_path / "project")
        first.send_signal(signal.SIGKILL)
        first.wait()
        time.sleep(3.5)  # longer than the server waits without providers
        assert Client(tmp_path, tmp_path / "project").state == client.state
        assert client.get(f"{HERE}/index.yaml")[0] == 200
    end = time.monotonic() + END_SECONDS
    while is_running(client.folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_running(client.folder)
    assert not (client.folder / launcher.STATE).exists()
    with provider(tmp_path, tmp_path / "project"):
        assert Client(tmp_path, tmp_path / "project").state != client.state


def is_running(folder: Path) -> bool:
    """Whether a server holds the lock."""
    lock = launcher._free_lock(str(folder))
    if lock is not None:
        os.close(lock)
    return lock is None


def test_a_server_that_was_killed_is_started_again(tmp_path: Path) -> None:
    write_pins(tmp_path / "project", Chart(HERE, "mine", "1.0.0"))
    with provider(tmp_path, tmp_path / "project"):
        client = Client(tmp_path, tmp_path / "project")
        os.kill(int(client.state["pid"]), signal.SIGKILL)
        with provider(tmp_path, tmp_path / "project"):
            assert Client(tmp_path, tmp_path / "project").get(f"{HERE}/index.yaml")[0] == 200


def test_only_the_provider_goes_through_the_proxy_and_only_for_charts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,.github.io,*, 192.168.1.5")
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    variables = launcher.environment(str(tmp_path), {"port": "1", "token": "t"})
    assert variables["HTTPS_PROXY"] == f"http://{quote(str(tmp_path), safe='')}:t@127.0.0.1:1"
    assert variables["NO_PROXY"] == "127.0.0.1,localhost,::1,10.0.0.0/8,192.168.1.5"
    assert "HTTP_PROXY" not in variables
    assert dict(os.environ) == before


def test_the_plugins_script_becomes_the_provider(tmp_path: Path) -> None:
    script = tmp_path / "pulumi-resource-kubernetes"
    script.write_text(charts.launcher_script(layout(tmp_path), Path("/bin/sh")))
    run = subprocess.run(
        ["sh", str(script), "-c", 'echo "$$ $1 $SSL_CERT_FILE"', "-", "a b"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.stderr == ""
    assert re.fullmatch(rf"\d+ a b {re.escape(str(tmp_path))}/chart-server/\w+/roots\.pem\n", run.stdout)
