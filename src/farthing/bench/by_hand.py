"""What one would write: a Flask route that takes JSON and keeps an object of the ORM for each event."""

from datetime import datetime
from pathlib import Path
from typing import Final

from flask import Flask, request
from sqlalchemy import JSON, Engine, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from farthing.bench.events import Sent
from farthing.bench.figures import per_second, require
from farthing.kernel.clock import instant_from

NAME: Final = "Flask with an object of the ORM for each event"
SAME: Final = ("type", "subject", "data")


class _Base(DeclarativeBase):
    """Its tables."""


class _Event(_Base):
    __tablename__ = "events"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    subject: Mapped[str]
    time: Mapped[datetime]
    data: Mapped[dict[str, object]] = mapped_column(JSON)


def by_hand(place: Path, sent: Sent) -> float:
    """Events a second, a commit for each call; repeats are looked for, and nothing else is checked."""
    engine = create_engine(f"sqlite:///{place}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    _Base.metadata.create_all(engine)
    client = _application(engine).test_client()
    speed = per_second(len(sent.rows), lambda: [client.post("/events", data=body) for body in sent.bodies])
    with Session(engine) as session:
        require(session.scalar(select(func.count()).select_from(_Event)), len(sent.rows), "rows")
    engine.dispose()
    return speed


def _application(engine: Engine) -> Flask:
    application = Flask("by hand")

    @application.post("/events")
    def take() -> dict[str, int]:
        found = {one["id"]: one for one in request.get_json(force=True)}
        with Session(engine) as session:
            there = set(session.scalars(select(_Event.id).where(_Event.id.in_(found))))
            session.add_all(
                _Event(id=id, time=instant_from(one["time"]), **{name: one[name] for name in SAME})
                for id, one in found.items() if id not in there
            )
            session.commit()
        return {"accepted": len(found) - len(there)}

    return application
