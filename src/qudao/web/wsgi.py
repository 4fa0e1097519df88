"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from qudao.web.process import die_with_parent

die_with_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qudao.web.settings")
application = get_wsgi_application()
_ = get_resolver().url_patterns  # a fault in the pages shows at the start, and nobody waits for them at the first request
