from django.apps import AppConfig


class ControllersConfig(AppConfig):
    name = "apps.controllers"
    label = "controllers"
