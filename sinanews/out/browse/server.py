"""Datasette over one catalogue, started and ended here."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from sinanews.exceptions import ArgumentError
from sinanews.out.archive import Archive
from sinanews.out.browse.views import METADATA, NAME, SETTINGS

HOST = "127.0.0.1"
_HERE = Path(__file__).parent


def application(archive: Archive, *, everything: bool = False) -> Any:
    """The ASGI application. Raises ArgumentError where Datasette is missing, or the catalogue is no SQLite file."""
    path = archive.catalogue.path
    if path is None:
        raise ArgumentError("browse opens SQLite files; of a PostgreSQL catalogue: scrapy export articles.parquet")
    try:
        from datasette.app import Datasette
        from datasette.plugins import pm

        from sinanews.out.browse.plugin import Plugin, Views
    except ImportError:
        raise ArgumentError("browse needs Datasette: pip install 'sinanews[browse]'") from None
    if (before := pm.get_plugin("sinanews")) is not None:
        pm.unregister(before)
    pm.register(Plugin(archive), "sinanews")
    folders = {"template_dir": str(_HERE / "templates"), "static_mounts": [("-/sinanews", str(_HERE / "static"))]}
    made = Datasette([], metadata=METADATA, settings=SETTINGS, **folders)
    made.add_database(Views(made, str(path.absolute()), everything), name=NAME)
    made.remove_database("_memory")
    return made.app()


def serve(archive: Archive, port: int, *, everything: bool = False) -> None:
    """Answer on 127.0.0.1 until a signal ends it. Raises ArgumentError, also where the port is taken."""
    app = application(archive, everything=everything)
    import uvicorn

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(64)  # who asks from now on waits
        except OSError as error:
            raise ArgumentError(f"port {port}: {error.strerror}; name another with --port") from None
        address = f"http://{HOST}:{listener.getsockname()[1]}/{NAME}/news"
        print(f"sinanews: {address} (times are Beijing's; Ctrl-C ends it)", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on")).run(sockets=[listener])
