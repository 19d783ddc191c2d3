"""The style guide's form: a field of every kind, in every state."""

from django import forms

from ui.forms import Card, OrderedList, RadioCards, Segments


class EveryField(forms.Form):
    project = forms.ChoiceField(choices=[("nlp", "nlp-research"), ("vision", "vision")])
    name = forms.CharField(help_text="Lower-case letters, digits and dashes.", max_length=40)
    environment = forms.ChoiceField(
        label="Environment",
        choices=[("pt", "PyTorch 2.9"), ("nemo", "NeMo fine-tuning"), ("py", "Plain Python")],
        widget=RadioCards(
            cards={
                "pt": Card("pytorch:2.9-cu13", "Jupyter, TensorBoard · shared by Research"),
                "nemo": Card("nemo:25.11", "No tool · used 14 times by you"),
                "py": Card("python:3.12-slim", "No tool · whole company"),
            },
            new=("New environment", "#"),
        ),
    )
    compute = forms.ChoiceField(
        label="Compute",
        choices=[("half", "Half a GPU"), ("one", "One GPU"), ("two", "Two nodes")],
        widget=RadioCards(
            cards={
                "half": Card("0.5 GPU · 4 CPU", "Fits now: 33 places"),
                "one": Card("1 GPU · 8 CPU", "Fits now: 16 places"),
                "two": Card(
                    "16 GPU · 192 CPU", blocked="nlp-research allows at most 8 GPUs for one training"
                ),
            }
        ),
    )
    gpus = forms.IntegerField(label="GPUs", min_value=0, max_value=8)
    part = forms.CharField(label="Part of each GPU", required=False)
    cores = forms.IntegerField(label="CPU cores", min_value=1)
    memory = forms.IntegerField(label="Memory", max_value=1024)
    pools = forms.MultipleChoiceField(
        label="Node pools, tried in this order",
        choices=[("h100", "h100"), ("l40s", "l40s"), ("a100", "a100")],
        widget=OrderedList(
            facts={"h100": "4.25 free, at most 3 on one node", "l40s": "5 free, at most 2 on one node"}
        ),
    )
    priority = forms.ChoiceField(
        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
        widget=Segments(),
        help_text="Only orders work inside nlp-research.",
    )
    interruptible = forms.ChoiceField(
        label="May be interrupted",
        choices=[("yes", "Yes"), ("no", "No")],
        widget=Segments(blocked={"no": "Uninterruptible work holds all 24 GPUs of the quota"}),
        help_text="“No” needs 8 GPUs of quota; uninterruptible work holds all 24 in h100.",
    )
    shared = forms.BooleanField(label="Everyone in the project may edit it", required=False)
    tools = forms.MultipleChoiceField(
        choices=[("jupyter", "Jupyter"), ("tensorboard", "TensorBoard")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    command = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)

    def clean_memory(self) -> int:
        raise forms.ValidationError("h100 nodes have 1024 GiB.")


def example() -> EveryField:
    """Bound, and with one wrong field."""
    return EveryField(
        {
            "project": "nlp",
            "name": "llm-finetune-13b",
            "environment": "pt",
            "compute": "one",
            "gpus": 8,
            "part": "100 %",
            "cores": 96,
            "memory": 1200,
            "pools": ["h100", "l40s"],
            "priority": "high",
            "interruptible": "yes",
            "shared": "on",
            "tools": ["jupyter"],
            "command": "python train.py --epochs 3",
        }
    )
