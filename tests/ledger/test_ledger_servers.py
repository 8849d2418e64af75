"""Four regions of real CometBFT validators, started with the files that the program renders for four regions."""

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from components.ledger import proxy
from components.ledger.identities import ValidatorKeys, pod
from tests.support.keys import private_key, private_pem
from tests.support.ledger_regions import LedgerRegions, ledger_regions
from tests.support.regions import FIVE, MIXED, TAIWAN, ledgered
from tests.support.rendering import ROOT

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(240)]

FOUR = (*MIXED, TAIWAN)
IOWA, VIRGINIA, AMSTERDAM, ASIA = (name for name, _ in FOUR)
QUIET_SECONDS = 6


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerRegions]:
    """Four regions with one validator each. Each test leaves them complete."""
    names = [name for name, _ in FOUR]
    with ledger_regions(ledgered(*FOUR, genesis_regions=FOUR), tmp_path_factory.mktemp("ledger"), *names) as made:
        made.start()
        made.together()
        yield made


def test_all_four_have_the_same_votes(ledger: LedgerRegions) -> None:
    for region in ledger.nodes:
        assert ledger.voters(region) == {ledger.key_of(name): 10 for name in ledger.nodes}


def test_what_is_written_in_one_region_is_read_in_all(ledger: LedgerRegions) -> None:
    for region in ledger.nodes:
        ledger.put(region, f"from-{region}", "promised")
    for region in ledger.nodes:
        for source in ledger.nodes:
            ledger.eventually(
                lambda region=region, source=source: ledger.value(region, f"from-{source}") == "promised",
                f"{region} has what {source} wrote",
            )


def test_with_one_killed_blocks_go_on_and_it_catches_up(ledger: LedgerRegions) -> None:
    ledger.kill(ASIA)
    heights = [ledger.put(VIRGINIA, f"without-asia-{number}", "yes") for number in range(3)]
    assert heights == sorted(set(heights))
    ledger.start(ASIA)
    ledger.together()
    assert ledger.value(ASIA, "without-asia-2") == "yes"


def test_a_validator_remembers_what_it_signed(ledger: LedgerRegions) -> None:
    state = ledger.nodes[AMSTERDAM].data / "data" / "priv_validator_state.json"

    def signed() -> int:
        return int(json.loads(state.read_text())["height"])

    before = signed()
    assert before > 0
    ledger.stop(AMSTERDAM)
    ledger.start(AMSTERDAM)
    ledger.together()
    ledger.put(IOWA, "after-a-restart", "yes")
    # The others need not wait for its vote.
    ledger.eventually(lambda: signed() > before, "a block that it signed after its restart")


def test_a_validator_that_forgot_what_it_signed_does_not_start(ledger: LedgerRegions) -> None:
    node = ledger.nodes[AMSTERDAM]
    state = node.data / "data" / "priv_validator_state.json"
    ledger.stop(AMSTERDAM)
    kept = state.read_text()
    state.unlink()
    ledger.running.start(
        "forgetful", ["/bin/sh", str(node.home / "settings" / "start.sh")], ledger.environment(AMSTERDAM)
    )
    assert ledger.running.wait("forgetful", seconds=20) == 1
    assert "is missing beside blocks" in ledger.running.log("forgetful")
    state.write_text(kept)
    ledger.start(AMSTERDAM)
    ledger.together()


def test_a_genesis_that_has_changed_changes_no_validator_that_runs(ledger: LedgerRegions) -> None:
    node = ledger.nodes[AMSTERDAM]
    genesis = node.home / "members" / "genesis.json"
    kept = genesis.read_text()
    ledger.stop(AMSTERDAM)
    genesis.write_text(kept.replace('"power": "10"', '"power": "11"'))
    ledger.start(AMSTERDAM)
    ledger.together()
    genesis.write_text(kept)
    assert set(ledger.voters(AMSTERDAM).values()) == {10}
    assert "going on with the one of the first start" in ledger.running.log(AMSTERDAM)


def test_a_node_with_a_foreign_key_is_refused(ledger: LedgerRegions) -> None:
    """It has the ledger's genesis and everybody's addresses, and only its own key is not among the known ones."""
    stranger = ledgered(*FIVE, genesis_regions=FOUR)
    name = FIVE[-1][0]
    ledger.add(name)
    ledger.mount(stranger, name)
    try:
        ledger.start(name)
        time.sleep(QUIET_SECONDS)
        ledger.put(IOWA, "not-for-strangers", "yes")
        own = ledger.rpc(name, "status")["node_info"]["id"]
        for region in (one for one in ledger.nodes if one != name):
            known = {one["node_info"]["id"] for one in ledger.rpc(region, "net_info")["peers"]}
            assert (own in known, len(known)) == (False, 3)
        assert ledger.height(name) == 0
        assert ledger.key_of(name) not in ledger.voters(IOWA)
    finally:
        ledger.stop(name)
        del ledger.nodes[name]


def test_a_validator_with_a_foreign_id_has_no_peers(ledger: LedgerRegions) -> None:
    """It has the key that it votes with, and everything else; only the key of its id is another one."""
    node, file = ledger.nodes[ASIA], f"{pod(0)}.node_key.json"
    kept = (node.home / "keys" / file).read_text()
    foreign = private_pem(private_key("foreign", "ED25519"))
    ledger.stop(ASIA)
    ledger.write(node, f"keys/{file}", ValidatorKeys(node_pem=foreign, vote_pem=foreign).files(pod(0))[file])
    ledger.start(ASIA)
    time.sleep(QUIET_SECONDS)
    ledger.put(IOWA, "not-for-foreign-ids", "yes")
    for region in (one for one in ledger.nodes if one != ASIA):
        assert len(ledger.rpc(region, "net_info")["peers"]) == 2
    assert ledger.value(ASIA, "not-for-foreign-ids") == ""
    ledger.stop(ASIA)
    ledger.write(node, f"keys/{file}", kept)
    ledger.start(ASIA)
    ledger.together()


def test_services_write_and_do_not_vote(ledger: LedgerRegions) -> None:
    vote = f"val=ed25519!{ledger.key_of(ASIA)}!0".encode().hex()
    assert ledger.ask(IOWA, f"/broadcast_tx_sync?tx=0x{vote}")[0] == 403
    assert ledger.ask(IOWA, f"/broadcast_tx_sync?tx=0x{vote.upper()}")[0] == 403
    voter = ledger.nodes[IOWA].home / proxy.voter(IOWA)
    # The same votes as it has, so nothing changes: the proxy passes it on.
    same = f"val=ed25519!{ledger.key_of(ASIA)}!10".encode().hex()
    assert ledger.ask(IOWA, f"/broadcast_tx_sync?tx=0x{same}", shown=voter)[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ('/broadcast_tx_sync?tx="a=b"', 400),
        ("/broadcast_tx_sync?tx=0x613d62&tx=0x76616c3d", 400),
        ("/broadcast_tx_sync?x=1;tx=0x613d62&tx=0x76616c3d", 400),
        ("/broadcast_tx_sync?tx=0x%37%36616c3d", 400),
        (f"/broadcast_tx_sync?tx=0x{'61' * 4097}", 413),
        ("/dial_peers?peers=[]", 404),
        ("/net_info", 404),
        ("/websocket", 404),
        ("/", 404),
    ],
)
def test_other_forms_of_a_request_are_refused(ledger: LedgerRegions, path: str, status: int) -> None:
    assert ledger.ask(IOWA, path)[0] == status


def test_a_body_is_refused(ledger: LedgerRegions) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status"}).encode()
    assert ledger.ask(IOWA, "/status", method="POST", body=body)[0] == 405


def test_a_service_of_another_region_is_refused(ledger: LedgerRegions) -> None:
    other = ledger.nodes[VIRGINIA].home / proxy.client(VIRGINIA)
    assert ledger.ask(IOWA, "/status", shown=other)[0] == 403


def test_the_longest_transaction_passes(ledger: LedgerRegions) -> None:
    value = "x" * (proxy.MOST_BYTES - len("long="))
    ledger.put(IOWA, "long", value)
    assert ledger.value(IOWA, "long") == value


def test_admitting_a_genesis_region_sends_nothing(ledger: LedgerRegions) -> None:
    stack = ledgered(*FOUR, genesis_regions=FOUR)
    done = ledger.job(stack, IOWA, "admit")
    assert (done.returncode, "Giving" in done.stdout) == (0, False), done.stderr


def test_the_metrics_are_those_of_the_contract(ledger: LedgerRegions) -> None:
    contract = yaml.safe_load((ROOT / "components" / "monitoring" / "contracts" / "cometbft.yaml").read_text())
    with urllib.request.urlopen(f"http://127.0.0.1:{ledger.nodes[IOWA].metrics}/metrics", timeout=5) as answer:
        page = answer.read().decode()
    kinds = {line.split()[2]: line.split()[3] for line in page.splitlines() if line.startswith("# TYPE ")}
    for name, metric in contract["metrics"].items():
        assert kinds.get(name) == metric["type"], name
        sample = next(line for line in page.splitlines() if line.startswith(name) and "{" in line)
        labels = {part.partition("=")[0] for part in sample.partition("{")[2].partition("}")[0].split(",")}
        assert labels - {"le"} == set(metric["labels"]), name
