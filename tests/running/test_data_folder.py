"""The folder of an embedded installation: one user at a time, never a newer one, never somebody else's files."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from runai_portal.running import data_folder
from runai_portal.running.data_folder import DATA_VERSION, DataFolderRefused
from runai_portal.running.ports import PortInUse, free_port, require_free


class DataFolder(data_folder.DataFolder):
    """Closed at the end of its test."""

    made: ClassVar[list["DataFolder"]] = []

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.made.append(self)


@pytest.fixture(autouse=True)
def closed_in_the_end() -> Iterator[None]:
    yield
    while DataFolder.made:
        DataFolder.made.pop().close()


def test_a_new_folder_is_private_and_says_its_version(tmp_path: Path):
    folder = DataFolder(tmp_path / "data")
    folder.open()
    assert json.loads((folder.path / "version.json").read_text()) == {"data_version": DATA_VERSION}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_folder_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "version.json").write_text(json.dumps({"data_version": DATA_VERSION + 1}))
    with pytest.raises(DataFolderRefused, match="newer version"):
        DataFolder(tmp_path).open()
    assert json.loads((tmp_path / "version.json").read_text()) == {"data_version": DATA_VERSION + 1}


def test_an_older_folder_is_brought_up_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done: list[int] = []
    monkeypatch.setattr(data_folder, "DATA_VERSION", 3)
    monkeypatch.setattr(
        data_folder, "STEPS", {1: lambda path: done.append(1), 2: lambda path: done.append(2)}
    )
    (tmp_path / "version.json").write_text(json.dumps({"data_version": 1}))
    DataFolder(tmp_path).open()
    assert done == [1, 2]
    assert json.loads((tmp_path / "version.json").read_text()) == {"data_version": 3}


def test_two_products_do_not_share_a_folder(tmp_path: Path):
    first = DataFolder(tmp_path)
    first.open()
    with pytest.raises(DataFolderRefused, match="already runs"):
        DataFolder(tmp_path).open()


def test_reset_forgets_everything_of_ours(tmp_path: Path):
    first = DataFolder(tmp_path)
    first.open()
    first.remember("ports.json", {"simulator": 1})
    (tmp_path / "cluster").mkdir()
    first.close()
    DataFolder(tmp_path).open(reset=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["up.lock", "version.json"]


def test_reset_never_empties_a_folder_that_is_not_ours(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataFolderRefused, match="not emptied"):
        DataFolder(tmp_path).open(reset=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_demo_passwords_are_made_once_and_private(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.open()
    first = folder.demo_passwords(["ada", "root"])
    assert folder.demo_passwords(["ada", "root"]) == first
    assert len(set(first.values())) == 2
    assert stat.S_IMODE((tmp_path / "demo_passwords.json").stat().st_mode) == 0o600


def test_a_port_in_use_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            require_free(port)
        assert free_port(port) != port


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_outside_the_range_is_refused(port: int):
    with pytest.raises(PortInUse, match="1 to 65535"):
        require_free(port)
