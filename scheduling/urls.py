"""Addresses of this app's pages."""

from django.urls import path

from scheduling import views

app_name = "scheduling"
urlpatterns = [path("", views.scheduler, name="scheduler")]
