"""Phantoms of our own drawing, for whoever wants to try the box without a patient's picture."""

import io
from functools import cache

from PIL import Image

from appliance.auth.services import Account
from appliance.database import Database
from appliance.settings import LimitSettings
from appliance.storage import Storage
from appliance.studies import services
from appliance.studies.orders import Order
from appliance.studies.services import SAMPLE, Upload
from model.phantom import phantom
from model.tasks import TASKS


def submit(
    database: Database, storage: Storage, limits: LimitSettings, account: Account, organ: str, address: str
) -> str:
    """Queue the organ's phantom; returns the study's id. Raises what `services.submit` raises."""
    services.check_organ(organ)
    upload = Upload(f"演示样例-{TASKS[organ].name_zh}.png", io.BytesIO(_encoded(organ)))
    return services.submit(database, storage, limits, account, Order(organ), [upload], address, SAMPLE)


@cache
def _encoded(organ: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(phantom(organ)).save(buffer, "PNG")
    return buffer.getvalue()
