"""Rules about the webhook for alerts. Its address and token are secrets, so no message shows them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from components.ports import HTTPS_PORT
from stacks.settings.errors import Mistake
from stacks.settings.models import Settings

URL: Final = "alertWebhookUrl"
TOKEN: Final = "alertWebhookToken"  # noqa: S105 - the name of a setting


def broken_webhook_rules(settings: Settings, secrets: Mapping[str, str]) -> Iterator[Mistake]:
    """All mistakes in the webhook's `secrets` (decrypted, by name)."""
    if not settings.monitoring.enabled:
        yield from (_unheard(key) for key in (URL, TOKEN) if key in secrets)
    elif URL not in secrets and TOKEN in secrets:
        yield Mistake(
            path=TOKEN,
            rule=f"has no effect without {URL}: nothing would receive it",
            remedy=f"`pulumi config set --secret {URL}`, or `pulumi config rm {TOKEN}`",
            reads=("monitoring.enabled",),
        )
    if URL in secrets and not _in_reach(secrets[URL]):
        yield Mistake(
            path=URL,
            rule=f"must be an HTTPS address on port {HTTPS_PORT}: alerts can leave through no other port",
            remedy=f"`pulumi config set --secret {URL}` with an address that begins with https:// and names no port",
        )


def _unheard(key: str) -> Mistake:
    return Mistake(
        path=key,
        rule="has no effect with monitoring.enabled: false: nothing sends alerts",
        remedy=f"write monitoring: {{enabled: true}}, or `pulumi config rm {key}`",
    )


def _in_reach(url: str) -> bool:
    # A plan without the real secrets has made-up words instead.
    if "://" not in url:
        return True
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.port in (None, HTTPS_PORT)
    except ValueError:
        return False
