"""Everything else under /api/."""

from django.urls import re_path

from apps.api.unknown import unknown

urlpatterns = [re_path("", unknown)]
