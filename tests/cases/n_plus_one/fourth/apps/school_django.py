"""A school: Django 5.2 on psycopg 3 with a schema as its migrations make it; small classes, pages opened once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import django
from cases import DEFERRED, M2M, M2O, O2M, O2O, Case, burst
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "", "OPTIONS": {}}},
    INSTALLED_APPS=["django.contrib.contenttypes", "school_django"],
    SECRET_KEY="not one",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.core.paginator import Paginator  # noqa: E402
from django.db import IntegrityError, OperationalError, connection, models, transaction  # noqa: E402
from django.db.models import Count, prefetch_related_objects  # noqa: E402


class School(models.Model):
    class Meta:
        abstract, app_label, managed = True, "school_django", False


class Department(School):
    name = models.TextField()
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

    class Meta(School.Meta):
        abstract, db_table = False, "school_department"


class Teacher(School):
    name = models.TextField()
    department = models.ForeignKey(Department, models.CASCADE)

    class Meta(School.Meta):
        abstract, db_table = False, "school_teacher"


class Note(School):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.BigIntegerField()
    about = GenericForeignKey()
    body = models.TextField()

    class Meta(School.Meta):
        abstract, db_table = False, "school_note"


class Student(School):
    name = models.TextField()
    email = models.TextField(unique=True)
    mentor = models.ForeignKey("self", models.CASCADE, null=True, related_name="mentees")

    class Meta(School.Meta):
        abstract, db_table = False, "school_student"


class Profile(School):
    student = models.OneToOneField(Student, models.CASCADE)
    bio = models.TextField()

    class Meta(School.Meta):
        abstract, db_table = False, "school_profile"


class Course(School):
    slug = models.SlugField(unique=True)
    title = models.TextField()
    syllabus = models.TextField()
    teacher = models.ForeignKey(Teacher, models.CASCADE, related_name="courses")
    substitute = models.ForeignKey(Teacher, models.CASCADE, related_name="+")
    students = models.ManyToManyField(Student, related_name="courses")
    notes = GenericRelation(Note)

    class Meta(School.Meta):
        abstract, db_table = False, "school_course"


class Lesson(School):
    course = models.ForeignKey(Course, models.CASCADE, related_name="lessons")
    day = models.DateField()
    room = models.TextField()

    class Meta(School.Meta):
        abstract, db_table = False, "school_lesson"


class Grade(School):
    lesson = models.ForeignKey(Lesson, models.CASCADE, related_name="grades")
    student = models.ForeignKey(Student, models.CASCADE, related_name="grades")
    points = models.IntegerField()

    class Meta(School.Meta):
        abstract, db_table = False, "school_grade"


class Event(School):
    kind = models.TextField()
    done = models.BooleanField(default=False)

    class Meta(School.Meta):
        abstract, db_table = False, "school_event"


def courses(count=8):
    return Course.objects.order_by("id")[:count]


def teachers():
    [course.teacher.name for course in courses()]


def one_teacher():
    """Lessons of one course: each asks for the same course again."""
    [lesson.course.title for lesson in Lesson.objects.filter(room="r3", course_id__in=[40, 67])]


def both_teachers():
    [(course.teacher.name, course.substitute.name) for course in courses(7)]


def lessons():
    [[lesson.room for lesson in course.lessons.all()] for course in courses(10)]


def attendance():
    [[student.name for student in course.students.all()] for course in courses(6)]


def filtered_after_prefetch():
    """A filter on what was prefetched asks again."""
    for course in courses(9).prefetch_related("lessons"):
        list(course.lessons.filter(room="r3"))


def report_cards():
    for course in courses(5):
        for lesson in course.lessons.all():
            for grade in lesson.grades.all():
                grade.student.name  # noqa: B018


def sizes():
    [course.students.count() for course in courses(12)]


def any_grade():
    [lesson.grades.exists() for lesson in Lesson.objects.order_by("id")[:7]]


def next_lesson():
    [course.lessons.order_by("day").first() for course in courses(8)]


def profiles():
    [student.profile.bio for student in Student.objects.filter(id__lte=10)]


def mentors():
    [student.mentor.name for student in Student.objects.filter(id__gt=380)]


def tree():
    for department in Department.objects.filter(parent=None):
        for child in department.children.all():
            list(child.children.all())


def mentees():
    [list(student.mentees.all()) for student in Student.objects.filter(id__lte=8)]


def syllabi():
    [course.syllabus for course in Course.objects.defer("syllabus").order_by("id")[:9]]


def subjects():
    """What each note is about, a course or a student."""
    [note.about for note in Note.objects.filter(content_type_id=2).order_by("id")[:9]]


def notes():
    [list(course.notes.all()) for course in courses(8)]


def by_slug():
    for slug in Course.objects.order_by("-id").values_list("slug", flat=True)[:7]:
        list(Lesson.objects.filter(course=Course.objects.filter(slug=slug).values("id")[:1]))


def prefetched_each():
    for course in courses(8):
        prefetch_related_objects([course], "lessons")


def scanned():
    """Numbers read from cards."""
    for number in (7, 3, 11, 19, 2, 23):
        Student.objects.get(pk=number)


def from_rows():
    for row in Grade.objects.order_by("id").values("id", "student_id")[:10]:
        Student.objects.get(id=row["student_id"])


def rules():
    with transaction.atomic():
        for _ in range(7):
            Department.objects.get(name="department 3")


def raise_grades():
    with transaction.atomic():
        for grade in Grade.objects.filter(lesson_id__lte=3):
            grade.points += 1
            grade.save()


def enroll():
    with transaction.atomic():
        for number in range(8):
            Event.objects.create(kind=f"enrolled {number}")


POSITIVE = [
    Case("teachers", teachers, (burst("school_teacher", "school_course", M2O),), times=1),
    Case("one_teacher", one_teacher, (burst("school_course", "school_lesson", M2O),)),
    Case("both_teachers", both_teachers, (burst("school_teacher", "school_course", M2O),)),
    Case("lessons", lessons, (burst("school_lesson", "school_course", O2M),)),
    Case("attendance", attendance, (burst("school_student", "school_course", M2M),), times=1),
    Case("filtered_after_prefetch", filtered_after_prefetch, (burst("school_lesson", "school_course", O2M),), times=1),
    Case(
        "report_cards",
        report_cards,
        (
            burst("school_lesson", "school_course", O2M),
            burst("school_grade", "school_lesson", O2M),
            burst("school_student", "school_grade", M2O),
        ),
        times=1,
    ),
    Case("sizes", sizes, (burst("school_course_students", "school_course", O2M),)),
    Case("any_grade", any_grade, (burst("school_grade", "school_lesson", O2M),)),
    Case("next_lesson", next_lesson, (burst("school_lesson", "school_course", O2M),), times=1),
    Case("profiles", profiles, (burst("school_profile", "school_student", O2O),)),
    Case("mentors", mentors, (burst("school_student", "school_student", M2O),)),
    Case("tree", tree, (burst("school_department", "school_department", O2M),)),
    Case("mentees", mentees, (burst("school_student", "school_student", O2M),), times=1),
    Case("syllabi", syllabi, (burst("school_course", "school_course", DEFERRED),)),
    Case("subjects", subjects, (burst("school_student", "school_note", M2O),)),
    Case("notes", notes, (burst("school_note", "school_course", O2M),)),
    Case("by_slug", by_slug, (burst("school_lesson", "school_course", O2M),), times=1),
    Case("prefetched_each", prefetched_each, (burst("school_lesson", "school_course", O2M),)),
    Case("scanned", scanned, (burst("school_student", pattern="parentless-loop"),), times=1),
    Case("from_rows", from_rows, (burst("school_student", "school_grade", M2O),), times=1),
    Case("rules", rules, (burst("school_department", pattern="repeated-identical-query"),)),
    Case("raise_grades", raise_grades, (burst("school_grade", pattern="row-by-row-write"),), times=1),
    Case("enroll", enroll, (burst("school_event", pattern="row-by-row-write"),)),
]


def related():
    [course.teacher.department.name for course in courses(20).select_related("teacher__department")]


def prefetched():
    for course in courses(20).prefetch_related("lessons__grades", "students"):
        len(course.students.all())


def annotated():
    [course.n for course in Course.objects.annotate(n=Count("students"))[:30]]


def in_chunks():
    for start in range(1, 100, 12):
        list(Student.objects.filter(id__in=range(start, start + 12)))


def iterator():
    return sum(grade.points for grade in Grade.objects.iterator(chunk_size=200))


def paginated():
    for number in range(1, 8):
        list(Paginator(Student.objects.order_by("name"), 30).page(number).object_list)


def watch():
    for _ in range(9):
        Event.objects.filter(kind="alarm").first()
        time.sleep(0.06)


def again():
    for attempt in range(6):
        try:
            with transaction.atomic():
                Student.objects.get(pk=9)
                if attempt < 5:
                    with connection.cursor() as cursor:
                        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$")
        except OperationalError:
            time.sleep(0.01)


def sign_up():
    for number in range(8):
        email = f"{time.monotonic_ns()}{number}@school.org"
        if not Student.objects.filter(email=email).exists():
            Student.objects.create(name="new", email=email)


def duplicates():
    """Each refused by the unique constraint."""
    for number in range(7):
        try:
            with transaction.atomic():
                Student.objects.create(name="new", email=f"s{number + 1}@school.org")
        except IntegrityError:
            continue


def mailer():
    for _ in range(8):
        with transaction.atomic():
            event = Event.objects.select_for_update(skip_locked=True).filter(done=False).first()
            if event:
                event.done = True
                event.save()


def settled():
    """A transaction for each item of a list, as a job should."""
    for key in Event.objects.values_list("id", flat=True)[:8]:
        with transaction.atomic():
            Event.objects.filter(pk=key).update(done=True)


def bulk():
    Event.objects.bulk_create([Event(kind="bulk") for _ in range(40)], batch_size=10)


def views():
    """Three threads show one student after the other."""

    def server(number):
        for visit in range(12):
            student = Student.objects.get(pk=number * 50 + visit * 3 + 40)
            student.profile.bio, student.mentor.name  # noqa: B018
            list(student.courses.all())
            time.sleep(0.001 * (visit * 13 % 30))
        connection.close()

    threads = [threading.Thread(target=server, args=(number,)) for number in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


NEGATIVE = [
    Case("related", related, row="already batched"),
    Case("prefetched", prefetched, row="already batched"),
    Case("annotated", annotated, row="already batched"),
    Case("in_chunks", in_chunks, row="already batched", times=1),
    Case("iterator", iterator, row="cursor FETCH"),
    Case("paginated", paginated, row="pagination"),
    Case("watch", watch, row="polling"),
    Case("again", again, row="retry"),
    Case("sign_up", sign_up, (burst("school_student", pattern="row-by-row-write"),), row="uniqueness check"),
    Case("duplicates", duplicates, row="uniqueness check"),
    Case("mailer", mailer, row="job worker"),
    Case("settled", settled, row="job worker", times=1),
    Case("bulk", bulk, row="bulk write"),
    Case("views", views, row="concurrent traffic", times=1),
]
SETTINGS = {
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_min_duration_statement": "0",
}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    connection.settings_dict |= {
        "NAME": parts.path.lstrip("/"),
        "HOST": parse_qs(parts.query)["host"][0],
        "USER": parts.username or "postgres",
    }
    for case in POSITIVE + NEGATIVE:
        connection.close()
        connection.settings_dict["OPTIONS"] = {"application_name": prefix + case.name}
        for _ in range(case.times):
            case.run()
            time.sleep(0.3)
        yield case
