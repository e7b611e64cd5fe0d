"""A museum: SQLAlchemy 2 on psycopg2. A schema of its own, singular tables, UUID, natural and composite keys, foreign
keys named by role, joined inheritance, an association object, values sent as literals."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

from cases import DEFERRED, M2M, M2O, O2M, O2O, Case, burst
from sqlalchemy import ForeignKey, ForeignKeyConstraint, MetaData, Uuid, create_engine, delete, exists, func, select
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectin_polymorphic,
    selectinload,
    subqueryload,
)


class Base(DeclarativeBase):
    metadata = MetaData(schema="collection")


class Artist(Base):
    __tablename__ = "artist"
    artist_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    artist_name: Mapped[str]
    works: Mapped[list[Item]] = relationship(back_populates="maker")


class Room(Base):
    __tablename__ = "room"
    building_no: Mapped[int] = mapped_column(primary_key=True)
    room_no: Mapped[int] = mapped_column(primary_key=True)
    wing: Mapped[str]
    items: Mapped[list[Item]] = relationship(back_populates="room")


class Item(Base):
    __tablename__ = "item"
    __table_args__ = (ForeignKeyConstraint(["hangs_building", "hangs_room"], [Room.building_no, Room.room_no]),)
    __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012
    item_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    made_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Artist.artist_uuid))
    hangs_building: Mapped[int]
    hangs_room: Mapped[int]
    maker: Mapped[Artist | None] = relationship(back_populates="works")
    room: Mapped[Room] = relationship(back_populates="items")
    loans: Mapped[list[Loan]] = relationship(back_populates="item")
    themed: Mapped[list[ItemTheme]] = relationship()
    themes: AssociationProxy[list[Theme]] = association_proxy("themed", "theme")


class Painting(Item):
    __tablename__ = "painting"
    __mapper_args__ = {"polymorphic_identity": "painting"}  # noqa: RUF012
    item_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Item.item_uuid), primary_key=True)
    technique: Mapped[str]


class Sculpture(Item):
    __tablename__ = "sculpture"
    __mapper_args__ = {"polymorphic_identity": "sculpture"}  # noqa: RUF012
    item_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Item.item_uuid), primary_key=True)
    material: Mapped[str]


class Museum(Base):
    __tablename__ = "museum"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Loan(Base):
    __tablename__ = "loan"
    loan_no: Mapped[int] = mapped_column(primary_key=True)
    item_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Item.item_uuid))
    to_museum: Mapped[str] = mapped_column(ForeignKey(Museum.code))
    item: Mapped[Item] = relationship(back_populates="loans")
    museum: Mapped[Museum] = relationship()


class Theme(Base):
    __tablename__ = "theme"
    theme_no: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]
    broader: Mapped[int | None] = mapped_column(ForeignKey("collection.theme.theme_no"))
    wider: Mapped[Theme | None] = relationship(remote_side=[theme_no], back_populates="narrower")
    narrower: Mapped[list[Theme]] = relationship(back_populates="wider")
    items: Mapped[list[Item]] = relationship(secondary="collection.item_theme", viewonly=True)


class ItemTheme(Base):
    __tablename__ = "item_theme"
    item_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Item.item_uuid), primary_key=True)
    theme_no: Mapped[int] = mapped_column(ForeignKey(Theme.theme_no), primary_key=True)
    weight: Mapped[float]
    theme: Mapped[Theme] = relationship()


def labels(session):
    return [item.maker.artist_name for item in session.scalars(select(Item).order_by(Item.title).limit(20))]


def oeuvre(session):
    return [[work.title for work in artist.works] for artist in session.scalars(select(Artist).limit(12))]


def hanging(session):
    return [item.room.wing for item in session.scalars(select(Item).limit(20))]


def rooms(session):
    return [len(room.items) for room in session.scalars(select(Room).limit(12))]


def details(session):
    """The columns of the subclass, which select(Item) leaves out."""
    return [item.technique for item in session.scalars(select(Item).where(Item.kind == "painting").limit(12))]


def lent(session):
    items = session.scalars(select(Item).order_by(Item.title).limit(10))
    return [[loan.museum.name for loan in item.loans] for item in items]


def words(session):
    return [[theme.word for theme in item.themes] for item in session.scalars(select(Item).limit(6))]


def themes_items(session):
    return [len(theme.items) for theme in session.scalars(select(Theme).limit(10))]


def narrower(session):
    return [[n.word for n in theme.narrower] for theme in session.scalars(select(Theme).where(Theme.broader.is_(None)))]


def on_loan(session):
    items = session.scalars(select(Item).limit(14)).all()
    return [session.scalar(select(exists().where(Loan.item_uuid == item.item_uuid))) for item in items]


def loans_by_museum(session):
    for museum in session.scalars(select(Museum)).all():
        session.scalar(select(func.count(Loan.loan_no)).where(Loan.to_museum == museum.code))


def reload(session):
    artists = session.scalars(select(Artist).limit(10)).all()
    for artist in artists:
        session.refresh(artist)


def delete_each(session):
    for key in session.scalars(select(Loan.loan_no).order_by(Loan.loan_no.desc()).limit(9)).all():
        session.execute(delete(Loan).where(Loan.loan_no == key))
    session.commit()


POSITIVE = [
    Case("labels", labels, (burst("artist", "item", M2O),)),
    Case("oeuvre", oeuvre, (burst("item", "artist", O2M),)),
    Case("hanging", hanging, (burst("room", "item", M2O),)),
    Case("rooms", rooms, (burst("item", "room", O2M),)),
    Case("details", details, (burst("painting", "item", O2O),)),
    Case("lent", lent, (burst("loan", "item", O2M), burst("museum", "loan", M2O))),
    Case("words", words, (burst("item_theme", "item", O2M), burst("theme", "item_theme", M2O))),
    Case("themes_items", themes_items, (burst("item", "theme", M2M),)),
    Case("narrower", narrower, (burst("theme", "theme", O2M),)),
    Case("on_loan", on_loan, (burst("loan", "item", O2M),)),
    Case("loans_by_museum", loans_by_museum, (burst("loan", "museum", O2M),)),
    Case("reload", reload, (burst("artist", "artist", DEFERRED),)),
    Case("delete_each", delete_each, (burst("loan", pattern="row-by-row-write"),)),
]


def selectin(session):
    return [len(item.loans) for item in session.scalars(select(Item).options(selectinload(Item.loans)).limit(40))]


def subquery(session):
    return [len(artist.works) for artist in session.scalars(select(Artist).options(subqueryload(Artist.works)))]


def joined(session):
    return [item.room.wing for item in session.scalars(select(Item).options(joinedload(Item.room)).limit(40))]


def polymorphic(session):
    return session.scalars(select(Item).options(selectin_polymorphic(Item, [Painting, Sculpture])).limit(40)).all()


def keyset(session):
    last = ""
    while titles := session.scalars(select(Item.title).where(Item.title > last).order_by(Item.title).limit(40)).all():
        last = titles[-1]


def guides(session):
    """One terminal in the hall: a visitor asks for a work and its maker, then the next visitor."""
    keys = session.scalars(select(Item.item_uuid).limit(9)).all()
    session.commit()
    for key in keys:
        item = session.get(Item, key)
        item.maker.artist_name  # noqa: B018
        session.commit()
        session.expunge_all()
        time.sleep(0.3)


def dashboard(session):
    """Eight different figures, one statement each."""
    for entity in (Artist, Room, Item, Museum, Loan, Theme, ItemTheme, Painting):
        session.scalar(select(func.count()).select_from(entity))


NEGATIVE = [
    Case("selectinload", selectin, row="already batched"),
    Case("subqueryload", subquery, row="already batched"),
    Case("joinedload", joined, row="already batched"),
    Case("selectin_polymorphic", polymorphic, row="already batched"),
    Case("keyset", keyset, row="pagination"),
    Case("guides", guides, row="concurrent traffic"),
    Case("dashboard", dashboard, row="different questions"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        engine = create_engine(url, connect_args={"application_name": prefix + case.name})
        for _ in range(case.times):
            with Session(engine) as session:
                case.run(session)
            time.sleep(0.05)
        engine.dispose()
        yield case
