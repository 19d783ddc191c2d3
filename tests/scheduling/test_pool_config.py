"""The installation's settings as the engine's configuration."""

from scheduling.engine import SchedulerConfig
from scheduling.pool_config import installation_config


def test_without_a_word_nobody_is_protected_for_age() -> None:
    assert installation_config(evictions_at_most=100, protect_after=0) == SchedulerConfig(max_evictions=100)


def test_protection_stands_behind_the_fair_share() -> None:
    config = installation_config(evictions_at_most=5, protect_after=1800.0)

    assert config.plugins.index("age_protection") > config.plugins.index("fair_share")
    assert config.options["age_protection"] == {"after": 1800.0}
    assert config.max_evictions == 5
