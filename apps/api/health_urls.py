"""For load balancers and supervisors, without a key."""

from django.urls import path

from apps.api import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
