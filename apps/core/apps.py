from django.apps import AppConfig

from apps.core import lookups


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        lookups.install()
