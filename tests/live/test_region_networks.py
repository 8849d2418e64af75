"""The regions' networks without control planes: what reaches what, and that nothing stays behind."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from sandbox.controllers import netns
from sandbox.controllers.network import CLIENT_ADDRESS, Internet, PodNetwork, RegionNetwork
from sandbox.layout import PROJECT, SandboxError
from tests.support import live

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(600)]

SLOTS = {"eu": 40, "us": 41}
US_EGRESS = ("192.0.2.77", "192.0.2.78")
PORT = 9898


class _Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the address that asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.connection.getsockname()[0]
        text = json.dumps({"client": self.client_address[0], "server": server}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def serve(listener: socket.socket) -> http.server.ThreadingHTTPServer:
    """Answer every request to the listening socket with the addresses of both sides."""
    server = http.server.ThreadingHTTPServer(listener.getsockname(), _Echo, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    with live.internet("rn") as found:
        yield found


@pytest.fixture(scope="module")
def regions(internet: Internet) -> dict[str, RegionNetwork]:
    found = {
        "eu": RegionNetwork(internet, "eu", SLOTS["eu"]),
        "us": RegionNetwork(internet, "us", SLOTS["us"], US_EGRESS),
    }
    for region in found.values():
        region.create()
    return found


@pytest.fixture(scope="module")
def pods(regions: dict[str, RegionNetwork]) -> Iterator[dict[str, PodNetwork]]:
    """A pod on the first node of each region, and one on the second node of `us`; each answers requests."""
    found = {
        "eu": regions["eu"].add_pod("pod1", "eu-a", str(regions["eu"].addresses.pods_of(0)[0])),
        "us": regions["us"].add_pod("pod1", "us-a", str(regions["us"].addresses.pods_of(0)[0])),
        "us-b": regions["us"].add_pod("pod2", "us-b", str(regions["us"].addresses.pods_of(1)[7])),
    }
    servers = [serve(netns.listen(pod.namespace, ("0.0.0.0", PORT))) for pod in found.values()]
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def balanced(regions: dict[str, RegionNetwork], pods: dict[str, PodNetwork]) -> str:
    """A load balancer's address of `eu` that its first node leads to the pod there, as kube-proxy would."""
    address = str(regions["eu"].addresses.load_balancers[9])
    rule = f"-A PREROUTING -d {address}/32 -p tcp --dport 80 -j DNAT --to-destination {pods['eu'].address}:{PORT}"
    command = [*netns.entering(pods["eu"].node), "iptables-restore", "--noflush"]
    netns.run(command, ["*nat", rule, "COMMIT"])
    regions["eu"].route(address, ["eu-a"])
    return address


def test_pods_of_a_region_reach_each_other_with_their_own_address(pods: dict[str, PodNetwork]) -> None:
    assert live.get(pods["us"].namespace, pods["us-b"].address, PORT)["client"] == pods["us"].address
    assert live.get(pods["us-b"].namespace, pods["us"].address, PORT)["client"] == pods["us-b"].address


def test_nodes_reach_their_pods_as_a_kubelet_does(
    regions: dict[str, RegionNetwork], pods: dict[str, PodNetwork]
) -> None:
    assert live.get(regions["us"].nodes["us-a"], pods["us"].address, PORT)["client"] == regions["us"].addresses.node(0)


def test_pods_of_different_regions_do_not_reach_each_other(internet: Internet, pods: dict[str, PodNetwork]) -> None:
    assert not live.answers(pods["us"].namespace, pods["eu"].address, PORT)
    assert not live.answers(internet.client(), pods["eu"].address, PORT)


def test_they_do_so_over_a_load_balancer_with_the_egress_address_of_their_node(
    internet: Internet, pods: dict[str, PodNetwork], balanced: str
) -> None:
    seen = [live.get(pods[name].namespace, balanced, 80)["client"] for name in ("us", "us-b")]
    assert seen == list(US_EGRESS)
    assert live.get(internet.client("203.0.113.9"), balanced, 80)["client"] == "203.0.113.9"


def test_a_connection_that_was_idle_for_too_long_gets_no_answer_and_no_refusal(
    regions: dict[str, RegionNetwork], pods: dict[str, PodNetwork], balanced: str
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    regions["us"].forget_idle(1)
    with netns.connect(pods["us"].namespace, (balanced, 80), 2) as connection:
        connection.sendall(request)
        said = b""
        while not said.endswith(b"}"):
            said += connection.recv(4096)
        time.sleep(2)
        connection.sendall(request)
        with pytest.raises(TimeoutError):
            connection.recv(4096)
    assert live.answers(pods["us"].namespace, balanced, 80)
    regions["us"].forget_idle(3600)


def test_a_port_of_this_machine_leads_to_a_load_balancer(internet: Internet, balanced: str) -> None:
    port = internet.publish((balanced, 80))
    command = ["curl", "--silent", "--max-time", "10", f"http://127.0.0.1:{port}/"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(said)["client"] == CLIENT_ADDRESS


def test_a_region_reaches_what_this_machine_exposes_to_it_and_nothing_else_of_the_machine(
    regions: dict[str, RegionNetwork], pods: dict[str, PodNetwork]
) -> None:
    server = serve(socket.create_server(("127.0.0.1", 0)))
    try:
        port = server.server_address[1]
        assert not live.answers(pods["eu"].namespace, regions["eu"].addresses.router, port)
        regions["eu"].expose(6443, port)
        assert live.get(pods["eu"].namespace, regions["eu"].addresses.router, 6443)["client"] == "127.0.0.1"
        assert not live.answers(pods["us"].namespace, regions["eu"].addresses.router, 6443)
    finally:
        server.shutdown()
        server.server_close()


def test_an_address_without_a_pod_or_a_rule_refuses_at_once(
    regions: dict[str, RegionNetwork], pods: dict[str, PodNetwork], balanced: str
) -> None:
    addresses = regions["eu"].addresses
    for address in (addresses.pods_of(0)[99], addresses.load_balancers[10]):
        with pytest.raises(OSError, match="No route to host"):
            netns.connect(pods["eu"].namespace, (str(address), 80))
        with pytest.raises(OSError, match="No route to host"):
            netns.connect(pods["us"].namespace, (str(address), 80))


def test_a_load_balancer_without_nodes_refuses_and_comes_back(
    internet: Internet, regions: dict[str, RegionNetwork], balanced: str
) -> None:
    regions["eu"].route(balanced, [])
    assert not live.answers(internet.client(), balanced, 80)
    regions["eu"].route(balanced, ["eu-a"])
    assert live.answers(internet.client(), balanced, 80)


def test_a_pod_that_takes_the_address_of_another_gets_its_traffic(regions: dict[str, RegionNetwork]) -> None:
    region, address = regions["us"], str(regions["us"].addresses.pods_of(2)[1])
    first = region.add_pod("old", "us-c", address)
    second = region.add_pod("new", "us-c", address)
    server = serve(netns.listen(second.namespace, ("0.0.0.0", PORT)))
    try:
        region.remove_pod(first)
        assert live.answers(region.nodes["us-c"], address, PORT)
    finally:
        server.shutdown()
        server.server_close()
        region.remove_pod(second)


def test_an_unknown_node_is_refused(regions: dict[str, RegionNetwork]) -> None:
    with pytest.raises(SandboxError, match="Region eu has no node 'us-a'"):
        regions["eu"].add_pod("pod", "us-a", "10.0.0.1")


def test_removing_a_pod_ends_its_processes(internet: Internet, regions: dict[str, RegionNetwork]) -> None:
    place = regions["eu"].add_pod("busy", "eu-b", str(regions["eu"].addresses.pods_of(1)[3]))
    with subprocess.Popen([*netns.entering(place.namespace), "sleep", "600"]) as process:
        live.await_true(lambda: bool(netns.processes_in([place.namespace])), "the process is there")
        regions["eu"].remove_pod(place)
        assert not psutil.pid_exists(process.pid)
    assert place.namespace not in netns.listed(internet.prefix)


def test_the_machines_own_network_stays_as_it_was(regions: dict[str, RegionNetwork]) -> None:
    for command in (["link"], ["address"], ["route", "show", "table", "all"]):
        said = subprocess.run(["ip", *command], capture_output=True, text=True, check=True).stdout
        assert not any(str(region.addresses.router) in said for region in regions.values())
        assert "198.18." not in said


KILLED = """
import sys, time
from sandbox.controllers.janitor import Janitor
from sandbox.controllers.network import CLIENT_ADDRESS, Internet, RegionNetwork

internet = Internet(sys.argv[1])
Janitor(internet.prefix, [])
internet.create()
RegionNetwork(internet, "eu", 42).create()
print("created", flush=True)
time.sleep(600)
"""


def test_a_janitor_removes_the_networks_of_a_killed_process() -> None:
    live.require_networks()
    prefix = live.prefix("rk")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, prefix], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as victim:
        try:
            assert victim.stdout is not None
            assert victim.stdout.readline() == "created\n"
            assert len(netns.listed(prefix)) == 5
        finally:
            victim.kill()
    try:
        live.await_true(lambda: not netns.listed(prefix), "the networks go")
    finally:
        with suppress(SandboxError):
            netns.remove(netns.listed(prefix))
