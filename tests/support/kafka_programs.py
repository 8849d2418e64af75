"""Kafka's own programs, from the jars that `tools/kafka/pom.xml` pins. Maven fetches them, where there is Java."""

import hashlib
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from components.versions import KAFKA_VERSION
from sandbox.layout import Layout
from tests.support.rendering import ROOT

POM: Final = ROOT / "tools" / "kafka" / "pom.xml"
CHECKSUMS: Final = ROOT / "tools" / "kafka" / "jars.sha256"
PATIENCE_SECONDS: Final = 600
HEAP: Final = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@cache
def jars() -> Path:
    """The folder with Kafka's jars. Skips the test where they cannot be had; fails if one is not the pinned one."""
    folder = Layout.from_environment().binaries / "kafka" / KAFKA_VERSION
    if not folder.is_dir():
        _fetch(folder)
    pinned = {name: checksum for checksum, name in map(str.split, CHECKSUMS.read_text().splitlines())}
    assert f"kafka-clients-{KAFKA_VERSION}.jar" in pinned, f"{CHECKSUMS} has not the jars of Kafka {KAFKA_VERSION}"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.jar")}
    assert found == pinned, f"the jars in {folder} are not those of {CHECKSUMS}"
    return folder


def java(main: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
    """The command that runs the class `main` of Kafka."""
    program = shutil.which("java")
    if program is None:
        pytest.skip("Java is not there: install Debian's default-jre-headless")
    logs = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
    return [program, *HEAP, *logs, *options, "-cp", f"{jars()}/*", main, *arguments]


def exporter(address: str, port: int, rules: Path) -> tuple[str, ...]:
    """The options that let a Java process publish its metrics at `address`, by the file `rules`."""
    (agent,) = jars().glob("jmx_prometheus_javaagent-*.jar")
    return (f"-javaagent:{agent}={address}:{port}:{rules}",)


def known_keys(main: str) -> set[str]:
    """The keys of a configuration, from the documentation that its class prints."""
    shown = subprocess.run(java(main), capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True).stdout
    return set(re.findall(r'<a id="([^"]+)"></a><a id=', shown))


def _fetch(folder: Path) -> None:
    for program, package in (("java", "default-jre-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there: install Debian's {package}")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    if run.returncode != 0:
        pytest.skip(f"Maven cannot fetch Kafka here: {run.stdout[-300:]}")
    partial.rename(folder)
