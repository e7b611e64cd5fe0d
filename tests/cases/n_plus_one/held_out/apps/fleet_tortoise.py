"""A fleet: Tortoise on asyncpg. UUID keys, camelCase columns and tables, no foreign key declared."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, Case, burst
from tortoise import Model, Tortoise, fields
from tortoise.transactions import in_transaction


class Depot(Model):
    id = fields.UUIDField(primary_key=True)
    display_name = fields.TextField(source_field="displayName")

    class Meta:
        table = "depot"


class VehicleModel(Model):
    id = fields.UUIDField(primary_key=True)
    display_name = fields.TextField(source_field="displayName")

    class Meta:
        table = "vehicleModel"


class Feature(Model):
    id = fields.UUIDField(primary_key=True)
    label = fields.TextField()

    class Meta:
        table = "feature"


class Vehicle(Model):
    id = fields.UUIDField(primary_key=True)
    plate = fields.TextField()
    depot = fields.ForeignKeyField("models.Depot", "vehicles", source_field="depotId", db_constraint=False)
    model = fields.ForeignKeyField("models.VehicleModel", "vehicles", source_field="modelId", db_constraint=False)
    features = fields.ManyToManyField(
        "models.Feature",
        "vehicleFeature",
        backward_key="vehicleId",
        forward_key="featureId",
        related_name="vehicles",
        db_constraint=False,
    )

    class Meta:
        table = "vehicle"


class Driver(Model):
    id = fields.UUIDField(primary_key=True)
    full_name = fields.TextField(source_field="fullName")

    class Meta:
        table = "driver"


class Trip(Model):
    id = fields.UUIDField(primary_key=True)
    vehicle = fields.ForeignKeyField("models.Vehicle", "trips", source_field="vehicleId", db_constraint=False)
    driver = fields.ForeignKeyField("models.Driver", "trips", source_field="driverId", db_constraint=False)
    km = fields.IntField()

    class Meta:
        table = "trip"


class FuelStop(Model):
    id = fields.UUIDField(primary_key=True)
    trip = fields.ForeignKeyField("models.Trip", "stops", source_field="tripId", db_constraint=False)
    litres = fields.IntField()

    class Meta:
        table = "fuelStop"


async def home():
    for vehicle in await Vehicle.all().limit(20):
        await vehicle.depot


async def make_and_home():
    for vehicle in await Vehicle.all().limit(15):
        await vehicle.model
        await vehicle.depot


async def logbook():
    for vehicle in await Vehicle.all().limit(15):
        await vehicle.trips.all()


async def equipment():
    for vehicle in await Vehicle.all().limit(15):
        await vehicle.features.all()


async def fuel_bill():
    for vehicle in await Vehicle.all().limit(8):
        for trip in await vehicle.trips.all():
            await trip.stops.all()


async def fetch_each():
    for vehicle in await Vehicle.all().limit(12):
        await vehicle.fetch_related("trips")


async def how_many():
    for vehicle in await Vehicle.all().limit(15):
        await vehicle.trips.all().count()


async def long_haul():
    for vehicle in await Vehicle.all().limit(15):
        await vehicle.trips.filter(km__gt=700).exists()


async def side_by_side():
    vehicles = await Vehicle.all().limit(24)
    await asyncio.gather(*(vehicle.trips.all() for vehicle in vehicles))


async def get_each():
    for trip in await Trip.all().limit(15):
        await Driver.get(id=trip.driver_id)


async def in_one_transaction():
    async with in_transaction() as connection:
        for trip in await Trip.all().limit(15).using_db(connection):
            await Vehicle.get(id=trip.vehicle_id, using_db=connection)


async def odometer():
    for trip in await Trip.all().limit(10):
        trip.km += 1
        await trip.save(update_fields=["km"])


POSITIVE = [
    Case("home", home, (burst("depot", "vehicle", M2O),)),
    Case("make_and_home", make_and_home, (burst("vehicleModel", "vehicle", M2O), burst("depot", "vehicle", M2O))),
    Case("logbook", logbook, (burst("trip", "vehicle", O2M),)),
    Case("equipment", equipment, (burst("feature", "vehicle", M2M),)),
    Case("fuel_bill", fuel_bill, (burst("trip", "vehicle", O2M), burst("fuelStop", "trip", O2M))),
    Case("fetch_each", fetch_each, (burst("trip", "vehicle", O2M),)),
    Case("how_many", how_many, (burst("trip", "vehicle", O2M),)),
    Case("long_haul", long_haul, (burst("trip", "vehicle", O2M),)),
    Case("side_by_side", side_by_side, (burst("trip", "vehicle", O2M),), times=4),
    Case("get_each", get_each, (burst("driver", "trip", M2O),)),
    Case("in_one_transaction", in_one_transaction, (burst("vehicle", "trip", M2O),)),
    Case("odometer", odometer, (burst("trip", pattern="row-by-row-write"),)),
]


async def prefetch():
    for vehicle in await Vehicle.all().limit(40).prefetch_related("trips", "features"):
        len(vehicle.trips)


async def select_related():
    for vehicle in await Vehicle.all().limit(40).select_related("depot"):
        vehicle.depot.display_name  # noqa: B018


async def bulk_create():
    await FuelStop.bulk_create([FuelStop(id=uuid.uuid4(), trip_id=uuid.uuid4(), litres=1) for _ in range(120)])


async def screens():
    """A table in a browser: twenty rows a screen, and the number of all of them beside."""
    for page in range(8):
        await Trip.all().order_by("id").offset(20 * page).limit(20)
        await Trip.all().count()


async def visitors():
    """Each opens one vehicle and sees its trips; six at a time."""
    keys = await Vehicle.all().limit(30).values_list("id", flat=True)

    async def visit(key):
        vehicle = await Vehicle.get(id=key)
        await vehicle.trips.all()

    for start in range(0, 30, 6):
        await asyncio.gather(*(visit(key) for key in keys[start : start + 6]))
        await asyncio.sleep(0.03)


async def by_keys():
    keys = await Trip.all().limit(300).values_list("driver_id", flat=True)
    for start in range(0, 300, 30):
        await Driver.filter(id__in=keys[start : start + 30])


async def heartbeat():
    for _ in range(8):
        await Trip.filter(km__lt=0).count()
        await asyncio.sleep(0.06)


NEGATIVE = [
    Case("prefetch_related", prefetch, row="already batched"),
    Case("select_related", select_related, row="already batched"),
    Case("bulk_create", bulk_create, row="bulk write"),
    Case(
        "screens",
        screens,
        (burst("trip", pattern="repeated-identical-query"),),
        row="pagination",
    ),
    Case("visitors", visitors, row="concurrent traffic"),
    Case("by_keys", by_keys, row="already batched"),
    Case("heartbeat", heartbeat, row="polling"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        asyncio.run(_record(case, url, prefix))
        yield case


async def _record(case: Case, url: str, prefix: str) -> None:
    parts = urlsplit(url)
    credentials = {
        "host": parse_qs(parts.query)["host"][0],
        "port": 5432,
        "user": parts.username,
        "password": "",
        "database": parts.path.lstrip("/"),
        "minsize": 3,
        "maxsize": 6,
        "application_name": prefix + case.name,
    }
    await Tortoise.init(
        config={
            "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
            "apps": {"models": {"models": ["fleet_tortoise"]}},
        }
    )
    for _ in range(case.times):
        await case.run()
        await asyncio.sleep(0.3)
    await Tortoise.close_connections()
