"""How an audited change reads."""

import pytest

from access.change_words import label_of, value_of


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("gpu_deserved_milli", "GPU quota"),
        ("gpu_limit_milli", "GPU limit"),
        ("min_runtime_seconds", "Min runtime"),
        ("imagePullPolicy", "Image pull policy"),
        ("over_quota_allowed", "Over quota allowed"),
    ],
)
def test_a_field_is_named_in_words(field: str, label: str) -> None:
    assert label_of(field) == label


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("gpu_deserved_milli", 4500, "4.5"),
        ("gpu_limit_milli", None, "no limit"),
        ("description", None, "–"),
        ("memory_deserved_bytes", 64 * 2**30, "64\N{NO-BREAK SPACE}GiB"),
        ("over_quota_allowed", False, "no"),
        ("default_node_pools", ["h100", "a100"], "h100, a100"),
        ("default_node_pools", [], "–"),
        ("name", "vision", "vision"),
    ],
)
def test_a_value_is_said_with_its_unit(field: str, value: object, words: str) -> None:
    assert value_of(field, value) == words
