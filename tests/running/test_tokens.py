"""Tokens of the parts are renewed long before they run out, and never half written."""

import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster.client import ClusterClient
from cluster.kinds import PODS
from runai_portal.running import identities
from runai_portal.running.identities import RENEW_SECONDS, TOKEN_SECONDS, Identities, kubeconfig_path
from tests.cluster.servers import served

HOUR = 3600.0


@pytest.fixture(scope="module")
def administrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with served(tmp_path_factory.mktemp("cluster")) as server:
        assert server.settings.kubeconfig
        yield server.settings.kubeconfig


def test_they_last_for_several_renewals():
    assert TOKEN_SECONDS >= 2 * RENEW_SECONDS


def test_they_are_renewed_by_the_wall_clock(
    administrator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = [1_000_000.0]
    monkeypatch.setattr(identities, "time", SimpleNamespace(time=lambda: now[0]))
    ours = Identities(administrator, tmp_path)
    ours.prepare()
    token = tmp_path / "scheduler.token"
    first = token.read_text()

    now[0] += RENEW_SECONDS - 1
    ours.renew_if_due()
    assert token.read_text() == first

    now[0] += 8 * HOUR  # the computer slept
    ours.renew_if_due()
    assert token.read_text() != first

    second = token.read_text()
    now[0] -= 24 * HOUR  # somebody set the clock back: nobody knows how old a token is
    ours.renew_if_due()
    assert token.read_text() != second


def test_a_second_start_leaves_kubeconfigs_as_they_are(administrator: Path, tmp_path: Path):
    """Their time tells clients to connect anew."""
    Identities(administrator, tmp_path).prepare()
    written = kubeconfig_path(tmp_path, "worker").stat().st_mtime_ns
    Identities(administrator, tmp_path).prepare()

    assert kubeconfig_path(tmp_path, "worker").stat().st_mtime_ns == written
    assert stat.S_IMODE(kubeconfig_path(tmp_path, "worker").stat().st_mode) == 0o600


def test_the_worker_reads_metrics_under_another_name(administrator: Path, tmp_path: Path):
    Identities(administrator, tmp_path).prepare()
    path = kubeconfig_path(tmp_path, "worker")
    names = set()
    for context in (None, "controller", "collectors"):
        client = ClusterClient.connect(path, context=context)
        client.list(PODS)
        names.add(client.connection.credentials.authorization())
        client.close()

    assert len(names) == 2
