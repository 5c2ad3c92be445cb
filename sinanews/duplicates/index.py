"""The index of stories: finds, across runs, the known articles that a new one may be a copy of.

Two tables. `story_keys` is an inverted index from 12 hashes an article to a small number for the article;
`stories` holds the sketch that the pair itself is checked by, so no older text is ever read again.
Articles of unrelated words share no key; formulas that thousands share ("与本站立场无关") would bring thousands,
so each key names its newest `PER_KEY` articles only, and of all those named the `CHECKED` with most keys are checked.
That bounds the work, however many articles are known.

Every function works inside the caller's transaction. Two workers that look before either has added would both keep
their copy: who looks and adds does both in one transaction that nobody else has at the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
    union_all,
    update,
)

from sinanews.duplicates.fingerprint import KEYS, Likeness, Sketch, compare, may_be_alike
from sinanews.prepared import Prepared

PER_KEY = 16  # copies appear within days, so the newest are the likely ones
CHECKED = 10  # of a real copy's 12 keys, 6 are shared on average even with 5 % of its characters changed
FORMULA = 3  # stories with the same words: those words say nothing of any, for the index has one text of each story

metadata = MetaData()


stories = Table(
    "stories",
    metadata,
    Column("ref", Integer, primary_key=True),  # small and growing: newer articles have larger ones
    Column("article_id", String(300), nullable=False, unique=True),
    Column("sketch", LargeBinary, nullable=False),  # Sketch.pack()
    sqlite_autoincrement=True,  # a removed ref is never given again: keys left behind lead nowhere
)

story_keys = Table(
    "story_keys",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("ref", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,  # half the room: the primary key is all there is
)


def _newest(slot: int) -> Select[Any]:
    newest = (
        select(story_keys.c.key, story_keys.c.ref)
        .where(story_keys.c.key == bindparam(f"k{slot}", type_=Integer))
        .order_by(story_keys.c.ref.desc())
        .limit(literal_column(str(PER_KEY)))
    )
    named = newest.subquery(f"s{slot}")
    return select(named.c.key, named.c.ref)


# Of all that the keys name, those that most keys name; a key that names few says more. The newer first where equal.
_NAMED = union_all(*(_newest(slot) for slot in range(KEYS))).cte("named")
_FREQUENT = select(_NAMED.c.key, func.count().label("number")).group_by(_NAMED.c.key).subquery("frequent")
_LIKELIEST = (
    select(_NAMED.c.ref, func.sum(1.0 / _FREQUENT.c.number).label("weight"))
    .join_from(_NAMED, _FREQUENT, _NAMED.c.key == _FREQUENT.c.key)
    .group_by(_NAMED.c.ref)
    .order_by(text("weight DESC"), _NAMED.c.ref.desc())
    .limit(literal_column(str(CHECKED)))
    .subquery("likeliest")
)
_CANDIDATES = Prepared(
    select(stories.c.article_id, stories.c.sketch)
    .join_from(_LIKELIEST, stories, stories.c.ref == _LIKELIEST.c.ref)
    .order_by(text("likeliest.weight DESC"), _LIKELIEST.c.ref.desc())
)
_REF = Prepared(select(stories.c.ref, stories.c.sketch).where(stories.c.article_id == bindparam("article")))
_NEW_STORY = Prepared(stories.insert().inline(), ("article_id", "sketch"))
_NEW_REF = Prepared(stories.insert().returning(stories.c.ref), ("article_id", "sketch"))
_ADD_KEYS = Prepared(story_keys.insert(), ("key", "ref"))
_DROP_STORY = Prepared(delete(stories).where(stories.c.ref == bindparam("old")))
_DROP_KEY = Prepared(
    delete(story_keys).where(story_keys.c.key == bindparam("old_key"), story_keys.c.ref == bindparam("old"))
)


def add(connection: Connection, article_id: str, sketch: Sketch) -> None:
    """Make an article known, or replace what was known of it."""
    remove(connection, article_id)
    insert(connection, article_id, sketch)


def insert(connection: Connection, article_id: str, sketch: Sketch) -> None:
    """Make an article known that is not."""
    story = {"article_id": article_id, "sketch": sketch.pack()}
    if connection.dialect.name == "sqlite":  # where a RETURNING makes the full-text index write: see search/sqlite.py
        ref = _NEW_STORY.run(connection, story).lastrowid
    else:
        ref = _NEW_REF.run(connection, story).scalar_one()
    _ADD_KEYS.run(connection, [{"key": key, "ref": ref} for key in sketch.keys])


def remove(connection: Connection, article_id: str) -> bool:
    """Forget an article; whether it was known."""
    row = _REF.run(connection, {"article": article_id}).one_or_none()
    if row is None:
        return False
    old = Sketch.unpack(row.sketch)
    keys = [{"old_key": key, "old": row.ref} for key in (old.keys if old else ())]
    if keys:  # of another version they are not known, and lead nowhere
        _DROP_KEY.run(connection, keys)
    _DROP_STORY.run(connection, {"old": row.ref})
    return True


def rename(connection: Connection, old_id: str, new_id: str) -> None:
    """The same article under another id."""
    connection.execute(update(stories).where(stories.c.article_id == old_id).values(article_id=new_id))


def candidates(connection: Connection, sketch: Sketch) -> list[tuple[str, bytes]]:
    """The known articles to check and their packed sketches, the likeliest first: at most CHECKED.

    The article itself is among them if known.
    """
    if not sketch.keys:
        return []
    padded = [*sketch.keys, *[None] * (KEYS - len(sketch.keys))]  # NULL equals nothing
    rows = _CANDIDATES.run(connection, {f"k{slot}": key for slot, key in enumerate(padded)})
    return [(row.article_id, row.sketch) for row in rows]


class Match(NamedTuple):
    """A known article of the same story."""

    article_id: str
    likeness: Likeness
    sketch: Sketch


def find(connection: Connection, sketch: Sketch, but: str | None = None) -> Match | None:
    """The known article of the same story that is most alike, with how alike; None where there is none.

    `but`: the id of the article itself, which is no copy of itself when it is fetched again.
    """
    packed = [(article, old) for article, old in candidates(connection, sketch) if article != but]
    ours = frozenset(sketch.shingles)
    near = _unpacked((article, old) for article, old in packed if may_be_alike(ours, old))
    matches = _matches(sketch, near)
    if any(match.likeness.same_story for match in matches):
        having = Counter(shingle for _, old in _unpacked(packed) for shingle in old.shingles)
        matches = _matches(sketch, near, {shingle for shingle, count in having.items() if count >= FORMULA})
    same = [match for match in matches if match.likeness.same_story]
    return max(same, key=lambda m: (m.likeness.similarity, m.likeness.containment), default=None)


def _unpacked(packed: Iterable[tuple[str, bytes]]) -> list[tuple[str, Sketch]]:
    return [(article, sketch) for article, old in packed if (sketch := Sketch.unpack(old)) is not None]


def _matches(sketch: Sketch, known: Sequence[tuple[str, Sketch]], formulas: Collection[int] = ()) -> list[Match]:
    return [Match(article, compare(sketch, old, formulas), old) for article, old in known]
