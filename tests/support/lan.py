"""A PC in the box's LAN: it trusts the box's own authority and nobody else."""

import ssl
import time

import httpx

from support.box import PASSWORD
from support.images import encoded, phantom


class Lan:
    """Clients of the box at `address`, over TLS that is verified."""

    def __init__(self, address: str):
        self.address = address

    def trust(self) -> ssl.SSLContext:
        """What installing the root certificate does on a PC."""
        root = httpx.get(f"http://{self.address}/ca.crt", timeout=10)
        assert root.status_code == 200
        return ssl.create_default_context(cadata=root.text)

    def client(self) -> httpx.Client:
        """Without an account."""
        return httpx.Client(base_url=f"https://{self.address}", verify=self.trust(), timeout=60)

    def admin(self) -> httpx.Client:
        """Logged in."""
        with self.client() as client:
            answer = client.post("/api/v1/sessions", json={"username": "admin", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        logged_in = self.client()
        logged_in.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return logged_in

    def wait_until_ready(self, within_s: float = 240) -> float:
        """Seconds until the box says that it can segment."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            try:
                with self.client() as client:
                    if client.get("/readyz").status_code == 200:
                        return time.monotonic() - began
            except (httpx.HTTPError, OSError):
                pass
            time.sleep(0.2)
        raise AssertionError(f"not ready within {within_s} s")


def segmented(client: httpx.Client, within_s: int = 60) -> dict:
    """A drawn fundus, uploaded and segmented; the study that came of it."""
    answer = client.post(
        f"/api/v1/studies?wait={within_s}",
        data={"organ": "retina"},
        files=[("file", ("a.png", encoded(phantom())))],
        timeout=within_s + 30,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()
