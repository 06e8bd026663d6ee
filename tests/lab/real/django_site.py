"""A site made with Django, which is not ours: its own login form, then documents for those inside.

Run as a program, it prints its address and serves until its standard input ends.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from wsgiref.simple_server import make_server

import django
from django.conf import settings

USER, PASSWORD = "billing", 'p4ss "Word" & <7>'
FORM = """<!DOCTYPE html><title>Log in</title><form method="post">{% csrf_token %}
{{ form.as_p }}<button>Log in</button></form>"""


def configure(folder: Path) -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "site.db"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        ROOT_URLCONF=__name__,
        SECRET_KEY="a key of the test",
        LOGIN_REDIRECT_URL="/home/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.locmem.Loader",
                            {"registration/login.html": FORM},
                        )
                    ]
                },
            }
        ],
    )
    django.setup()


def main() -> None:
    folder = Path(sys.argv[1])
    configure(folder)
    from django.contrib.auth.decorators import login_required
    from django.contrib.auth.models import User
    from django.contrib.auth.views import LoginView
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.http import FileResponse, Http404, HttpResponse
    from django.urls import path

    @login_required
    def document(request, number):
        file = folder / f"{number}.pdf"
        if not file.is_file():
            raise Http404
        return FileResponse(file.open("rb"), content_type="application/pdf")

    def end_sessions(request):
        from django.contrib.sessions.models import Session

        Session.objects.all().delete()
        return HttpResponse("ended")

    globals()["urlpatterns"] = [
        path("accounts/login/", LoginView.as_view()),
        path("documents/<path:number>.pdf", document),
        path("end-sessions/", end_sessions),
    ]
    call_command("migrate", verbosity=0)
    User.objects.create_user(USER, password=PASSWORD)
    with make_server("127.0.0.1", 0, get_wsgi_application()) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
