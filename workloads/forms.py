"""The form of a submission: fields and messages. `to_spec` gives the same WorkloadSpec the API reads."""

from typing import Any

from django import forms

from access.checks import Person
from access.errors import InvalidInput
from organization.models import Project
from ui.forms import Card, OrderedList, RadioCards, Segments
from ui.wording import number
from workloads.form_values import (
    OWN,
    field_of,
    first,
    float_of,
    line_of,
    pairs_in,
    room_words,
)
from workloads.kinds import KINDS
from workloads.priorities import PRIORITY_CLASSES, Preemptibility
from workloads.queries import PoolRoom, projects_to_submit_to, room_of
from workloads.spec import PULL_POLICIES, WorkloadSpec
from workloads.spec_rules import CORES_AT_MOST, GPUS_AT_MOST

SIZES: dict[str, tuple[str, int, int, str]] = {
    "cpu": ("No GPU", 0, 4, "16Gi"),
    "one": ("One GPU", 1, 8, "64Gi"),
    "two": ("Two GPUs", 2, 16, "128Gi"),
    "four": ("Four GPUs", 4, 32, "256Gi"),
    "eight": ("Eight GPUs", 8, 64, "512Gi"),
}
"""Card -> title, GPUs, cores, memory of one pod: the usual shares of an eight-GPU node."""


class SubmitForm(forms.Form):
    """A standard training. What a card gives, a filled field beside it overrides."""

    project = forms.ModelChoiceField(Project.objects.none(), empty_label=None)
    name = forms.CharField(
        max_length=200,
        error_messages={"required": "Give the workload a name."},
        help_text="Unique in the project; becomes the name of the Job.",
    )
    image = forms.CharField(
        max_length=1000,
        error_messages={"required": "Give the image to run."},
        help_text="As the nodes can pull it, with tag or digest.",
    )
    command = forms.CharField(required=False, help_text="Empty: what the image starts by itself.")
    args = forms.CharField(
        required=False, label="Arguments", help_text="Split like a shell does; quotes keep words together."
    )
    working_dir = forms.CharField(required=False, label="Working directory")
    pull_policy = forms.ChoiceField(
        required=False,
        label="Pull the image",
        choices=[
            (policy, words)
            for policy, words in zip(PULL_POLICIES, ("Always", "If the node lacks it", "Never"), strict=True)
        ],
        widget=Segments(),
    )
    environment = forms.CharField(
        required=False,
        label="Environment variables",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line: NAME=value. The product adds RUNAI_PROJECT, RUNAI_JOB_NAME and others.",
    )
    size = forms.ChoiceField(label="Resources of each pod", widget=RadioCards())
    gpus = forms.IntegerField(
        required=False, label="GPUs", help_text=f"Whole devices, at most {GPUS_AT_MOST}."
    )
    cores = forms.DecimalField(
        required=False,
        label="CPU cores",
        decimal_places=3,
        help_text=f"At most {CORES_AT_MOST}; 0.5 is half a core.",
    )
    memory = forms.CharField(required=False, help_text="Such as 64Gi or 500M.")
    cores_limit = forms.DecimalField(required=False, label="CPU limit", decimal_places=3)
    memory_limit = forms.CharField(required=False, label="Memory limit")
    parallelism = forms.IntegerField(
        required=False, label="Pods at once", help_text="Each starts as soon as it fits."
    )
    completions = forms.IntegerField(
        required=False, label="Pods to complete", help_text="Empty: as many as run at once."
    )
    node_pools = forms.MultipleChoiceField(
        required=False, label="Node pools, tried in this order", widget=OrderedList()
    )
    priority = forms.ChoiceField(
        choices=[(one.name, one.label) for one in PRIORITY_CLASSES],
        help_text="Orders work inside the project only.",
    )
    preemptibility = forms.ChoiceField(
        label="May be interrupted",
        choices=[(Preemptibility.PREEMPTIBLE, "Yes"), (Preemptibility.NON_PREEMPTIBLE, "No")],
        widget=Segments(),
        help_text="Work that may not be interrupted needs free quota to start.",
    )
    backoff_limit = forms.IntegerField(required=False, label="Tries after a failure", help_text="1 to 100.")
    grace_seconds = forms.IntegerField(
        required=False,
        label="Time to save its state",
        help_text="Seconds between the signal and the end, 0 to 300.",
    )
    auto_delete_seconds = forms.IntegerField(
        required=False, label="Delete after its end", help_text="Seconds; empty keeps it."
    )
    labels = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line: key=value.",
    )
    annotations = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line: key=value.",
    )

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = projects_to_submit_to(person)
        field = self.fields["project"]
        field.queryset = projects  # type: ignore[attr-defined]  # a ModelChoiceField
        self.rooms = self._rooms(list(projects))
        names = list(self.rooms)
        pools = self.fields["node_pools"]
        pools.choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        pools.widget.facts = {name: room_words(room) for name, room in self.rooms.items()}
        size = self.fields["size"]
        size.choices = [*((key, title) for key, (title, *_) in SIZES.items()), (OWN, "Other")]  # type: ignore[attr-defined]
        size.widget.cards = self._cards()

    def to_spec(self) -> WorkloadSpec:
        """Raises InvalidInput like the API."""
        return WorkloadSpec.from_json(self.cleaned_data.get("name", ""), self.to_json(), KINDS["training"])

    def to_json(self) -> dict[str, Any]:
        """The API's `spec` of what was filled in so far; what cannot be read is left out."""
        data = self.cleaned_data
        _, gpus, cores, memory = SIZES.get(data.get("size", ""), ("", 0, None, None))
        filled: dict[str, Any] = {
            "image": data.get("image", ""),
            "command": data.get("command"),
            "args": data.get("args"),
            "workingDir": data.get("working_dir"),
            "imagePullPolicy": data.get("pull_policy"),
            "environmentVariables": pairs_in(data.get("environment", "")),
            "compute": {
                "gpuDevicesRequest": first(data.get("gpus"), gpus),
                "cpuCoreRequest": float_of(first(data.get("cores"), cores)),
                "cpuMemoryRequest": data.get("memory") or memory,
                "cpuCoreLimit": float_of(data.get("cores_limit")),
                "cpuMemoryLimit": data.get("memory_limit") or None,
            },
            "parallelism": data.get("parallelism"),
            "completions": data.get("completions"),
            "nodePools": list(data.get("node_pools") or []) or None,
            "priorityClass": data.get("priority"),
            "preemptibility": data.get("preemptibility"),
            "backoffLimit": data.get("backoff_limit"),
            "terminationGracePeriodSeconds": data.get("grace_seconds"),
            "autoDeletionTimeAfterCompletionSeconds": data.get("auto_delete_seconds"),
            "labels": pairs_in(data.get("labels", "")),
            "annotations": pairs_in(data.get("annotations", "")),
        }
        filled["compute"] = {key: value for key, value in filled["compute"].items() if value is not None}
        return {key: value for key, value in filled.items() if value not in (None, "", [])}

    def checked(self) -> WorkloadSpec | None:
        """The submission, or None with every broken rule beside its field; also rules of fields that come after a wrong one."""
        readable = self.is_valid()
        try:
            spec = self.to_spec()
        except InvalidInput as error:
            self.show(error)
            return None
        return spec if readable else None

    def show(self, error: InvalidInput) -> None:
        """What belongs to no field stands in the summary; a field that could not be read keeps its first complaint."""
        unreadable = set(self.errors)
        for path, sentences in error.errors.items():
            field = field_of(path)
            if field not in unreadable:
                for sentence in sentences:
                    self.add_error(field, f"{line_of(path)}{sentence}")
        order = [*self.fields, "__all__"]
        for name in sorted(self.errors, key=order.index):  # the summary goes down the page
            self.errors[name] = self.errors.pop(name)

    def _rooms(self, projects: list[Project]) -> dict[str, PoolRoom]:
        """Pools of the clusters one may submit to; a name that two clusters have is drawn for the first."""
        found: dict[str, PoolRoom] = {}
        for cluster_id in dict.fromkeys(project.cluster_id for project in projects):
            for name, room in room_of(cluster_id).items():
                found.setdefault(name, room)
        return dict(sorted(found.items()))

    def _cards(self) -> dict[str, Card]:
        cards = {OWN: Card(facts="as filled in below", use="GPUs, cores and memory one by one")}
        for key, (_, gpus, cores, memory) in SIZES.items():
            facts = f"{gpus} GPU · {cores} CPU · {memory}"
            cards[key] = Card(facts=facts, use=self._use(gpus))
        return cards

    def _use(self, gpus: int) -> str:
        if not any(room.nodes for room in self.rooms.values()):
            return "Free places are not known yet"
        if not gpus:
            return "Touches no GPU quota"
        places = sum(room.places(gpus) for room in self.rooms.values())
        return (
            f"Fits now: {number(places)} {'place' if places == 1 else 'places'}"
            if places
            else "Fits now: nowhere"
        )
