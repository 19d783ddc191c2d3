"""Addresses of this app's pages."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from workloads import submission, views


class Verb(StringConverter):
    regex = "stop|run|delete"


class Tab(StringConverter):
    regex = "events|pods|logs|metrics|yaml"


register_converter(Verb, "verb")
register_converter(Tab, "tab")

app_name = "workloads"
urlpatterns = [
    path("", views.workload_list, name="list"),
    path("new/", submission.submit, name="submit"),
    path("new/preview/", submission.preview, name="preview"),
    path("bulk/", views.act_on_many, name="bulk"),
    path("<uuid:workload_id>/", views.workload_detail, name="detail"),
    path("<uuid:workload_id>/row/", views.workload_row, name="row"),
    path("<uuid:workload_id>/pods/<int:pod_id>/log/", views.log_lines, name="log"),
    path("<uuid:workload_id>/delete/ask/", views.delete_dialog, name="delete-dialog"),
    path("<uuid:workload_id>/<verb:verb>/", views.act, name="act"),
    path("<uuid:workload_id>/<tab:tab>/", views.workload_detail, name="tab"),
]
