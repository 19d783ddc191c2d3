"""Fetches the third-party files under static/vendor/ with `npm pack` and records where each came from.

tools/vendor.py            fetch what vendor.lock names; a changed checksum is an error
tools/vendor.py --update   fetch what PACKAGES names and write a new vendor.lock
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "static" / "vendor"
LOCK = VENDOR / "vendor.lock"
REGISTRY = "https://registry.npmjs.org"


@dataclass(frozen=True)
class Package:
    """One npm package: `files` are the paths inside it that we ship."""

    name: str
    version: str
    files: tuple[str, ...]

    @property
    def folder(self) -> str:
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}"

    @property
    def url(self) -> str:
        return f"{REGISTRY}/{self.name}/-/{self.name.split('/')[-1]}-{self.version}.tgz"


TABLER = Package("@tabler/icons", "3.51.0", ("LICENSE",))
PACKAGES = (
    Package("@fontsource-variable/inter", "5.3.0", ("LICENSE", "files/inter-latin-wght-normal.woff2")),
    Package(
        "@fontsource-variable/jetbrains-mono",
        "5.3.0",
        ("LICENSE", "files/jetbrains-mono-latin-wght-normal.woff2"),
    ),
    Package("plotly.js-cartesian-dist-min", "4.1.1", ("LICENSE", "plotly-cartesian.min.js")),
    TABLER,
)

# The names are Tabler's own; a template writes {% icon "player-play" %}.
ICONS = [
    "activity",
    "adjustments",
    "affiliate",
    "alert-triangle",
    "archive",
    "arrow-back-up",
    "arrow-down",
    "arrow-right",
    "arrow-up",
    "arrows-sort",
    "ban",
    "bell",
    "bolt",
    "box",
    "building",
    "bulb",
    "calendar",
    "calendar-event",
    "chart-bar",
    "chart-histogram",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "chevron-up",
    "circle",
    "circle-check",
    "circle-dashed",
    "circle-off",
    "circle-plus",
    "circle-x",
    "circles",
    "clipboard-data",
    "clock",
    "cloud",
    "cloud-off",
    "code",
    "columns-3",
    "copy",
    "cpu",
    "cube",
    "database",
    "device-desktop",
    "device-floppy",
    "dots",
    "download",
    "edit",
    "external-link",
    "eye",
    "file-code",
    "file-text",
    "filter",
    "flag",
    "flask",
    "folder",
    "gauge",
    "git-branch",
    "grip-vertical",
    "hand-stop",
    "help-circle",
    "hierarchy-3",
    "history",
    "home",
    "hourglass",
    "id",
    "info-circle",
    "key",
    "keyboard",
    "layers-subtract",
    "layout-dashboard",
    "link",
    "list",
    "list-details",
    "loader-2",
    "lock",
    "login-2",
    "logout",
    "mail",
    "maximize",
    "menu-2",
    "message",
    "minus",
    "moon",
    "network",
    "notebook",
    "package",
    "pencil",
    "player-pause",
    "player-play",
    "player-stop",
    "plug",
    "plus",
    "point",
    "refresh",
    "replace",
    "report-analytics",
    "robot",
    "rotate",
    "scale",
    "search",
    "selector",
    "server",
    "server-2",
    "settings",
    "shield-check",
    "sitemap",
    "stack-2",
    "sun",
    "table",
    "tag",
    "template",
    "terminal-2",
    "text-wrap",
    "topology-star-3",
    "trash",
    "trending-up",
    "user",
    "user-plus",
    "users",
    "users-group",
    "wave-sine",
    "world",
    "world-upload",
    "x",
    "zoom-out",
]


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--update", action="store_true", help="write a new vendor.lock")
    update = options.parse_args().update
    locked = {} if update else {entry["folder"]: entry for entry in json.loads(LOCK.read_text())}
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            archive = pack(package, Path(folder))
            entry = describe(package, archive)
            if not update and locked.get(package.folder) != entry:
                print(f"{package.folder}: the archive is not the one in vendor.lock", file=sys.stderr)
                return 1
            unpack(package, archive)
            entries.append(entry)
    LOCK.write_text(json.dumps(entries, indent=2) + "\n")
    return 0


def pack(package: Package, folder: Path) -> Path:
    """The package's archive, fetched by npm into `folder`."""
    done = subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return folder / done.stdout.split()[-1]


def describe(package: Package, archive: Path) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    manifest = json.loads(read(archive, "package.json"))
    return {
        "folder": package.folder,
        "url": package.url,
        "integrity": f"sha512-{digest}",
        "licence": manifest["license"],
    }


def unpack(package: Package, archive: Path) -> None:
    target = VENDOR / package.folder
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in package.files:
        (target / Path(name).name).write_bytes(read(archive, name))
    if package is TABLER:
        (target / "sprite.svg").write_text(sprite(archive))


def sprite(archive: Path) -> str:
    """One file with a <symbol> for each icon; size, stroke and colour come from the stylesheet."""
    symbols = []
    for name in ICONS:
        drawing = read(archive, f"icons/outline/{name}.svg").decode()
        inside = re.sub(r"\s*\n\s*", "", drawing.split(">", 1)[1].rsplit("</svg>", 1)[0])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{strip_frame(inside)}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def strip_frame(drawing: str) -> str:
    """Tabler draws an invisible 24 x 24 frame into each icon; it only costs bytes."""
    return drawing.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "").replace(
        '<path stroke="none" d="M0 0h24v24H0z" fill="none"/>', ""
    )


def read(archive: Path, name: str) -> bytes:
    return contents(archive)[f"package/{name}"]


@cache
def contents(archive: Path) -> dict[str, bytes]:
    """Every file of the archive; read once, because a .tgz has no index and the icons are ten thousand files."""
    with tarfile.open(archive) as files:
        return {m.name: member.read() for m in files if (member := files.extractfile(m)) is not None}


if __name__ == "__main__":
    sys.exit(main())
