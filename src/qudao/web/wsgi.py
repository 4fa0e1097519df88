"""The WSGI application that granian serves."""

import os
import time

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from qudao.web.process import die_with_parent, settle

die_with_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qudao.web.settings")
application = get_wsgi_application()
_ = get_resolver().url_patterns  # a fault in the pages shows at the start, and nobody waits for them at the first request
settle()
while os.path.exists(os.environ.get("QUDAO_HOLD", "")) and os.getppid() != 1:  # what `bootstrap.py run` will show is being loaded
    time.sleep(0.05)
