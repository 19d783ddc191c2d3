"""Which cluster a data folder works with: one we run, simulated or genuine, or one that is there already."""

from collections.abc import Callable
from pathlib import Path

from cluster.control_plane.building import (
    API_SERVER,
    CONTROLLER_MANAGER,
    ETCD,
    build,
    cache_folder,
    missing_binaries,
)
from runai_portal.running.data_folder import DataFolder, DataFolderRefused
from runai_portal.running.parts import CONTROL_PLANE, FOREIGN, SIMULATOR

MEMORY = "cluster.json"
WORDS = {
    SIMULATOR: "the simulated cluster",
    CONTROL_PLANE: "its own control plane",
    FOREIGN: "a cluster of a kubeconfig",
}
NEEDED = (ETCD, API_SERVER, CONTROLLER_MANAGER, "kubectl")


def chosen_cluster(folder: DataFolder, wanted: str | None) -> tuple[str, Path | None]:
    """(which, kubeconfig of a foreign one): as asked for, else as the last time, else the simulated one.

    Raises DataFolderRefused when the folder's work stands in another cluster: there it would all count as deleted.
    """
    before = _before(folder)
    if wanted is None:
        wanted = before.get("kubeconfig") or before.get("kind") or SIMULATOR
    kind = wanted if wanted in (SIMULATOR, CONTROL_PLANE) else FOREIGN
    kubeconfig = Path(wanted).resolve() if kind == FOREIGN else None
    if kubeconfig is not None and not kubeconfig.is_file():
        raise DataFolderRefused(
            f"--cluster {wanted}: neither `{SIMULATOR}` nor `{CONTROL_PLANE}` nor a kubeconfig file"
        )
    if before.get("kind", kind) != kind:
        raise DataFolderRefused(
            f"The work of {folder.path} stands in {WORDS[before['kind']]}; in {WORDS[kind]} all of it would count as deleted. "
            f"Start without --cluster to go on there, choose another --data folder, or --reset to start anew."
        )
    folder.remember(MEMORY, {"kind": kind, "kubeconfig": str(kubeconfig or "")})
    return kind, kubeconfig


def ask_for_binaries(say: Callable[[str], None]) -> None:
    """Before anything else starts: is all of it built? Raises CannotBuild."""
    missing = missing_binaries(NEEDED)
    if not missing:
        return
    say(
        f"building {', '.join(missing)} from source into {cache_folder()}, once: "
        "about 9 minutes on two cores; Ctrl-C keeps what is built so far"
    )
    try:
        build(NEEDED)
    except KeyboardInterrupt:
        raise DataFolderRefused("stopped while building; the next start goes on from here") from None


def _before(folder: DataFolder) -> dict[str, str]:
    """What was remembered; a folder of an earlier version had a simulated cluster or remembered nothing."""
    known = folder.remembered(MEMORY)
    if not known and (folder.path / "cluster" / "cluster.sqlite3").exists():
        return {"kind": SIMULATOR, "kubeconfig": ""}
    return known
