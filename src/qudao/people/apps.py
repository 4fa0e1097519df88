"""The Django app of the module."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """People, roles, sign-in."""

    name = "qudao.people"
    label = "people"

    def ready(self) -> None:
        from qudao.people import policies  # noqa: F401  (registers the policies)
