"""Real validators that are lost, join and leave while others write: minutes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.ledger_regions import LedgerRegions, ledger_regions
from tests.support.regions import FIVE, MIXED, TAIWAN, ledgered

pytestmark = [pytest.mark.conformance, pytest.mark.campaign, pytest.mark.timeout(540)]

FOUR = (*MIXED, TAIWAN)
IOWA, VIRGINIA, AMSTERDAM, ASIA = (name for name, _ in FOUR)
(FIFTH,) = {name for name, _ in FIVE} - {name for name, _ in FOUR}
SILENT_SECONDS = 20


@pytest.fixture
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerRegions]:
    """Four regions with one validator each."""
    names = [name for name, _ in FOUR]
    with ledger_regions(ledgered(*FOUR, genesis_regions=FOUR), tmp_path_factory.mktemp("ledger"), *names) as made:
        made.start()
        made.together()
        yield made


@contextmanager
def load(ledger: LedgerRegions, region: str) -> Iterator[list[str]]:
    """Write through a region until the block ends. Yields the keys whose writing was confirmed."""
    written: list[str] = []
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            key = f"load-{number}"
            ledger.put(region, key, "yes")
            written.append(key)
            number += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield written
    finally:
        ended.set()
        writer.join(timeout=60)
    assert not writer.is_alive()


def test_with_two_killed_nothing_is_written_until_one_is_back_and_nothing_is_lost(ledger: LedgerRegions) -> None:
    before = ledger.put(IOWA, "before", "yes")
    ledger.kill(ASIA)
    ledger.kill(AMSTERDAM)
    # A block may be under way.
    time.sleep(2)
    stopped = ledger.height(IOWA)
    transaction = b"meanwhile=yes".hex()
    status, accepted = ledger.ask(IOWA, f"/broadcast_tx_sync?tx=0x{transaction}")
    assert (status, accepted["code"]) == (200, 0)
    time.sleep(SILENT_SECONDS)
    assert ledger.height(IOWA) == ledger.height(VIRGINIA) == stopped >= before
    assert ledger.value(VIRGINIA, "meanwhile") == ""
    ledger.start(AMSTERDAM)
    ledger.eventually(lambda: ledger.value(VIRGINIA, "meanwhile") == "yes", "what waited is written")
    ledger.put(AMSTERDAM, "with-three", "yes")
    ledger.start(ASIA)
    ledger.together()
    for region in ledger.nodes:
        assert [ledger.value(region, key) for key in ("before", "meanwhile", "with-three")] == ["yes"] * 3


def test_a_fifth_region_joins_and_leaves_under_load(ledger: LedgerRegions) -> None:
    four, five = ledgered(*FOUR, genesis_regions=FOUR), ledgered(*FIVE, genesis_regions=FOUR)
    ledger.put(IOWA, "history", "yes")
    with load(ledger, VIRGINIA) as written:
        # What `pulumi up` does: the others' list of peers changes in place, and nobody restarts.
        ledger.add(FIFTH)
        ledger.mount(five)
        ledger.start(FIFTH)
        done = ledger.job(five, FIFTH, "admit")
        assert done.returncode == 0, done.stdout + done.stderr
        ledger.together()
        key = ledger.key_of(FIFTH)
        assert ledger.voters(IOWA)[key] == 10
        again = ledger.job(five, FIFTH, "admit")
        assert (again.returncode, "Giving" in again.stdout) == (0, False)
        kept = ledger.job(five, IOWA, "remove")
        assert (kept.returncode, "Giving" in kept.stdout) == (0, False), kept.stderr
        assert ledger.value(FIFTH, "history") == "yes"
        # With five, another one may die.
        ledger.kill(ASIA)
        before = len(written)
        ledger.eventually(lambda: len(written) > before + 2, "four of five go on")
        ledger.start(ASIA)
        ledger.together()
        # The region leaves: first it is voted out, then it ends.
        gone = ledger.job(four, IOWA, "remove")
        assert gone.returncode == 0, gone.stdout + gone.stderr
        assert key not in ledger.voters(IOWA)
        ledger.stop(FIFTH)
        left = ledger.nodes.pop(FIFTH)
        ledger.mount(four)
        before = len(written)
        ledger.eventually(lambda: len(written) > before + 2, "four go on")
    assert left.endpoint.port
    assert len(written) > 10
    ledger.together()
    for region in ledger.nodes:
        assert [one for one in written if ledger.value(region, one) != "yes"] == []
