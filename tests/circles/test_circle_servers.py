"""Two regions of real LiveKit servers with the program's files: lost servers, closed networks, tokens, and ends."""

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from livekit.api import AccessToken, VideoGrants

from components.circles import configuration, proxy
from tests.support.circle_people import HEARD_SECONDS
from tests.support.circle_regions import (
    HOTEL,
    OFFICE,
    PEOPLE,
    CircleRegions,
    People,
    RefusedError,
    Region,
    Server,
    circle_regions,
    with_one_redis,
)
from tests.support.regions import IOWA, VIRGINIA
from tests.support.rendering import ROOT
from tests.support.servers import eventually, write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.campaign, pytest.mark.timeout(300)]

MOST_PARTICIPANTS = 3
DRAIN_HOURS = 2
BACK_SECONDS = 45
"""Longest time until people are together again after their server is lost."""
TONES = {"ada": 440, "ben": 1000, "cleo": 1700}


@pytest.fixture(scope="module")
def circles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CircleRegions]:
    """Two regions with two servers each. Each test leaves them complete."""
    settings = {"servers": 2, "maxParticipants": MOST_PARTICIPANTS, "drain": f"{DRAIN_HOURS}h"}
    rendered = with_one_redis(IOWA, VIRGINIA, **settings)
    with circle_regions(rendered, tmp_path_factory.mktemp("circles"), IOWA[0], VIRGINIA[0]) as made:
        made.start()
        yield made


@pytest.fixture
def iowa(circles: CircleRegions) -> Region:
    return circles.regions[IOWA[0]]


@pytest.fixture
def virginia(circles: CircleRegions) -> Region:
    return circles.regions[VIRGINIA[0]]


@pytest.fixture
def room(circles: CircleRegions, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a room. Afterwards everybody leaves."""
    yield request.node.name
    circles.everybody_leaves()


def together(people: People, *names: str, seconds: float = 30) -> None:
    """Wait until each of them hears all others."""
    wanted = set(names)
    for name in names:

        def hears(name: str = name) -> bool:
            heard = people.ask("heard", who=name)
            return all(abs(heard.get(other, 0) - TONES[other]) < 10 for other in wanted - {name})

        eventually(hears, seconds=seconds, what=f"{name} hears the others")


def call(circles: CircleRegions, region: Region, room: str, *names: str, **about: Any) -> People:
    """Let people enter a room, speak, and hear each other."""
    for name in names:
        people = circles.join(region, room, name, **about)
        people.ask("speak", who=name, hertz=TONES[name])
    together(people, *names)
    return people


def other(region: Region, server: Server) -> Server:
    """The region's server that is not this one."""
    (found,) = (each for each in region.servers if each is not server)
    return found


def refused(attempt: Callable[[], object]) -> str:
    """What the client says of an attempt that must fail."""
    with pytest.raises(RefusedError) as found:
        attempt()
    return str(found.value)


def test_people_of_one_room_meet_through_any_server(circles: CircleRegions, iowa: Region, room: str) -> None:
    circles.prefer(iowa.servers[0])
    circles.join(iowa, room, "ada")
    circles.prefer(iowa.servers[1])
    people = circles.join(iowa, room, "ben")
    for name in ("ada", "ben"):
        people.ask("speak", who=name, hertz=TONES[name])
    together(people, "ada", "ben")
    people.ask("send", who="ada", text="welcome")
    came = eventually(lambda: people.ask("texts", who="ben"), seconds=10, what="a text")
    assert came == [{"from": "ada", "text": "welcome"}]
    # Both voices are published at the server that holds the room.
    holder = circles.server_of(iowa, room)
    published = {each.name: circles.metric(each, "livekit_track_published_total") for each in iowa.servers}
    assert published == {holder.name: 2, other(iowa, holder).name: 0}


def test_a_room_of_one_region_is_not_a_room_of_another(
    circles: CircleRegions, iowa: Region, virginia: Region, room: str
) -> None:
    people = call(circles, iowa, room, "ada", "ben")
    people = circles.join(virginia, room, "cleo")
    assert people.ask("others", who="ada") == ["ben"]
    assert people.ask("others", who="cleo") == []


def test_people_without_udp_reach_the_room_over_tcp(circles: CircleRegions, iowa: Region, room: str) -> None:
    people = call(circles, iowa, room, "ada", "ben", machine=HOTEL)
    paths = people.ask("paths", who="ada")
    assert paths
    assert {(path["protocol"], path["port"]) for path in paths} == {("tcp", configuration.TCP_PORT)}


@pytest.mark.parametrize("name", ["iowa", "virginia"], ids=["one-address", "two-addresses"])
def test_people_behind_a_strict_firewall_reach_the_room_through_turn_over_tls(
    circles: CircleRegions, name: str, room: str, request: pytest.FixtureRequest
) -> None:
    region: Region = request.getfixturevalue(name)
    people = circles.on(OFFICE)
    token = circles.token(region, room, "asks")
    said = people.ask("signal", url=region.url, token=token)
    (found,) = (one for one in said["ice_servers"] if any(url.startswith("turns:") for url in one["urls"]))
    server = circles.server_of(region, room)
    assert f"turns:{server.domain}:443?transport=tcp" in found["urls"]
    # The client trusts the public authorities only, so TLS is made beside it. It verifies the name, too.
    port = people.ask("tunnel", host=server.domain, port=443, authority=str(circles.trusted))
    through = [{**found, "urls": [f"turn:127.0.0.1:{port}?transport=tcp"]}]
    call(circles, region, room, "ada", "ben", machine=OFFICE, ice_servers=through)
    paths = people.ask("paths", who="ada")
    assert paths
    # UDP at the server, and nothing but TLS leaves the office.
    assert {(path["protocol"], path["port"]) for path in paths} == {("udp", configuration.UDP_PORT)}


def test_turn_leads_to_its_server_and_to_no_private_address(circles: CircleRegions, iowa: Region, room: str) -> None:
    said = circles.on(PEOPLE).ask("signal", url=iowa.url, token=circles.token(iowa, room, "asks"))
    server = circles.server_of(iowa, room)
    (found,) = (one for one in said["ice_servers"] if one["username"])
    asked = circles.on(PEOPLE).ask(
        "relays",
        host=server.domain,
        authority=str(circles.trusted),
        username=found["username"],
        password=found["password"],
        peers=[server.file["rtc"]["node_ip"], server.address, "127.0.0.1", "10.20.0.5", "169.254.169.254"],
    )
    assert asked == [True, False, False, False, False]


def test_a_token_is_for_one_room_and_one_time(circles: CircleRegions, iowa: Region, room: str) -> None:
    people = call(circles, iowa, room, "ada", "ben")
    # A token for another room leads there, whatever the browser asks for.
    token = circles.token(iowa, f"{room}-2", "cleo")
    said = people.ask("signal", url=iowa.url, token=token, room=room)
    assert said["room"] == f"{room}-2"
    people.ask("join", who="cleo", url=iowa.url, token=token)
    assert people.ask("others", who="cleo") == []
    assert people.ask("others", who="ada") == ["ben"]

    def enter(token: str) -> Callable[[], object]:
        return lambda: people.ask("join", who="mallory", url=iowa.url, token=token)

    assert "401" in refused(enter(circles.token(iowa, room, "mallory", seconds=-300)))
    assert "401" in refused(enter(circles.token(iowa, room, "mallory", room_join=False)))
    forged = AccessToken(iowa.connection["api.key"], "f" * 48).with_identity("mallory")
    forged = forged.with_grants(VideoGrants(room_join=True, room=room))
    assert "401" in refused(enter(forged.to_jwt()))


def test_the_other_key_is_accepted_too_so_that_keys_can_change(circles: CircleRegions, iowa: Region, room: str) -> None:
    other_key, secret = next(
        (key, secret) for key, secret in circles.keys(iowa).items() if key != iowa.connection["api.key"]
    )
    token = AccessToken(other_key, secret).with_identity("ada").with_grants(VideoGrants(room_join=True, room=room))
    assert circles.on(PEOPLE).ask("join", who="ada", url=iowa.url, token=token.to_jwt()) == room


def test_services_see_rooms_and_put_people_out_and_a_participant_may_not(
    circles: CircleRegions, iowa: Region, room: str
) -> None:
    people = call(circles, iowa, room, "ada", "ben")
    body = {"room": room}
    admin = circles.token(iowa, room, "service", room_join=False, room_admin=True)
    listed = circles.api(iowa, admin, "ListParticipants", body)
    assert sorted(one["identity"] for one in listed["body"]["participants"]) == ["ada", "ben"]
    for token in (
        circles.token(iowa, room, "ada"),
        circles.token(iowa, f"{room}-2", "service", room_join=False, room_admin=True),
    ):
        assert circles.api(iowa, token, "ListParticipants", body)["status"] in (401, 403)
    # The gateway shows browsers where to connect, and nothing of this.
    assert people.ask("get", url=f"https://{iowa.host}/twirp/livekit.RoomService/ListRooms")["status"] == 404
    assert circles.api(iowa, admin, "RemoveParticipant", {**body, "identity": "ben"})["status"] == 200
    eventually(lambda: people.ask("others", who="ada") == [], seconds=10, what="Ben is out")


def test_a_room_takes_so_many_people_and_no_more(circles: CircleRegions, iowa: Region, room: str) -> None:
    assert iowa.connection["max.participants"] == str(MOST_PARTICIPANTS)
    people = call(circles, iowa, room, *TONES)
    assert len(TONES) == MOST_PARTICIPANTS
    refused(lambda: circles.join(iowa, room, "dora"))
    assert people.ask("others", who="ada") == ["ben", "cleo"]
    people.ask("leave", who="cleo")
    circles.join(iowa, room, "dora")


def test_the_room_of_a_killed_server_comes_back_on_another_one_in_seconds(
    circles: CircleRegions, iowa: Region, room: str
) -> None:
    people = call(circles, iowa, room, "ada", "ben")
    lost = circles.server_of(iowa, room)
    begin = time.monotonic()
    circles.kill(lost)
    try:
        time.sleep(HEARD_SECONDS)
        eventually(
            lambda: circles.server_of(iowa, room) is other(iowa, lost), seconds=BACK_SECONDS, what="another server"
        )
        together(people, "ada", "ben", seconds=BACK_SECONDS)
        assert time.monotonic() - begin < BACK_SECONDS
        # Nobody had to enter again.
        for who in ("ada", "ben"):
            eventually(partial(people.ask, "connected", who=who), seconds=15, what=f"{who} is connected")
            assert {one["event"] for one in people.ask("events", who=who)} == {"reconnecting", "reconnected"}
    finally:
        circles.start(lost)


def test_a_server_that_stops_keeps_its_rooms_and_takes_no_new_ones(
    circles: CircleRegions, iowa: Region, room: str
) -> None:
    people = call(circles, iowa, room, "ada", "ben")
    stopping = circles.server_of(iowa, room)
    circles.terminate(stopping)
    try:
        time.sleep(8)
        together(people, "ada", "ben")
        assert [one["event"] for who in ("ada", "ben") for one in people.ask("events", who=who)] == []
        # Who comes later still finds the room. New rooms are elsewhere.
        circles.join(iowa, room, "cleo")
        assert people.ask("others", who="cleo") == ["ada", "ben"]
        assert circles.server_of(iowa, room) is stopping
        for number in range(3):
            circles.join(iowa, f"{room}-{number}", f"guest-{number}")
            assert circles.server_of(iowa, f"{room}-{number}") is other(iowa, stopping)
        for who in ("ada", "ben", "cleo"):
            people.ask("leave", who=who)
        # LiveKit looks every five seconds, and the proxy outlives it.
        eventually(lambda: circles.has_ended(stopping), seconds=20, what="the server has ended")
    finally:
        circles.kill(stopping)
        circles.start(stopping)


def test_people_meet_again_on_another_server_when_the_set_time_is_over(
    circles: CircleRegions, iowa: Region, room: str
) -> None:
    assert iowa.grace == DRAIN_HOURS * 3600
    people = call(circles, iowa, room, "ada", "ben")
    stopping = circles.server_of(iowa, room)
    circles.terminate(stopping)
    try:
        time.sleep(12)
        assert circles.running.runs(stopping.name)
        together(people, "ada", "ben")
        # As Kubernetes does with what is left after the set time.
        circles.kill(stopping)
        time.sleep(HEARD_SECONDS)
        eventually(
            lambda: circles.server_of(iowa, room) is other(iowa, stopping), seconds=BACK_SECONDS, what="another server"
        )
        together(people, "ada", "ben", seconds=BACK_SECONDS)
    finally:
        circles.kill(stopping)
        circles.start(stopping)


def test_a_new_certificate_for_turn_ends_no_call(circles: CircleRegions, iowa: Region, room: str) -> None:
    people = call(circles, iowa, room, "ada", "ben")
    server = circles.server_of(iowa, room)
    before = circles.shown(server)
    circles.renew(server)
    eventually(
        lambda: circles.shown(server) != before, seconds=2 * proxy.WATCH_SECONDS + 20, what="the new certificate"
    )
    together(people, "ada", "ben")
    assert [one["event"] for who in ("ada", "ben") for one in people.ask("events", who=who)] == []


def test_calls_go_on_while_redis_is_away_and_nobody_can_join(
    circles: CircleRegions, virginia: Region, room: str
) -> None:
    people = call(circles, virginia, room, "ada", "ben")
    circles.stop_redis(virginia)
    try:
        eventually(
            lambda: not any(circles.is_ready(each) for each in virginia.servers), seconds=30, what="they are not ready"
        )
        together(people, "ada", "ben")
        refused(lambda: circles.join(virginia, f"{room}-2", "cleo"))
    finally:
        circles.start_redis(virginia)
    for server in virginia.servers:
        eventually(partial(circles.is_ready, server), seconds=30, what=f"{server.name} is ready")
    together(people, "ada", "ben")
    circles.join(virginia, f"{room}-2", "cleo")


def test_calls_go_on_after_redis_has_lost_everything_and_new_ones_begin(
    circles: CircleRegions, virginia: Region, room: str
) -> None:
    people = call(circles, virginia, room, "ada", "ben")
    assert circles.redis(virginia, "flushall") == "OK"
    eventually(
        lambda: circles.redis(virginia, "hlen", configuration.NODES_KEY) == str(len(virginia.servers)),
        seconds=10,
        what="the servers have written themselves down",
    )
    together(people, "ada", "ben")
    assert [one["event"] for who in ("ada", "ben") for one in people.ask("events", who=who)] == []
    call(circles, virginia, f"{room}-2", "cleo")


def test_members_with_a_key_of_their_own_hear_each_other_and_nobody_else_does(
    circles: CircleRegions, iowa: Region, room: str
) -> None:
    people = call(circles, iowa, room, "ada", "ben", key="what only members know")
    circles.join(iowa, room, "cleo")
    together(people, "ada", "ben")
    time.sleep(3)
    heard = people.ask("heard", who="cleo")
    assert all(abs(heard.get(name, 0) - TONES[name]) > 10 for name in ("ada", "ben"))
    assert people.ask("others", who="cleo") == ["ada", "ben"]


def test_a_server_does_not_talk_to_a_redis_of_another_authority(circles: CircleRegions, iowa: Region) -> None:
    server = iowa.servers[0]
    settings = server.home / "settings"
    strange = write_certificate(server.home / "strange") / "ca.crt"
    file = server.home / "strange.yaml"
    text = (settings / f"{configuration.pod(0)}.yaml").read_text()
    file.write_text(text.replace(str(settings / configuration.CACHE_AUTHORITY), str(strange)))
    circles.run_server(server, file, name="strange")
    circles.running.wait("strange", seconds=30)
    assert "certificate signed by unknown authority" in circles.running.log("strange")


def test_the_keeper_uses_the_keys_that_say_which_call_is_where(circles: CircleRegions, iowa: Region, room: str) -> None:
    call(circles, iowa, room, "ada", "ben")
    server = circles.server_of(iowa, room)
    for key in configuration.KEPT_KEYS:
        assert circles.redis(iowa, "exists", key) == "1", key
        assert int(circles.redis(iowa, "object", "idletime", key)) <= 30
    assert "does not answer" not in circles.running.log(f"{server.name}-keeper")


def test_the_metrics_are_those_of_the_contract(circles: CircleRegions, iowa: Region, room: str) -> None:
    contract = yaml.safe_load((ROOT / "components" / "monitoring" / "contracts" / "livekit.yaml").read_text())
    call(circles, iowa, room, "ada", "ben")
    holder = circles.server_of(iowa, room)
    # LiveKit counts packets every few seconds.
    eventually(lambda: "\nlivekit_packet_bytes{" in circles.metrics(holder), seconds=40, what="counted packets")
    page = circles.metrics(holder)
    kinds = {line.split()[2]: line.split()[3] for line in page.splitlines() if line.startswith("# TYPE ")}
    for name, metric in contract["metrics"].items():
        # Nothing gets lost here.
        counted = name.replace("_loss_total", "_loss_percent")
        sample = next(line for line in page.splitlines() if re.match(rf"{counted}(_sum)?{{", line))
        assert set(re.findall(r'(\w+)="', sample)) == set(metric["labels"]), name
        assert kinds[counted] == metric["type"] or counted != name
    pages = "".join(circles.metrics(each) for each in iowa.servers)
    states = set(re.findall(r'livekit_participant_join_total\{[^}]*state="(\w+)"', pages))
    assert states >= {"signal_connected", "rtc_init", "rtc_active"}
