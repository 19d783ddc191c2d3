"""Ways around the scheduler to a GPU, or to the node itself: what a pod of a project must not bring. Pure."""

import posixpath
import re
from collections.abc import Set
from typing import Any

from cluster.admission.environment import environment_problems
from cluster.admission.fractions import environment_of_share, gpu_container, shares_gpu
from cluster.admission.reading import annotations_in, at, objects, sequence, text
from cluster.admission.reviews import Problem
from cluster.admission.templates import Path, containers_of, field_name
from cluster.documents import Document

DEVICE_ANNOTATIONS = ("cdi.k8s.io/", "nvidia.cdi.k8s.io/")
"""Container runtimes may be set up to read devices from annotations of these prefixes."""
DEVICES_BY_MOUNT = "/run/nvidia-container-devices"
"""Where NVIDIA's runtime, hardened against the environment variable, finds the devices a container asks for."""
HOST_NAMESPACES = ("hostPID", "hostIPC")
HARMLESS_CAPABILITIES = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
        *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "IPC_LOCK"),
    }
)
"""Those of the Pod Security Standard `baseline`, and IPC_LOCK: RDMA needs it, and it opens nothing."""
DEBUGGING_CAPABILITIES = HARMLESS_CAPABILITIES | {"SYS_PTRACE"}
"""Of ephemeral containers: `kubectl debug` adds it unless told otherwise, and without hostPID it reaches its own pod only."""

_DRIVER = """
    /dev/nvidia* /dev/dri /dev/mem /dev/kmsg /run/nvidia* /run/cdi /etc/cdi /proc /sys
    /usr/lib* /lib /lib32 /lib64 /usr/bin /usr/sbin /bin /sbin /usr/local/bin /usr/local/sbin
    /usr/local/nvidia /opt/nvidia /home/kubernetes /sysroot /ostree /etc/nvidia-container-runtime /etc/ld.so*
"""
"""Driver files, device files, and what decides who sees them. A star stands for any ending of the name."""
_NODE = """
    /run/containerd* /run/crio* /run/docker* /run/k3s /run/systemd /run/dbus /boot /root
    /var/lib/kubelet /var/lib/containerd /var/lib/docker /var/lib/rancher /var/lib/etcd /var/lib/k0s /var/lib/cni
    /var/snap /var/spool/cron /opt/bin /opt/cni /opt/containerd
    /etc/kubernetes /etc/containerd /etc/crio /etc/docker /etc/systemd /etc/ssh /etc/cron* /etc/cni
    /etc/pam* /etc/passwd* /etc/shadow* /etc/sudo* /etc/profile*
"""
"""With one of these a pod is master of its node."""
_GUARDED = (*_DRIVER.split(), *_NODE.split())


def device_problems(pod: Document, path: Path) -> list[Problem]:
    """All of them, for a pod or a template at `path`."""
    spec = at(pod, "spec")
    found = [
        Problem(field_name((*path, "spec"), name), "must be false: it shows the processes of the whole node")
        for name in HOST_NAMESPACES
        if spec.get(name)
    ]
    found += _host_process(at(spec, "securityContext"), field_name((*path, "spec"), "securityContext"))
    notes = field_name(path, "metadata", "annotations")
    found += [
        Problem(f"{notes}[{name}]", "asks the container runtime for devices; ask for GPUs by nvidia.com/gpu")
        for name in sorted(annotations_in(pod))
        if name.startswith(DEVICE_ANNOTATIONS)
    ]
    for index, volume in objects(spec.get("volumes")):
        found += _volume_problems(volume, field_name((*path, "spec"), "volumes", index))
    shared = gpu_container(pod) if shares_gpu(pod) else None
    ours = environment_of_share(pod) if shared else []
    for listed, index, container in containers_of(pod):
        place = field_name((*path, "spec"), listed, index)
        is_debugger = listed == "ephemeralContainers"
        capabilities = DEBUGGING_CAPABILITIES if is_debugger else HARMLESS_CAPABILITIES
        found += _security_problems(container, place, capabilities)
        found += _mount_problems(container, place)
        found += environment_problems(container, place, ours if (listed, index) == shared else [])
    return found


def _volume_problems(volume: dict[str, Any], place: str) -> list[Problem]:
    if not isinstance(volume.get("hostPath"), dict):
        return []
    asked = text(volume["hostPath"].get("path"))
    guarded = guarded_path(asked)
    if guarded is None:
        return []
    return [
        Problem(
            f"{place}.hostPath.path", f"{asked[:200]!r} opens {guarded}, which no pod of a project may see"
        )
    ]


def guarded_path(asked: str) -> str | None:
    """The guarded path that a host path is, lies in, or contains; None when it touches none."""
    wanted = _normal(asked)
    for guarded in _GUARDED:
        name = guarded.rstrip("*")
        inside = wanted.startswith(name) if guarded != name else f"{wanted}/".startswith(f"{name}/")
        if inside or name.startswith(wanted.rstrip("/") + "/"):
            return guarded
    return None


def _normal(path: str) -> str:
    """Without . and .. and doubled slashes, and /var/run as the /run it is on every node."""
    wanted = re.sub("^/+", "/", posixpath.normpath("/" + path))
    return wanted.removeprefix("/var") if wanted == "/var/run" or wanted.startswith("/var/run/") else wanted


def _mount_problems(container: dict[str, Any], place: str) -> list[Problem]:
    """Whatever stands behind the mount: NVIDIA's runtime reads names below that folder as devices to give."""
    return [
        Problem(
            f"{place}.volumeMounts[{index}].mountPath",
            f"{asked[:200]!r} asks NVIDIA's runtime for devices; ask for GPUs by nvidia.com/gpu",
        )
        for index, mount in objects(container.get("volumeMounts"))
        if f"{_normal(asked := text(mount.get('mountPath')))}/".startswith(f"{DEVICES_BY_MOUNT}/")
    ]


def _host_process(context: Document, place: str) -> list[Problem]:
    if not at(context, "windowsOptions").get("hostProcess"):
        return []
    return [
        Problem(
            f"{place}.windowsOptions.hostProcess", "must be false: it is a process of the node, no container"
        )
    ]


def _security_problems(container: dict[str, Any], place: str, capabilities: Set[str]) -> list[Problem]:
    context = at(container, "securityContext")
    found = _host_process(context, f"{place}.securityContext")
    if context.get("privileged"):
        found.append(
            Problem(
                f"{place}.securityContext.privileged",
                "must be false: a privileged container sees every GPU of its node",
            )
        )
    added = [one for one in sequence(at(context, "capabilities").get("add")) if isinstance(one, str)]
    beyond = sorted(one for one in added if one.upper().removeprefix("CAP_") not in capabilities)
    if beyond:
        allowed = ", ".join(sorted(capabilities))
        found.append(
            Problem(
                f"{place}.securityContext.capabilities.add",
                f"{', '.join(beyond)[:200]} may not be added; allowed are {allowed}",
            )
        )
    if text(context.get("procMount")) not in ("", "Default"):
        found.append(Problem(f"{place}.securityContext.procMount", "must be Default"))
    return found
