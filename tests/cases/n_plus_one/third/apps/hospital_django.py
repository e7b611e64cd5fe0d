"""A hospital: Django 5.2 on psycopg 3, values as literals, two databases, REST framework, templates and the admin.

Legacy names with prefixes, UUID keys, references that are not declared. Needs djangorestframework (pip).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import django
from cases import DEFERRED, M2M, M2O, O2M, Case, burst
from django.conf import settings

settings.configure(
    DATABASES={
        name: {"ENGINE": "django.db.backends.postgresql", "NAME": name, "OPTIONS": {}, "CONN_MAX_AGE": None}
        for name in ("default", "lab")
    },
    DATABASE_ROUTERS=["hospital_django.Router"],
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "rest_framework",
        "hospital_django",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.contrib.auth.context_processors.auth",
                    "django.template.context_processors.request",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    ROOT_URLCONF="hospital_django",
    SECRET_KEY="not one",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402
from django.core.paginator import Paginator  # noqa: E402
from django.db import OperationalError, connection, connections, models, transaction  # noqa: E402
from django.template import engines  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402


class Router:
    """Results of the laboratory are in a database of their own."""

    def db_for_read(self, model, **hints):
        return "lab" if model._meta.db_table == "result" else "default"

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return True


class Ward(models.Model):
    id = models.AutoField(primary_key=True, db_column="WRD_ID")
    name = models.TextField(db_column="WRD_NAME")
    floor = models.IntegerField(db_column="WRD_FLOOR")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_WARD"


class Staff(models.Model):
    id = models.AutoField(primary_key=True, db_column="STF_ID")
    name = models.TextField(db_column="STF_NAME")
    ward = models.ForeignKey(Ward, models.DO_NOTHING, db_column="STF_WRD_ID", related_name="staff")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_STAFF"


class Drug(models.Model):
    code = models.TextField(primary_key=True, db_column="DRG_CODE")
    name = models.TextField(db_column="DRG_NAME")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_DRUG"

    def __str__(self):
        return self.name


class Patient(models.Model):
    id = models.UUIDField(primary_key=True, db_column="PAT_ID", default=uuid.uuid4)
    name = models.TextField(db_column="PAT_NAME")
    born = models.DateField(db_column="PAT_BORN")
    note = models.TextField(db_column="PAT_NOTE")
    ward = models.ForeignKey(Ward, models.DO_NOTHING, db_column="PAT_WRD_ID", related_name="patients")
    doctor = models.ForeignKey(Staff, models.DO_NOTHING, db_column="PAT_STF_ID", null=True, related_name="patients")
    insurance = models.TextField(db_column="PAT_INSURANCE_NO", unique=True)
    allergies = models.ManyToManyField(Drug, through="Allergy", related_name="allergic")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_PATIENT"


class Allergy(models.Model):
    id = models.BigAutoField(primary_key=True, db_column="PDR_ID")
    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_column="PDR_PAT_ID")
    drug = models.ForeignKey(Drug, models.DO_NOTHING, db_column="PDR_DRG_CODE")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_PAT_DRG"


class Admission(models.Model):
    id = models.BigAutoField(primary_key=True, db_column="ADM_ID")
    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_column="ADM_PAT_ID", related_name="admissions")
    on = models.DateField(db_column="ADM_ON")
    reason = models.TextField(db_column="ADM_REASON")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_ADMISSION"


class Prescription(models.Model):
    id = models.BigAutoField(primary_key=True, db_column="RX_ID")
    admission = models.ForeignKey(Admission, models.DO_NOTHING, db_column="RX_ADM_ID", related_name="prescriptions")
    drug = models.ForeignKey(Drug, models.DO_NOTHING, db_column="RX_DRG_CODE")
    dose = models.IntegerField(db_column="RX_DOSE")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_RX"


class Task(models.Model):
    id = models.AutoField(primary_key=True, db_column="TSK_ID")
    state = models.TextField(db_column="TSK_STATE", default="open")
    ward = models.ForeignKey(Ward, models.DO_NOTHING, db_column="TSK_WRD_ID")
    text = models.TextField(db_column="TSK_TEXT")

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "TBL_TASK"


class Result(models.Model):
    """Of the other database: no foreign key can reach over."""

    id = models.BigAutoField(primary_key=True)
    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_constraint=False, related_name="results")
    value = models.FloatField()

    class Meta:
        app_label, managed, db_table = "hospital_django", False, "result"


class PatientAdmin(admin.ModelAdmin):
    list_display = ("name", "ward_name")
    list_per_page = 20
    show_full_result_count = False

    def has_view_permission(self, request, obj=None):
        return True

    def ward_name(self, patient):
        return patient.ward.name


class QuickAdmin(PatientAdmin):
    list_select_related = ("ward",)


site = admin.AdminSite()
site.has_permission = lambda request: True
site.register(Patient, PatientAdmin)
urlpatterns = [path("admin/", site.urls)]


class WardSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Ward, ("name", "floor")


class DoctorSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Staff, ("name",)


class PatientSerializer(serializers.ModelSerializer):
    ward = WardSerializer()
    doctor = DoctorSerializer()

    class Meta:
        model, fields = Patient, ("name", "ward", "doctor")


class CountSerializer(serializers.ModelSerializer):
    stays = serializers.SerializerMethodField()

    class Meta:
        model, fields = Patient, ("name", "stays")

    def get_stays(self, patient):
        return patient.admissions.count()


class AllergySerializer(serializers.ModelSerializer):
    allergies = serializers.StringRelatedField(many=True)

    class Meta:
        model, fields = Patient, ("name", "allergies")


TEMPLATE = """{% for patient in patients %}<h2>{{ patient.name }}</h2>{% for stay in patient.admissions.all %}
{{ stay.on }}: {% for rx in stay.prescriptions.all %}{{ rx.dose }} x {{ rx.drug.name }}{% endfor %}
{% endfor %}{% endfor %}"""


def patients(count, start=0):
    return Patient.objects.order_by("name")[start : start + count]


def rest_nested():
    return PatientSerializer(patients(20), many=True).data


def rest_counts():
    return CountSerializer(patients(15), many=True).data


def rest_strings():
    return AllergySerializer(patients(15), many=True).data


def rendered():
    return engines["django"].from_string(TEMPLATE).render({"patients": patients(6)})


def changelist(kind):
    request = RequestFactory().get("/admin/hospital_django/patient/")
    request.user = AnonymousUser()
    response = kind(Patient, site).changelist_view(request)
    return response.rendered_content if hasattr(response, "rendered_content") else response


def round_of_wards():
    for ward in Ward.objects.filter(floor=2):
        [patient.name for patient in ward.patients.all()]
        ward.staff.filter(name__startswith="staff 1").exists()


def latest_stay():
    for patient in patients(12):
        patient.admissions.order_by("-on").first()


def results():
    """The list in one database, its results in the other."""
    for patient in patients(12):
        list(patient.results.all())


def posted_codes():
    """Codes that came with the form."""
    for code in ("D3", "D14", "D15", "D9", "D26", "D53", "D58", "D79"):
        Drug.objects.get(code=code)


def only_names():
    for patient in Patient.objects.only("name").order_by("name")[:12]:
        patient.born  # noqa: B018


def refreshed():
    found = list(patients(10))
    for patient in found:
        patient.refresh_from_db()


def interactions():
    """Each pair of drugs is looked up by the names that the prescriptions told."""
    for prescription in Prescription.objects.order_by("id").values("drug_id", "dose")[:20]:
        Drug.objects.get(pk=prescription["drug_id"])


def close_tasks():
    with transaction.atomic():
        for task in Task.objects.filter(ward_id=3):
            task.state = "done"
            task.save(update_fields=["state"])


def import_drugs():
    with transaction.atomic():
        for number in range(70, 85):
            Drug.objects.update_or_create(code=f"D{number}", defaults={"name": f"drug {number}"})


def iterated():
    for admission in Admission.objects.order_by("id")[:40].iterator(chunk_size=10):
        admission.patient.name  # noqa: B018


POSITIVE = [
    Case("rest_nested", rest_nested, (burst("TBL_WARD", "TBL_PATIENT", M2O), burst("TBL_STAFF", "TBL_PATIENT", M2O))),
    Case("rest_counts", rest_counts, (burst("TBL_ADMISSION", "TBL_PATIENT", O2M),)),
    Case("rest_strings", rest_strings, (burst("TBL_DRUG", "TBL_PATIENT", M2M),)),
    Case(
        "rendered",
        rendered,
        (
            burst("TBL_ADMISSION", "TBL_PATIENT", O2M),
            burst("TBL_RX", "TBL_ADMISSION", O2M),
            burst("TBL_DRUG", "TBL_RX", M2O),
        ),
    ),
    Case("changelist", lambda: changelist(PatientAdmin), (burst("TBL_WARD", "TBL_PATIENT", M2O),)),
    Case(
        "round_of_wards", round_of_wards, (burst("TBL_PATIENT", "TBL_WARD", O2M), burst("TBL_STAFF", "TBL_WARD", O2M))
    ),
    Case("latest_stay", latest_stay, (burst("TBL_ADMISSION", "TBL_PATIENT", O2M),)),
    Case("results_of_the_other_database", results, (burst("result", "TBL_PATIENT", O2M),)),
    Case("posted_codes", posted_codes, (burst("TBL_DRUG", pattern="parentless-loop"),)),
    Case("only_names", only_names, (burst("TBL_PATIENT", "TBL_PATIENT", DEFERRED),)),
    Case("refreshed", refreshed, (burst("TBL_PATIENT", "TBL_PATIENT", DEFERRED),)),
    Case("interactions", interactions, (burst("TBL_DRUG", "TBL_RX", M2O),)),
    Case("close_tasks", close_tasks, (burst("TBL_TASK", pattern="row-by-row-write"),)),
    Case("import_drugs", import_drugs, (burst("TBL_DRUG", pattern="row-by-row-write"),)),
    Case("iterated", iterated, (burst("TBL_PATIENT", "TBL_ADMISSION", M2O),)),
]


def select_related():
    return PatientSerializer(patients(40).select_related("ward", "doctor"), many=True).data


def prefetched():
    found = patients(30).prefetch_related("admissions__prescriptions__drug")
    return engines["django"].from_string(TEMPLATE).render({"patients": found})


def pages():
    pages = Paginator(Patient.objects.order_by("name"), 25)
    for number in range(1, 9):
        list(pages.page(number).object_list)


def iterator():
    return sum(admission.id for admission in Admission.objects.iterator(chunk_size=100))


def in_bulk():
    for start in range(0, 80, 10):
        Drug.objects.in_bulk([f"D{number}" for number in range(start + 1, start + 11)])


def bulk_create():
    Task.objects.bulk_create([Task(ward_id=1, text="bulk") for _ in range(60)], batch_size=20)


def validated():
    """The form checks that nobody has the number yet; a transaction for each."""
    for number in range(9):
        with transaction.atomic():
            patient = Patient(
                name="new", born="2000-01-01", note="n", insurance=f"N{time.time_ns()}{number}", ward_id=1
            )
            try:
                patient.full_clean(exclude=["doctor", "ward"])
            except ValidationError:
                continue
            patient.save(force_insert=True)


def desks():
    """Four threads, each answers one visitor after the other: the patient, her ward, her stays."""

    def desk(number):
        connection.settings_dict  # noqa: B018
        for visitor in range(12):
            patient = Patient.objects.get(insurance=f"A{number * 50 + visitor * 3 + 1}")
            patient.ward.name  # noqa: B018
            list(patient.admissions.all())
            time.sleep(0.001 * (visitor * 17 % 40))
        connection.close()

    threads = [threading.Thread(target=desk, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def worker():
    for _ in range(8):
        with transaction.atomic():
            task = Task.objects.select_for_update(skip_locked=True).filter(state="open").order_by("id").first()
            if task:
                Ward.objects.get(pk=task.ward_id)
                task.state = "done"
                task.save(update_fields=["state"])


def retried():
    """The database calls for another try, seven times."""
    for attempt in range(7):
        try:
            with transaction.atomic():
                Ward.objects.get(pk=4)
                if attempt < 6:
                    with connection.cursor() as cursor:
                        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$")
        except OperationalError:
            time.sleep(0.005)


def monitor():
    """The ward's screen asks every 60 ms, give or take."""
    for beat in range(10):
        list(Task.objects.filter(state="urgent"))
        time.sleep(0.06 + 0.001 * (beat % 3))


def statistics_page():
    for start in range(9):
        Patient.objects.filter(born__gte=f"{1950 + start}-01-01", born__lt=f"{1951 + start}-01-01").count()


NEGATIVE = [
    Case("select_related", select_related, row="already batched"),
    Case("prefetched", prefetched, row="already batched"),
    Case("quick_changelist", lambda: changelist(QuickAdmin), row="already batched"),
    Case("pages", pages, row="pagination"),
    Case("iterator", iterator, row="cursor FETCH"),
    Case("in_bulk", in_bulk, row="already batched"),
    Case("bulk_create", bulk_create, row="bulk write"),
    Case("validated", validated, row="uniqueness check"),
    Case("desks", desks, row="concurrent traffic"),
    Case("worker", worker, row="job worker"),
    Case("retried", retried, row="retry"),
    Case("monitor", monitor, row="polling"),
    Case("statistics_page", statistics_page, row="no key"),
]

SETTINGS = {
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_min_duration_statement": "0",
}
VERSION = 18

LAB = """
CREATE TABLE result (id bigserial PRIMARY KEY, patient_id uuid NOT NULL, value float NOT NULL);
INSERT INTO result (patient_id, value)
SELECT ('00000000-0000-4000-8000-' || lpad((n % 400 + 1)::text, 12, '0'))::uuid, n FROM generate_series(1, 1200) AS n;
CREATE INDEX ON result (patient_id);
ANALYZE;
"""


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    names = {"default": parts.path.lstrip("/"), "lab": "lab"}
    for alias, name in names.items():
        connections[alias].settings_dict |= {
            "NAME": name,
            "HOST": parse_qs(parts.query)["host"][0],
            "USER": parts.username or "postgres",
        }
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE lab")
    with connections["lab"].cursor() as cursor:
        cursor.execute(LAB)
    for case in POSITIVE + NEGATIVE:
        for alias in names:
            connections[alias].close()
            connections[alias].settings_dict["OPTIONS"] = {"application_name": prefix + case.name}
        for _ in range(case.times):
            case.run()
            time.sleep(0.3)
        yield case
