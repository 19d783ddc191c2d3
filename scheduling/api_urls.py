"""Addresses below /api/v1/."""

from django.urls import path

from scheduling import api

urlpatterns = [
    path("scheduling/schedulers", api.scheduler_list),
    path("scheduling/cycles", api.cycle_list),
    path("scheduling/decisions", api.decision_list),
]
