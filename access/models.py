"""Tables of rights and of what was done with them."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from access.roles import ROLES


class AccessRule(models.Model):
    """`subject` has `role` on `scope` and everything below it. Never edited: removed and given anew."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_rules")
    role = models.CharField(max_length=40, choices=[(key, role.label) for key, role in ROLES.items()])
    scope = models.CharField(max_length=200, db_index=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role", "scope"], name="a_right_is_given_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} on {self.scope}"


class AuditOutcome(models.TextChoices):
    SUCCEEDED = "Succeeded", "Succeeded"
    FAILED = "Failed", "Failed"


class AuditEvent(models.Model):
    """One row an intention, written in the transaction of the change. Real time; never changed afterwards."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=254, blank=True, default="")
    source_ip = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=40)
    entity_type = models.CharField(max_length=40)
    entity_id = models.CharField(max_length=64, blank=True, default="")
    entity_name = models.CharField(max_length=253, blank=True, default="")
    scope = models.CharField(max_length=200, blank=True, default="", db_index=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=AuditOutcome.choices, default=AuditOutcome.SUCCEEDED)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["entity_type", "entity_id"], name="audit_of_an_entity")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.entity_type} {self.entity_name}"


class PersonalToken(models.Model):
    """An API token a person made and named. The token itself is knox's row with this digest; revoking removes both. Real time."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="personal_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=128, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="one_token_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Preference(models.Model):
    """What one person chose for one place of the product: columns of a table, density, theme."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="preferences")
    key = models.CharField(max_length=80)
    value = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="one_preference_of_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.user}"
