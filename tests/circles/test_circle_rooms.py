"""One real server with the program's files. People hear each other; a wrong key in the file stops it at its start."""

from collections.abc import Iterator

import pytest
import yaml

from components.circles.configuration import UDP_PORT, pod
from tests.support.circle_regions import CircleRegions, Region, circle_regions, with_one_redis
from tests.support.regions import IOWA
from tests.support.servers import eventually

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

ADA, BEN = 440, 1000
"""The tones with which they speak."""


@pytest.fixture(scope="module")
def circles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CircleRegions]:
    with circle_regions(with_one_redis(IOWA, servers=1), tmp_path_factory.mktemp("circles"), IOWA[0]) as made:
        made.start()
        yield made


@pytest.fixture
def region(circles: CircleRegions) -> Region:
    return circles.regions[IOWA[0]]


def test_people_hear_each_other_through_the_gateway_and_the_server_s_address(
    circles: CircleRegions, region: Region
) -> None:
    people = circles.join(region, "dawn", "ada")
    circles.join(region, "dawn", "ben")
    people.ask("speak", who="ada", hertz=ADA)
    people.ask("speak", who="ben", hertz=BEN)
    eventually(lambda: _hears(people.ask("heard", who="ben"), "ada", ADA), seconds=15, what="Ben hears Ada")
    eventually(lambda: _hears(people.ask("heard", who="ada"), "ben", BEN), seconds=15, what="Ada hears Ben")
    paths = [path for who in ("ada", "ben") for path in people.ask("paths", who=who)]
    assert paths
    assert {(path["protocol"], path["port"]) for path in paths} == {("udp", UDP_PORT)}


def _hears(heard: dict[str, int], who: str, hertz: int) -> bool:
    return who in heard and abs(heard[who] - hertz) < 10


def test_the_proxy_finds_nothing_odd_in_its_file(circles: CircleRegions, region: Region) -> None:
    log = circles.running.log(f"{region.servers[0].name}-proxy")
    assert "Loading success" in log
    assert [line for line in log.splitlines() if line.startswith(("[ALERT]", "[WARNING]"))] == []


@pytest.mark.parametrize("path", [("room", "max_participant"), ("turn", "tls"), ("unknown",)], ids=".".join)
def test_a_server_does_not_start_with_a_key_that_it_does_not_know(
    circles: CircleRegions, region: Region, path: tuple[str, ...]
) -> None:
    server, name = region.servers[0], f"wrong-{'-'.join(path)}"
    file = server.home / "settings" / f"{pod(0)}.yaml"
    document = yaml.safe_load(file.read_text())
    section = document
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = 1
    wrong = server.home / f"{name}.yaml"
    wrong.write_text(yaml.safe_dump(document))
    circles.run_server(server, wrong, name=name)
    circles.running.wait(name, seconds=20)
    # LiveKit's exit status says nothing.
    log = circles.running.log(name)
    assert f"field {path[-1]} not found" in log
    assert "starting LiveKit server" not in log
