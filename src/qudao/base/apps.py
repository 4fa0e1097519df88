"""The toolkit as a Django app."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "qudao.base"
    label = "base"

    def ready(self) -> None:
        from qudao.base import access, outbox

        access.all_verbs()  # imports every module's policies, which register themselves
        outbox.import_reactions()
