"""Whether bytes are a picture that may lie beside posts, and where. Pure."""

from __future__ import annotations

import hashlib
import warnings
from importlib.util import find_spec
from io import BytesIO

from sinanews.exceptions import ArgumentError, BadPicture

FOLDER = "images"
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000  #: of one frame; more is a bomb
#: Pillow's name of a format → the ending of its files
ENDINGS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp", "BMP": "bmp"}


def check_installed() -> None:
    """Raises ArgumentError where Pillow is missing."""
    if find_spec("PIL") is None:
        raise ArgumentError("SINANEWS_IMAGES needs a library that is not installed: pip install 'sinanews[images]'")


def picture_path(data: bytes) -> str:
    """Where a picture lies below the exports folder: equal bytes lie in one place.

    Raises BadPicture, whose text is a reason, for what is none, is cut or is too large to be shown.
    """
    if len(data) > MOST_BYTES:
        raise BadPicture("too_large")
    digest = hashlib.sha256(data).hexdigest()
    return f"{FOLDER}/{digest[:2]}/{digest}.{_ending(data)}"


def _ending(data: bytes) -> str:
    from PIL import Image  # an extra

    try:
        with warnings.catch_warnings(), Image.open(BytesIO(data), formats=list(ENDINGS)) as picture:
            warnings.simplefilter("ignore")  # what Pillow warns of at half its limit we bound ourselves
            if picture.width * picture.height > MOST_PIXELS:
                raise BadPicture("too_large")
            picture.load()  # to its end: a cut one raises
            return ENDINGS[str(picture.format)]
    except BadPicture:
        raise
    except Exception as error:  # Pillow raises whatever its decoders raise
        raise BadPicture("no_picture") from error
