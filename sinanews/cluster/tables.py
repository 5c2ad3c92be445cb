"""The cluster's own tables, beside Procrastinate's in the catalogue's PostgreSQL. Times are the database's clock."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

#: Which version of Procrastinate's tables there is: it keeps no record itself.
about = Table("cluster", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

#: What Procrastinate's row of a job does not tell, from the first time that a worker took it.
assignments = Table(
    "assignments",
    metadata,
    Column("job_id", BigInteger, primary_key=True),
    Column("worker", Integer),  # who does it now: an id of the table workers; NULL: nobody
    Column("since", DateTime(timezone=True)),  # when that worker took it
    Column("handled", Integer, nullable=False, server_default="0"),  # articles that this worker has come to the end of
    Column("tries", Integer, nullable=False, server_default="0"),  # times that it came to nothing, in a row
    Column("deaths", Integer, nullable=False, server_default="0"),  # workers that died with it, having handled nothing
    Column("ended_at", DateTime(timezone=True)),  # when it last ended, or was given back
    Column("reason", Text),  # what it came to then
    Index("assignments_ended", "ended_at"),
)

#: The last tick of each row of the schedule for which a job was made.
ticks = Table(
    "ticks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("last", DateTime(timezone=True), nullable=False),
    Column("zone", Text, nullable=False),  # in which it was reckoned
)
