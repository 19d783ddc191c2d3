"""Which cluster a folder works with, and who each part is in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control_plane import building, running
from cluster.control_plane.running import DidNotStart
from runai_portal.running import clusters
from runai_portal.running.clusters import ask_for_binaries, chosen_cluster
from runai_portal.running.data_folder import DataFolder, DataFolderRefused
from runai_portal.running.parts import CLUSTER_AND_WEB, CONTROL_PLANE, FOREIGN, SIMULATOR, Place, parts_of


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    one = DataFolder(tmp_path / "data")
    one.open()
    yield one
    one.close()


def test_a_new_folder_gets_the_simulated_cluster(folder: DataFolder):
    assert chosen_cluster(folder, None) == (SIMULATOR, None)


@pytest.mark.parametrize("kind", [SIMULATOR, CONTROL_PLANE])
def test_without_a_word_a_folder_goes_on_where_it_was(folder: DataFolder, kind: str):
    chosen_cluster(folder, kind)

    assert chosen_cluster(folder, None) == (kind, None)


def test_a_foreign_cluster_is_remembered_with_its_kubeconfig(folder: DataFolder, tmp_path: Path):
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_text("")
    second.write_text("")

    assert chosen_cluster(folder, str(first)) == (FOREIGN, first)
    assert chosen_cluster(folder, None) == (FOREIGN, first)
    assert chosen_cluster(folder, str(second)) == (FOREIGN, second)


def test_work_is_never_taken_to_another_cluster(folder: DataFolder):
    """There nothing of it would be found, and what is not found counts as deleted."""
    chosen_cluster(folder, SIMULATOR)

    with pytest.raises(DataFolderRefused, match=r"the simulated cluster.*its own control plane.*--reset"):
        chosen_cluster(folder, CONTROL_PLANE)
    assert chosen_cluster(folder, None) == (SIMULATOR, None)


def test_a_folder_from_before_had_a_simulated_cluster(folder: DataFolder):
    (folder.path / "cluster").mkdir()
    (folder.path / "cluster" / "cluster.sqlite3").touch()

    with pytest.raises(DataFolderRefused, match="the simulated cluster"):
        chosen_cluster(folder, CONTROL_PLANE)


def test_neither_a_word_nor_a_file_is_refused_before_anything_starts(folder: DataFolder):
    with pytest.raises(DataFolderRefused, match=r"neither `simulator` nor `control-plane` nor a kubeconfig"):
        chosen_cluster(folder, "contrl-plane")
    assert folder.remembered("cluster.json") == {}


@pytest.mark.parametrize("version", ["", "v3.5.21"])
def test_data_of_another_etcd_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str):
    monkeypatch.setattr(running, "build", lambda _: tmp_path)
    (tmp_path / "etcd").mkdir()
    if version:
        (tmp_path / "etcd.version").write_text(version)

    with pytest.raises(DidNotStart, match=rf"was written by etcd {version or 'an earlier version'}, which"):
        running.ControlPlane(tmp_path).start()


def test_building_says_how_long_it_takes_and_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built: list[tuple[str, ...]] = []
    monkeypatch.setattr(clusters, "build", lambda wanted: built.append(tuple(wanted)))
    said: list[str] = []

    ask_for_binaries(said.append)

    assert built == [("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")]
    assert "about 9 minutes" in said[0]
    assert str(building.cache_folder()) in said[0]
    for name in built[0]:
        (building.cache_folder() / name).parent.mkdir(parents=True, exist_ok=True)
        (building.cache_folder() / name).touch()
    ask_for_binaries(said.append)
    assert len(said) == 1


def place(tmp_path: Path, cluster: str, kubeconfig: Path | None = None) -> Place:
    return Place(
        data=tmp_path,
        port=8000,
        redis_url="redis://127.0.0.1/0",
        redis_socket=None,
        cluster=cluster,
        simulator_port=6443 if cluster == SIMULATOR else None,
        kubeconfig=kubeconfig,
    )


@pytest.mark.parametrize("cluster", [SIMULATOR, CONTROL_PLANE])
def test_in_a_cluster_of_ours_each_part_is_who_it_should_be(tmp_path: Path, cluster: str):
    parts = {part.name: part for part in parts_of(place(tmp_path, cluster))}

    for name in ("scheduler", "worker"):
        environment = parts[name].env
        assert environment["RUNAI_KUBECONFIG"] == str(tmp_path / "identities" / f"{name}.kubeconfig")
        assert environment["INSTALL_DEFINITIONS"] == "false"
    for name in ("web", "beat"):
        assert parts[name].env["RUNAI_KUBECONFIG"] == ""


def test_in_a_foreign_cluster_workers_are_whom_the_kubeconfig_names(tmp_path: Path):
    parts = {part.name: part for part in parts_of(place(tmp_path, FOREIGN, tmp_path / "kubeconfig"))}

    assert set(parts) == {"web", "scheduler", "worker", "beat"}
    assert parts["worker"].env["RUNAI_KUBECONFIG"] == str(tmp_path / "kubeconfig")
    assert parts["web"].env["RUNAI_KUBECONFIG"] == ""


def test_simulated_nodes_stop_before_their_control_plane(tmp_path: Path):
    """Later stages are stopped first: the nodes never see their server go away."""
    parts = {part.name: part for part in parts_of(place(tmp_path, CONTROL_PLANE))}

    assert parts["cluster"].stage == CLUSTER_AND_WEB
    assert parts["nodes"].stage > parts["cluster"].stage
    tunnel = parts["nodes"].argv[parts["nodes"].argv.index("--tunnel") + 1]
    assert tunnel == str(tmp_path / "control-plane" / "kubelets.sock")
