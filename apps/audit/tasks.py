from celery import shared_task

from apps.audit import services


@shared_task(name="audit.integrate")
def integrate() -> int:
    return services.integrate()
