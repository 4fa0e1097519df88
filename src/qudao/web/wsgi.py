"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from qudao.web.process import die_with_parent

die_with_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qudao.web.settings")
application = get_wsgi_application()
