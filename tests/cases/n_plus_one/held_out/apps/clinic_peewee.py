"""A clinic: peewee on psycopg2. Singular tables, a natural key, values sent as literals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from cases import M2O, O2M, O2O, Case, burst
from peewee import (
    BooleanField,
    CharField,
    DateField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
    Proxy,
    chunked,
    prefetch,
)
from playhouse.postgres_ext import PostgresqlExtDatabase, ServerSide

database = Proxy()


class Base(Model):
    class Meta:
        database = database


class Ward(Base):
    name = CharField()


class Doctor(Base):
    name = CharField()
    ward = ForeignKeyField(Ward, backref="doctors")


class Patient(Base):
    name = CharField()
    attending = ForeignKeyField(Doctor, backref="patients")
    admitted = DateField()


class Drug(Base):
    code = CharField(primary_key=True)
    label = CharField()


class Visit(Base):
    patient = ForeignKeyField(Patient, backref="visits")
    held_on = DateField()
    reason = CharField()


class Prescription(Base):
    visit = ForeignKeyField(Visit, backref="prescriptions")
    drug = ForeignKeyField(Drug)
    dose = IntegerField()


class Invoice(Base):
    visit = ForeignKeyField(Visit, backref="invoices", unique=True)
    cents = IntegerField()
    paid = BooleanField(default=False)


def _patients(n: int = 20):
    return Patient.select().order_by(Patient.id).limit(n)


def rounds():
    return [patient.attending.name for patient in _patients()]


def two_up():
    return [patient.attending.ward.name for patient in _patients(12)]


def histories():
    return [[visit.reason for visit in patient.visits] for patient in _patients()]


def medication():
    """Visits of a day, their prescriptions, the drug of each."""
    visits = Visit.select().where(Visit.held_on == "2026-02-11")
    return [[p.drug.label for p in visit.prescriptions] for visit in visits]


def visit_counts():
    return [patient.visits.count() for patient in _patients()]


def latest_visit():
    return [patient.visits.order_by(Visit.held_on.desc()).first() for patient in _patients(15)]


def billed():
    return [Invoice.get(Invoice.visit == visit).cents for visit in Visit.select().limit(15)]


def ids_first():
    return [Patient.get_by_id(key).name for (key,) in Visit.select(Visit.patient).limit(14).tuples()]


def pay_each():
    with database.atomic():
        for invoice in Invoice.select().where(Invoice.id < 13):
            invoice.paid = True
            invoice.save()


def admit_each():
    for n in range(10):
        Patient.create(name=f"new {n}", attending=1, admitted="2026-05-01")


def from_a_letter():
    """Codes that somebody typed in."""
    return [Drug.get(Drug.code == code).label for code in ("D3", "D7", "D12", "D19", "D22", "D28", "D9")]


POSITIVE = [
    Case("rounds", rounds, (burst("doctor", "patient", M2O),)),
    Case("two_up", two_up, (burst("doctor", "patient", M2O), burst("ward", "doctor", M2O))),
    Case("histories", histories, (burst("visit", "patient", O2M),)),
    Case("medication", medication, (burst("prescription", "visit", O2M), burst("drug", "prescription", M2O))),
    Case("visit_counts", visit_counts, (burst("visit", "patient", O2M),)),
    Case("latest_visit", latest_visit, (burst("visit", "patient", O2M),)),
    Case("billed", billed, (burst("invoice", "visit", O2O),)),
    Case("ids_first", ids_first, (burst("patient", "visit", M2O),)),
    Case("pay_each", pay_each, (burst("invoice", pattern="row-by-row-write"),)),
    Case("admit_each", admit_each, (burst("patient", pattern="row-by-row-write"),)),
    Case("from_a_letter", from_a_letter, (burst("drug", pattern="parentless-loop"),)),
]


def prefetched():
    return [len(patient.visits) for patient in prefetch(_patients(40), Visit.select())]


def joined():
    return [p.attending.name for p in Patient.select(Patient, Doctor).join(Doctor).limit(40)]


def in_chunks():
    keys = range(1, 400)
    return [list(Visit.select().where(Visit.id.in_(part))) for part in chunked(keys, 40)]


def pages():
    return [list(Visit.select().order_by(Visit.id).paginate(page, 30)) for page in range(1, 9)]


def insert_many():
    Visit.insert_many([{"patient": n, "held_on": "2026-06-01", "reason": "x"} for n in range(1, 101)]).execute()


def server_side():
    return [visit.id for visit in ServerSide(Visit.select())]


def desk():
    """A receptionist: finds one patient, looks at the file, thinks; the next."""
    for n in range(1, 9):
        patient = Patient.get_by_id(n * 7)
        list(patient.visits)
        time.sleep(0.3)


def get_or_create():
    stamp = time.monotonic_ns()
    for n in range(8):
        Drug.get_or_create(code=f"N{stamp}{n}", defaults={"label": "new"})


NEGATIVE = [
    Case("prefetch", prefetched, row="already batched"),
    Case("join", joined, row="already batched"),
    Case("chunks", in_chunks, row="already batched"),
    Case("pages", pages, row="pagination"),
    Case("insert_many", insert_many, row="bulk write"),
    Case("server_side", server_side, row="cursor FETCH"),
    Case("desk", desk, row="concurrent traffic"),
    Case("get_or_create", get_or_create, row="uniqueness check"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    for case in POSITIVE + NEGATIVE:
        kind = PostgresqlExtDatabase if case.name == "server_side" else PostgresqlDatabase
        database.initialize(
            kind(
                parts.path.lstrip("/"),
                host=parse_qs(parts.query)["host"][0],
                user=parts.username,
                application_name=prefix + case.name,
            )
        )
        for _ in range(case.times):
            database.connect()
            if case.name == "server_side":
                with database.atomic():
                    case.run()
            else:
                case.run()
            database.close()
            time.sleep(0.02)
        yield case
