"""Addresses of this app's pages."""

from django.urls import path

from access import views

app_name = "access"
urlpatterns = [
    path("access/", views.rule_list, name="rules"),
    path("access/give/", views.give_rule, name="give_rule"),
    path("access/<int:rule_id>/take/", views.take_rule, name="take_rule"),
    path("access/people/", views.people, name="people"),
    path("access/people/add/", views.add_person, name="add_person"),
    path("access/people/<int:person_id>/open-or-close/", views.open_or_close, name="open_or_close"),
    path("access/people/<int:person_id>/reset-password/", views.reset_password, name="reset_password"),
    path("audit/", views.audit_log, name="audit"),
    path("audit/<int:event_id>/", views.audit_event, name="event"),
    path("settings/", views.account, name="account"),
    path("settings/tokens/<int:token_id>/revoke/", views.revoke_token, name="revoke_token"),
]
