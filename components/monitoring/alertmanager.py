"""Who is told about alerts. Pure: no resources.

The receiver's address and token are secrets. Alertmanager reads them from the files of a Secret, each time it sends.
"""

from typing import Any, Final

RECEIVER_SECRET: Final = "alert-receiver"  # noqa: S105 - the name of a Secret
URL_KEY: Final = "url"
TOKEN_KEY: Final = "token"  # noqa: S105 - the name of a key
MOUNTED: Final = f"/etc/alertmanager/secrets/{RECEIVER_SECRET}"
"""Where the operator mounts the Secret."""

NOBODY: Final = "null"
PEOPLE: Final = "people"
HEARTBEATS: Final = "Watchdog|InfoInhibitor"
"""Alerts of the chart that always fire, or exist only to silence others."""


def alertmanager_config(*, receiver: bool, token: bool) -> dict[str, Any]:
    """Alertmanager's configuration. Without a `receiver` alerts are shown, and sent to nobody.

    Critical alerts are sent at once and repeated every hour, warnings twice a day. `token` sends a bearer token along.
    """
    told = PEOPLE if receiver else NOBODY
    return {
        "global": {"resolve_timeout": "5m"},
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "namespace", "region"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [
                {"receiver": NOBODY, "matchers": [f'alertname =~ "{HEARTBEATS}"']},
                {"receiver": told, "matchers": ['severity = "critical"'], "group_wait": "10s", "repeat_interval": "1h"},
                {"receiver": told, "matchers": ['severity = "warning"']},
            ],
        },
        "receivers": [{"name": NOBODY}, *([_people(token)] if receiver else [])],
        "inhibit_rules": [
            _inhibit(["alertname = InfoInhibitor"], ["severity = info"], ["namespace"]),
            # What is critical already needs no warning of the same name on top: the chart has such pairs.
            _inhibit(["severity = critical"], ["severity =~ warning|info"], ["namespace", "alertname"]),
            *(
                _inhibit([f"alertname = {name}Fast"], [f"alertname = {name}Slow"], ["destination_service_name"])
                for name in ("AvailabilityBudgetBurns", "LatencyBudgetBurns")
            ),
        ],
    }


def _people(token: bool) -> dict[str, Any]:
    authorization = {"type": "Bearer", "credentials_file": f"{MOUNTED}/{TOKEN_KEY}"}
    webhook = {
        "url_file": f"{MOUNTED}/{URL_KEY}",
        "send_resolved": True,
        **({"http_config": {"authorization": authorization}} if token else {}),
    }
    return {"name": PEOPLE, "webhook_configs": [webhook]}


def _inhibit(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}
