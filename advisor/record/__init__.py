"""Record an application's statements from inside, with the line of code that sent each one.

    recorder = Recorder(Path("capture"), root=Path("src"))
    recorder.sqlalchemy(engine)              # an Engine or AsyncEngine
    recorder.django()                        # every connection that Django opens from now on
    recorder.asyncpg(connection)             # asyncpg's query logger
    AsyncMongoClient(url, event_listeners=[recorder.pymongo()])  # MongoDB: PyMongo and Beanie
    app = recorder.asgi(app)                 # or recorder.wsgi(app): a request is a unit of work
    ...
    recorder.save()                          # a capture folder that `advisor analyze` reads

Only public hooks of the libraries are used. Nothing that happens in here can break what it observes: every hook
swallows its own errors and counts them (:attr:`Recorder.failures`).
"""

from __future__ import annotations

from advisor.record.events import Recorded, UnitOfWorkScope, ignore
from advisor.record.recorder import Recorder

__all__ = ["Recorded", "Recorder", "UnitOfWorkScope", "ignore"]
