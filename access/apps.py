"""Registers the app with Django."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"
