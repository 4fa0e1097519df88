"""The project as a Django application: it has templates and commands of its own."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "qudao.web"
    label = "qudao_web"
