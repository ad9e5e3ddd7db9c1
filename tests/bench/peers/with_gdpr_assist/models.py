from __future__ import annotations

from django.db import models

from tests.bench.peers import columns


class Person(columns.Person):
    objects: models.Manager[Person] = models.Manager()

    class Meta:
        app_label = "with_gdpr_assist"

    #: What the package finds by itself.
    class PrivacyMeta:
        fields = ("first_name", "last_name", "email", "phone", "city")
