from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("account/", include("allauth.urls")),
    path("api/v1/", include("apps.api.urls")),
    path("api/", include("apps.api.unknown_urls")),
    path("webhooks/", include("apps.api.webhook_urls")),
    path("", include("apps.api.health_urls")),
    path("stay/", include("apps.portal.urls")),
    path("", include("apps.console.urls")),
]
