"""Where ATSs report: /webhooks/<vendor>/<connection>/."""

from django.urls import path, re_path

from apps.api.unknown import unknown
from apps.api.webhooks import greenhouse

app_name = "webhooks"
urlpatterns = [
    path("greenhouse/<uuid:connection_id>/", greenhouse, name="greenhouse"),
    re_path("", unknown),
]
