"""The web process: uvicorn over the application and the pages."""

import socket

import uvicorn

from appliance.app import create_app
from appliance.engines import Engines, read_triage
from appliance.logs import set_up_logs
from appliance.notify import NotifyingServer, notifier
from appliance.settings import Settings, told_by_systemd
from appliance.start import hold, open_database
from appliance.storage import Storage
from appliance.tunnel import TunnelFilter
from webadmin.routes import routes


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    set_up_logs("web")
    # Held before anything is opened: a restore would swap the folder under the database.
    with hold(settings):
        database = open_database(settings)
        app = create_app(settings, database, Storage(settings.files_dir), Engines(settings), routes(settings, database))
        config = uvicorn.Config(
            TunnelFilter(app, settings.tunnel.port),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )

        async def works() -> None:
            """The loop turns, a thread is free, and the database can be read."""
            await database.aread(lambda db: db.execute("SELECT 1").fetchone())

        read_triage()
        NotifyingServer(config, works, notifier(told_by_systemd())).run(sockets=_listen(settings))


def _listen(settings: Settings) -> list[socket.socket]:
    """The port for the hospital's own network, and the tunnel's when there is one."""
    places = [(settings.host, settings.port)]
    if settings.tunnel.port:
        places.append((settings.tunnel.host, settings.tunnel.port))
    return [socket.create_server(place, family=_family(place[0]), backlog=2048) for place in places]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def port_is_free(host: str, port: int) -> bool:
    """Can a server listen there now?"""
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
