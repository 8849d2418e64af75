"""Exec plugins: a token is asked for once, again when it was refused or expired, and failures are told plainly."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from lightkube.config.models import NameValue, User, UserExec

from sandbox.providers.kubernetes import credentials

API = "client.authentication.k8s.io/v1"
COUNTER = """
import json, os, pathlib
count = pathlib.Path(os.environ["COUNT"])
number = int(count.read_text() or 0) + 1 if count.exists() else 1
count.write_text(str(number))
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["apiVersion"] == "client.authentication.k8s.io/v1"
print(json.dumps({"status": {"token": f"t{number}", "expirationTimestamp": os.environ["EXPIRES"]}}))
"""


def plugin(tmp_path: Path, expires: datetime) -> credentials.ExecPlugin:
    environment = [NameValue("COUNT", str(tmp_path / "count")), NameValue("EXPIRES", expires.isoformat())]
    command = UserExec(apiVersion=API, command=sys.executable, args=["-c", COUNTER], env=environment)
    made = credentials.from_user(User(exec=command))
    assert isinstance(made, credentials.ExecPlugin)
    return made


async def tokens(auth: httpx2.Auth, *statuses: int) -> list[str]:
    """The tokens sent by requests that are answered with the given statuses."""
    sent: list[str] = []
    answers = iter(statuses)

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.headers["Authorization"])
        return httpx2.Response(next(answers))

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), auth=auth) as client:
        while len(sent) < len(statuses):
            await client.get("https://cluster.example/")
    return sent


def test_one_token_serves_many_requests_and_a_refused_one_is_renewed(tmp_path: Path) -> None:
    auth = plugin(tmp_path, datetime.now(UTC) + timedelta(hours=1))
    assert asyncio.run(tokens(auth, 200, 200, 401, 200, 200)) == [
        "Bearer t1",
        "Bearer t1",
        "Bearer t1",
        "Bearer t2",
        "Bearer t2",
    ]


def test_an_expired_token_is_renewed(tmp_path: Path) -> None:
    auth = plugin(tmp_path, datetime.now(UTC) - timedelta(hours=1))
    assert asyncio.run(tokens(auth, 200, 200)) == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("no-such-plugin", [], "cannot be run .*put it on PATH"),
        (sys.executable, ["-c", "import sys; sys.exit('log in first')"], "failed .*log in first"),
        (sys.executable, ["-c", "print('hello')"], "did not return an ExecCredential"),
        (sys.executable, ["-c", "print('{\"status\": {}}')"], "returned no token"),
    ],
)
def test_a_plugin_that_does_not_work_is_named_with_what_it_said(
    command: str, arguments: list[str], message: str
) -> None:
    auth = credentials.ExecPlugin(UserExec(apiVersion=API, command=command, args=arguments))
    with pytest.raises(credentials.CredentialError, match=message):
        asyncio.run(tokens(auth, 200))


def test_a_plugin_of_another_protocol_is_refused() -> None:
    with pytest.raises(credentials.CredentialError, match="speaks 'other/v1'"):
        credentials.ExecPlugin(UserExec(apiVersion="other/v1", command="x"))
