"""Real validators with an application that makes snapshots: old blocks go, and a new region begins with a snapshot."""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.ledger import proxy
from tests.support.ledger_regions import LedgerRegions, ledger_regions
from tests.support.regions import FIVE, MIXED, TAIWAN, Where, ledgered
from tests.support.rendering import Rendered

pytestmark = [pytest.mark.conformance, pytest.mark.campaign, pytest.mark.timeout(540)]

FOUR = (*MIXED, TAIWAN)
IOWA, VIRGINIA, AMSTERDAM, ASIA = (name for name, _ in FOUR)
(FIFTH,) = {name for name, _ in FIVE} - {name for name, _ in FOUR}
RETAINED, INTERVAL = 12, 4


def stack(*regions: Where) -> Rendered:
    own = {"image": "registry.example/promises:1.2"}
    return ledgered(*regions, genesis_regions=FOUR, application=own, retainBlocks=RETAINED, snapshotInterval=INTERVAL)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerRegions]:
    """Four regions with one validator each."""
    names = [name for name, _ in FOUR]
    with ledger_regions(stack(*FOUR), tmp_path_factory.mktemp("ledger"), *names) as made:
        made.start()
        made.together()
        yield made


def oldest(ledger: LedgerRegions, region: str) -> int:
    return int(ledger.rpc(region, "status")["sync_info"]["earliest_block_height"])


def checked(ledger: LedgerRegions, region: str, body: str, shown: Path) -> int:
    """The status of a request that comes to the region's port for peers, over TLS."""
    trust = ssl.create_default_context(cafile=str(shown / "ca.crt"))
    trust.check_hostname = False
    trust.load_cert_chain(shown / "tls.crt", shown / "tls.key")
    port = ledger.nodes[region].endpoint.port
    client = http.client.HTTPSConnection("localhost", port, context=trust, timeout=20)
    client.request("POST", "/", body)
    answer = client.getresponse()
    answer.read()
    client.close()
    return answer.status


def question(method: str, parameters: str = "") -> str:
    return f'{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{parameters}}}}}'


def test_old_blocks_go_and_a_new_region_begins_with_a_snapshot(ledger: LedgerRegions) -> None:
    ledger.put(IOWA, "history", "yes")
    for number in range(3 * RETAINED):
        ledger.put(VIRGINIA, f"later-{number}", "yes")
    ledger.eventually(lambda: oldest(ledger, ASIA) > RETAINED, "blocks are deleted")
    five = stack(*FIVE)
    ledger.add(FIFTH)
    ledger.mount(five)
    ledger.start(FIFTH)
    # A snapshot is checked with the two blocks after it.
    for number in range(2 * INTERVAL):
        ledger.put(VIRGINIA, f"meanwhile-{number}", "yes")
    done = ledger.job(five, FIFTH, "admit")
    assert done.returncode == 0, done.stdout + done.stderr
    assert oldest(ledger, FIFTH) > RETAINED
    assert ledger.value(FIFTH, "history") == "yes"
    ledger.put(FIFTH, "first-words", "yes")
    ledger.eventually(lambda: ledger.value(IOWA, "first-words") == "yes", "what the new region writes is read")
    assert ledger.voters(IOWA)[ledger.key_of(FIFTH)] == 10


def test_a_validator_with_a_snapshot_restarts_from_its_own_blocks(ledger: LedgerRegions) -> None:
    ledger.stop(AMSTERDAM)
    ledger.put(IOWA, "while-away", "yes")
    ledger.start(AMSTERDAM)
    ledger.together()
    assert ledger.value(AMSTERDAM, "while-away") == "yes"


def test_validators_of_other_regions_check_snapshots_and_do_nothing_else(ledger: LedgerRegions) -> None:
    home = ledger.nodes[ASIA].home
    newcomer, service = home / proxy.newcomer(ASIA), home / proxy.client(ASIA)
    assert checked(ledger, IOWA, question("status"), newcomer) == 200
    assert checked(ledger, IOWA, question("commit", '"height":"3"'), newcomer) == 200
    assert checked(ledger, IOWA, question("status"), service) == 403
    for refused in (
        question("dial_peers", '"persistent":true'),
        question("broadcast_tx_sync", '"tx":"YT1i"'),
        question("commit", '"height":{"method":"dial_peers"}'),
        f"[{question('status')},{question('dial_peers')}]",
        question("status").replace('"id":7', '"id":7,"method":"dial_peers"'),
        json.dumps(json.loads(question("status"))),
    ):
        assert checked(ledger, IOWA, refused, newcomer) == 400, refused
