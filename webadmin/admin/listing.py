"""What the lists of everyone's studies and consultations show alike."""

from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from appliance.consultations.everyones import ConsultationLines
from appliance.listing import KEPT_DAYS
from appliance.studies.everyones import StudyLines
from webadmin.admin.overview import AdminView


@dataclass(frozen=True, kw_only=True)
class ListView(AdminView):
    """A page of a list; `noun` is what its rows are called, `wanted` the filter that it was asked for."""

    noun: str
    page: StudyLines | ConsultationLines
    wanted: msgspec.Struct
    first: bool
    kept_days: int = KEPT_DAYS

    @property
    def address(self) -> str:
        return f"/admin/{self.part}"

    @property
    def query(self) -> str:
        """The filter as an address has it."""
        return query_of(self.wanted)

    @property
    def total(self) -> str:
        """How many there are, as far as they are counted."""
        return f"{self.page.counted} 条以上" if self.page.total > self.page.counted else f"{self.page.total} 条"


def query_of(wanted: msgspec.Struct) -> str:
    """A filter as an address has it, without what asks for nothing."""
    asked = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value}
    return urlencode({name: "true" if value is True else value for name, value in asked.items()})
