"""Where ATSs report: /webhooks/<vendor>/<connection>/."""

from django.urls import re_path

from apps.api.unknown import unknown

app_name = "webhooks"
urlpatterns = [re_path("", unknown)]
