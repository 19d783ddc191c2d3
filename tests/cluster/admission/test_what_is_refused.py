"""The validating half: each refusal names the field and the limit, and what is in order passes."""

import pytest

from cluster import labels
from tests.cluster.admission.reviewing import (
    ADA,
    CONTROLLER,
    VISION,
    completed,
    container,
    gpus,
    job,
    mutated,
    ours,
    pod,
    refusals,
)

OURS = labels.SCHEDULER_NAME
FRACTION, MEMORY, DEVICES = labels.GPU_FRACTION, labels.GPU_MEMORY, labels.GPU_FRACTION_DEVICES


@pytest.mark.parametrize("written", ["0.5", ".25", "0.125", "0.500", "00.5"])
def test_a_part_of_a_gpu_is_a_decimal_below_one(written):
    assert refusals(ours(annotations={FRACTION: written})) == []


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "0.0",
        "1",
        "1.0",
        "1.5",
        "-0.5",
        "+0.5",
        "NaN",
        "nan",
        "inf",
        "1e-1",
        "1e309",
        "0x1p-1",
        "",
        ".",
        "half",
        "½",
        "٠.٥",
        "0.5 ",
        "0.0001",
        "0,5",
    ],
)
def test_a_malformed_part_is_refused_by_name(written):
    (problem,) = refusals(ours(annotations={FRACTION: written}))

    assert problem.startswith(f"metadata.annotations[{FRACTION}]: {written!r} must ")


@pytest.mark.parametrize("written", ["0", "-1", "1.5", "4G", "NaN", "", "9" * 30, "16777217", "٣"])
def test_gpu_memory_is_a_whole_number_of_mib(written):
    (problem,) = refusals(ours(annotations={MEMORY: written}))

    assert problem.startswith(f"metadata.annotations[{MEMORY}]: ")
    assert problem.endswith("must be a whole number of MiB from 1 to 16777216")


@pytest.mark.parametrize("written", ["0", "-1", "1.5", "two", "1025", "99999999999999999999"])
def test_the_number_of_shared_devices_is_a_whole_number(written):
    (problem,) = refusals(ours(annotations={FRACTION: "0.5", DEVICES: written}))

    assert problem == f"metadata.annotations[{DEVICES}]: {written!r} must be a whole number from 1 to 1024"


@pytest.mark.parametrize(
    ("notes", "containers", "field", "words"),
    [
        (
            {DEVICES: "2"},
            [container()],
            f"metadata.annotations[{DEVICES}]",
            "needs gpu-fraction or gpu-memory",
        ),
        ({FRACTION: "0.5", MEMORY: "4096"}, [container()], f"metadata.annotations[{MEMORY}]", "one of them"),
        ({FRACTION: "0.5"}, [gpus(1)], "spec.containers[0].resources", "whole GPUs or parts, not both"),
        ({MEMORY: "4096"}, [container(), gpus(1, name="b")], "spec.containers[1].resources", "not both"),
        (
            {FRACTION: "0.5", labels.GPU_FRACTION_CONTAINER: "other"},
            [container()],
            f"metadata.annotations[{labels.GPU_FRACTION_CONTAINER}]",
            "no container is named 'other'",
        ),
    ],
)
def test_requests_that_contradict_themselves_are_refused(notes, containers, field, words):
    (problem,) = refusals(ours(annotations=notes, containers=containers))

    assert problem.startswith(f"{field}: ")
    assert words in problem


@pytest.mark.parametrize(
    ("notes", "limit", "words"),
    [
        ({FRACTION: "0.5"}, "0.95", ""),
        ({FRACTION: "0.5"}, "1.0", ""),
        ({FRACTION: "0.5"}, "0.4", "must be at least the request, 0.5"),
        ({FRACTION: "0.5"}, "2500M", "must be a part above 0 and at most 1"),
        ({FRACTION: "0.5"}, "1.2", "must be a part above 0 and at most 1"),
        ({MEMORY: "2000"}, "2500M", ""),
        ({MEMORY: "2000"}, "2000Mi", ""),
        ({MEMORY: "2000"}, "2000M", "must be at least the request, 2000 MiB"),
        ({MEMORY: "2000"}, "lots", "must be a quantity"),
    ],
)
def test_how_far_a_part_may_grow_is_said_in_the_form_of_the_request(notes, limit, words):
    variable = {"name": "RUNAI_GPU_MEMORY_LIMIT", "value": limit}
    found = refusals(ours(annotations=notes, containers=[container(env=[variable])]))

    assert [words in one and one.startswith("spec.containers[0].env[0].value: ") for one in found] == [
        True
    ] * bool(words)


def test_each_thing_that_is_wrong_is_told_at_once():
    asked = pod(
        annotations={FRACTION: "2"},
        hostPID=True,
        containers=[container(securityContext={"privileged": True})],
    )
    found = refusals(completed(asked))

    assert [one.split(":")[0] for one in found] == [
        f"metadata.annotations[{FRACTION}]",
        "spec.hostPID",
        "spec.containers[0].securityContext.privileged",
        "spec.schedulerName",
    ]


@pytest.mark.parametrize("value", ["all", "0", "GPU-8f3c", "0,1", "Void", "all,void"])
@pytest.mark.parametrize("listed", ["containers", "initContainers"])
def test_nobody_gives_himself_devices(value, listed):
    asked = {
        listed: [
            container(
                "mine", env=[{"name": "A", "value": "b"}, {"name": "NVIDIA_VISIBLE_DEVICES", "value": value}]
            )
        ]
    }
    (problem,) = refusals(ours(**asked))

    assert problem.startswith(f"spec.{listed}[0].env[1]: NVIDIA_VISIBLE_DEVICES is set by the product")


@pytest.mark.parametrize(
    "source",
    [
        {"configMapKeyRef": {"name": "mine", "key": "devices"}},
        {"fieldRef": {"fieldPath": "metadata.annotations['mine']"}},
        {"secretKeyRef": {"name": "mine", "key": "devices"}},
    ],
)
def test_devices_from_elsewhere_are_refused_too_also_on_a_shared_pod(source):
    asked = [container(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": source}])]

    assert len(refusals(ours(containers=asked))) == 1
    assert len(refusals(ours(containers=asked, annotations={FRACTION: "0.5"}))) == 1


def test_what_the_mutating_half_did_not_tell_is_refused():
    """It may be passed over, when it does not answer in time: an image that asks for all devices would be given them."""
    told = "does not say which GPUs the container sees (NVIDIA_VISIBLE_DEVICES), as the product's defaults do: send it again"
    bare = pod(
        marks=dict(VISION.marks),
        schedulerName=OURS,
        initContainers=[container("first")],
        containers=[gpus(1)],
    )
    shared = {
        **ours(annotations={FRACTION: "0.5"}),
        "spec": {"containers": [container()], "schedulerName": OURS},
    }

    assert refusals(bare) == [f"spec.initContainers[0].env: {told}"]
    assert refusals(bare, user=CONTROLLER) == refusals(bare)
    assert refusals(shared) == [f"spec.containers[0].env: {told}"]
    debugging = {**bare, "spec": {**bare["spec"], "ephemeralContainers": [container("debug")]}}
    asked = {"operation": "UPDATE", "subresource": "ephemeralcontainers", "old": bare}
    assert refusals(debugging, **asked) == [f"spec.ephemeralContainers[0].env: {told}"]


def test_having_no_devices_may_be_said():
    void = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]

    assert refusals(ours(containers=[container(env=void)])) == []
    # but not beside a request for a part: then the product tells the devices
    assert len(refusals(ours(containers=[container(env=void)], annotations={FRACTION: "0.5"}))) == 1


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/dev",
            "/dev/nvidia0",
            "/dev/nvidia-caps/x",
            "/usr",
            "/usr/lib",
            "/usr/lib/x86_64-linux-gnu",
            "/lib64",
        ),
        *(
            "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
            "/run/nvidia/driver",
            "/var/run/docker.sock",
            "/run/docker.sock",
        ),
        *(
            "/var/run/nvidia-container-devices",
            "/proc/driver/nvidia",
            "/etc",
            "/var",
            "/var/lib/kubelet/device-plugins",
        ),
        *(
            "//dev//nvidia0",
            "/data/../dev/nvidia0",
            "/./proc",
            "/etc/cdi/",
            "/var/../run/cdi",
            "/run/containerd/containerd.sock",
        ),
        *("/bin", "/sbin/init", "/usr/local/bin", "/usr/lib32", "/usr/libexec/x", "/opt/bin", "/opt/cni/bin"),
        *(
            "/home/kubernetes/bin/nvidia",
            "/sysroot/ostree",
            "/etc/shadow",
            "/etc/sudoers.d",
            "/etc/ld.so.preload",
        ),
        *("/etc/cni/net.d", "/etc/pam.d", "/var/spool/cron", "/var/lib/k0s", "/var/snap/microk8s/common"),
    ],
)
def test_paths_to_the_driver_or_the_node_are_refused(path):
    (problem,) = refusals(
        ours(volumes=[{"name": "a", "emptyDir": {}}, {"name": "v", "hostPath": {"path": path}}])
    )

    assert problem.startswith(f"spec.volumes[1].hostPath.path: {path!r} opens /")


@pytest.mark.parametrize(
    "path",
    [
        "/data",
        "/mnt/scratch",
        "/home/ada",
        "/etc/localtime",
        "/library",
        "/dev/infiniband",
        "/var/log",
        "/processed",
    ],
)
def test_other_paths_of_the_node_may_be_mounted(path):
    assert refusals(ours(volumes=[{"name": "v", "hostPath": {"path": path}}])) == []


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"privileged": True}, "privileged"),
        ({"capabilities": {"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}, "capabilities.add"),
        ({"capabilities": {"add": ["CAP_SYS_PTRACE"]}}, "capabilities.add"),
        ({"capabilities": {"add": ["ALL"]}}, "capabilities.add"),
        ({"procMount": "Unmasked"}, "procMount"),
    ],
)
def test_containers_stay_contained(context, field):
    (problem,) = refusals(ours(containers=[container(), container("b", securityContext=context)]))

    assert problem.startswith(f"spec.containers[1].securityContext.{field}: ")


def test_capabilities_that_open_nothing_may_be_added():
    context = {"capabilities": {"add": ["IPC_LOCK", "CAP_CHOWN", "SETUID"], "drop": ["ALL"]}}

    assert refusals(ours(containers=[container(securityContext=context)])) == []


def test_who_debugs_a_pod_may_trace_its_processes():
    old = pod()
    void = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]
    debugger = container("debugger", env=void, securityContext={"capabilities": {"add": ["SYS_PTRACE"]}})
    new = pod(ephemeralContainers=[debugger])

    assert refusals(new, old=old, operation="UPDATE", subresource="ephemeralcontainers") == []
    debugger["securityContext"]["capabilities"]["add"] = ["SYS_ADMIN"]
    (problem,) = refusals(new, old=old, operation="UPDATE", subresource="ephemeralcontainers")
    assert problem.startswith(
        "spec.ephemeralContainers[0].securityContext.capabilities.add: SYS_ADMIN may not"
    )


def test_a_process_of_the_node_is_no_container():
    """On Windows nodes; said for the pod, or for one container."""
    options = {"windowsOptions": {"hostProcess": True}}

    (of_pod,) = refusals(ours(securityContext=options))
    (of_one,) = refusals(ours(initContainers=[container("first", securityContext=options)]))

    assert of_pod.startswith("spec.securityContext.windowsOptions.hostProcess: must be false")
    assert of_one.startswith(
        "spec.initContainers[0].securityContext.windowsOptions.hostProcess: must be false"
    )


@pytest.mark.parametrize("name", ["hostPID", "hostIPC"])
def test_the_processes_of_the_node_stay_out_of_sight(name):
    (problem,) = refusals(ours(**{name: True}))

    assert problem == f"spec.{name}: must be false: it shows the processes of the whole node"


def test_the_scheduler_and_the_node_are_not_a_persons_choice():
    assert refusals(completed(pod())) == [
        "spec.schedulerName: 'default-scheduler' must be runai-scheduler: the project vision enforces it"
    ]
    assert refusals(ours(nodeName="h100-0")) == [
        "spec.nodeName: 'h100-0' must be empty: use nodeSelector or affinity, and the scheduler binds"
    ]


def test_a_template_cannot_name_a_node_either():
    """Its controller is believed: its pods would start there without ever being scheduled."""
    (problem,) = refusals(job(ours(nodeName="h100-0")), group="batch", resource="jobs")

    assert problem.startswith("spec.template.spec.nodeName: 'h100-0' must be empty")


@pytest.mark.parametrize(
    "path",
    [
        "/var/run/nvidia-container-devices/all",
        "/run/nvidia-container-devices/0",
        "/var/run//nvidia-container-devices/cdi/nvidia.com/gpu/all",
        "/tmp/../run/nvidia-container-devices/GPU-8f3c",
    ],
)
@pytest.mark.parametrize("listed", ["containers", "initContainers", "ephemeralContainers"])
def test_devices_cannot_be_asked_for_by_a_mount(path, listed):
    """NVIDIA's runtime takes the names of mounts below that folder for devices, in its hardened setting above all."""
    mounts = [{"name": "a", "mountPath": "/data"}, {"name": "null", "mountPath": path}]
    asked = {listed: [container("mine", volumeMounts=mounts)]}

    (problem,) = refusals(ours(**asked))

    assert problem.startswith(f"spec.{listed}[0].volumeMounts[1].mountPath: ")


@pytest.mark.parametrize("name", ["cdi.k8s.io/mine", "nvidia.cdi.k8s.io/mine"])
def test_devices_cannot_be_asked_for_by_an_annotation(name):
    (problem,) = refusals(ours(annotations={name: "nvidia.com/gpu=all"}))

    assert problem.startswith(f"metadata.annotations[{name}]: asks the container runtime for devices")


@pytest.mark.parametrize(
    ("marks", "notes"),
    [
        ({labels.GPU_GROUP: "g1"}, {}),
        ({f"{labels.GPU_GROUP}/g1": "g1"}, {}),
        ({}, {labels.RECEIVED_RESOURCE_TYPE: "Fraction"}),
        ({}, {labels.RESERVED_DEVICE: "0"}),
        ({}, {labels.VISIBLE_DEVICES: "GPU-8f3c"}),
        ({}, {labels.GPU_PORTION: "0.9"}),
    ],
)
@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_nobody_claims_a_reservation(marks, notes, operation):
    asked = {"operation": operation, "old": ours() if operation == "UPDATE" else None}
    (problem,) = refusals(mutated(ours(marks=marks, annotations=notes), **asked), **asked)

    assert "is written by the product only" in problem


def test_a_reservation_does_not_come_in_through_a_template_either():
    """Whoever writes it, and whoever copies it: a device is only ever claimed on the pod that was given it."""
    claimed = {"marks": {f"{labels.GPU_GROUP}/g1": "g1"}, "annotations": {labels.VISIBLE_DEVICES: "GPU-8f3c"}}
    product = {
        "username": "system:serviceaccount:runai:controller",
        "groups": ["system:serviceaccounts:runai"],
    }

    for user in (ADA, CONTROLLER, product):
        found = refusals(job(ours(**claimed)), group="batch", resource="jobs", user=user)
        assert [one.split(":")[0] for one in found] == [
            f"spec.template.metadata.labels[{labels.GPU_GROUP}/g1]",
            f"spec.template.metadata.annotations[{labels.VISIBLE_DEVICES}]",
        ]
    assert len(refusals(ours(**claimed), user=CONTROLLER)) == 2
    assert refusals(ours(**claimed), user=product) == []


@pytest.mark.parametrize(
    ("group", "resource"),
    [
        ("batch", "jobs"),
        ("apps", "deployments"),
        ("apps", "statefulsets"),
        ("apps", "replicasets"),
        ("apps", "daemonsets"),
        ("", "replicationcontrollers"),
    ],
)
def test_a_template_is_refused_where_it_is_written(group, resource):
    bad = job(
        pod(annotations={FRACTION: "NaN"}, containers=[container(securityContext={"privileged": True})])
    )

    assert [one.split(":")[0] for one in refusals(bad, group=group, resource=resource)] == [
        f"spec.template.metadata.annotations[{FRACTION}]",
        "spec.template.spec.containers[0].securityContext.privileged",
    ]


def test_a_debugging_container_gets_no_devices_and_no_privileges():
    old = pod(ephemeralContainers=[container("old", securityContext={"privileged": True})])
    new = pod(
        ephemeralContainers=[
            *old["spec"]["ephemeralContainers"],
            container(
                "new",
                securityContext={"privileged": True},
                env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}],
            ),
        ]
    )
    found = refusals(new, old=old, operation="UPDATE", subresource="ephemeralcontainers")

    assert [one.split(":")[0] for one in found] == [
        "spec.ephemeralContainers[1].securityContext.privileged",
        "spec.ephemeralContainers[1].env[0]",
    ]


def test_many_problems_are_counted_not_listed_without_end():
    asked = pod(
        containers=[container(f"c{i}", securityContext={"privileged": True}) for i in range(200)],
        schedulerName=OURS,
    )

    assert len(refusals(asked, user=ADA)) == 20


@pytest.mark.parametrize(
    "asked",
    [
        {"containers": [container(f"c{number}") for number in range(1001)]},
        {"volumes": [{"name": f"v{number}", "hostPath": {"path": "/usr/lib"}} for number in range(1000)]},
        {
            "annotations": {f"a{number}": "x" for number in range(500)},
            "marks": {f"a{n}": "x" for n in range(500)},
        },
    ],
)
def test_what_is_too_much_to_be_judged_is_refused_unseen(asked):
    """One request of a megabyte must not keep the webhook from everybody else's."""
    document = pod(schedulerName=OURS, **asked)
    told = "1001 containers, volumes, labels and annotations together; at most 1000 are judged"

    assert mutated(document) == document
    assert refusals(document) == [f"pod: has {told}"]
    (problem,) = refusals(job(document), group="batch", resource="jobs")
    assert problem == f"spec.template: has {told}"
