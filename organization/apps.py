"""Registers the app with Django."""

from django.apps import AppConfig


class OrganizationConfig(AppConfig):
    name = "organization"
