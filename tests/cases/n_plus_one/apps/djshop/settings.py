"""Settings: DATABASES is filled by the recording."""

SECRET_KEY = "only for recordings"
INSTALLED_APPS = ["django.contrib.contenttypes", "djshop"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
DATABASES: dict[str, object] = {}
