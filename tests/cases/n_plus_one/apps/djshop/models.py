"""Django models over the tables that are there."""

from __future__ import annotations

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Publisher(models.Model):
    name = models.TextField()
    code = models.UUIDField(unique=True)

    class Meta:
        managed = False
        db_table = "publishers"


class Author(models.Model):
    name = models.TextField()
    slug = models.TextField(unique=True)
    active = models.BooleanField()
    notes = GenericRelation("Note")

    class Meta:
        managed = False
        db_table = "authors"


class Profile(models.Model):
    author = models.OneToOneField(Author, models.CASCADE)
    bio = models.TextField()

    class Meta:
        managed = False
        db_table = "profiles"


class Tag(models.Model):
    name = models.TextField(unique=True)

    class Meta:
        managed = False
        db_table = "tags"


class Book(models.Model):
    title = models.TextField()
    body = models.TextField()
    author = models.ForeignKey(Author, models.CASCADE)
    editor = models.ForeignKey(Author, models.CASCADE, null=True, related_name="edited")
    publisher = models.ForeignKey(Publisher, models.CASCADE, related_name="books")
    tags = models.ManyToManyField(Tag, db_table="book_tags", related_name="books")

    class Meta:
        managed = False
        db_table = "books"


class User(models.Model):
    email = models.TextField(unique=True)
    name = models.TextField()

    class Meta:
        managed = False
        db_table = "users"


class Review(models.Model):
    book = models.ForeignKey(Book, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)
    stars = models.IntegerField()
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "reviews"


class Category(models.Model):
    name = models.TextField()
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

    class Meta:
        managed = False
        db_table = "categories"


class Order(models.Model):
    user = models.ForeignKey(User, models.CASCADE)
    placed_at = models.DateTimeField()
    state = models.TextField()

    class Meta:
        managed = False
        db_table = "orders"


class Reading(models.Model):
    sensor = models.IntegerField()
    value = models.FloatField()

    class Meta:
        managed = False
        db_table = "readings"


class Job(models.Model):
    state = models.TextField()
    payload = models.IntegerField()

    class Meta:
        managed = False
        db_table = "jobs"


class Note(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.IntegerField()
    target = GenericForeignKey()
    text = models.TextField()

    class Meta:
        managed = False
        db_table = "notes"
