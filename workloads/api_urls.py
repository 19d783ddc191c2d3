"""Addresses below /api/v1/."""

from django.urls import path

from workloads import api

urlpatterns = [
    path("workloads", api.workload_list),
    path("workloads/count", api.workload_count),
    path("workloads/telemetry", api.workload_telemetry),
    path("workloads/pods", api.all_pods),
    path("workloads/trainings", api.TrainingList.as_view()),
    path("workloads/trainings/<uuid:workload_id>", api.TrainingDetail.as_view()),
    path("workloads/trainings/<uuid:workload_id>/suspend", api.suspend_training),
    path("workloads/trainings/<uuid:workload_id>/resume", api.resume_training),
    path("workloads/<uuid:workload_id>", api.workload_detail),
    path("workloads/<uuid:workload_id>/pods", api.workload_pods),
    path("workloads/<uuid:workload_id>/history/events", api.workload_events),
]
