"""The cloud regions of this project, each in its own address slot.

A slot never changes and is never given to another region: addresses in use depend on it. Slots 1-63 are Google's,
64-127 Amazon's, 128-191 Microsoft's; 192-255 are never used here and are free for the user's own regions.
Coordinates are those of the town or metropolis that the provider names, to about ten kilometres.
"""

from dataclasses import dataclass
from typing import Final

from stacks.geography.carbon import Carbon, carbon_of
from stacks.geography.places import Place

FIRST_FREE_SLOT: Final = 192
"""First slot for regions outside the catalogue; 255 is the last."""


@dataclass(frozen=True, kw_only=True)
class CloudRegion:
    """A region of a cloud provider."""

    name: str
    cloud: str
    slot: int
    """Number of its address ranges."""
    place: Place
    carbon: Carbon | None
    """None if unknown."""


def _place(city: str, country: str, latitude: float, longitude: float, time_zone: str, *languages: str) -> Place:
    return Place(
        city=city,
        country=country,
        latitude=latitude,
        longitude=longitude,
        time_zone=time_zone,
        languages=languages,
    )


_ASHBURN = _place("Ashburn", "US", 39.04, -77.49, "America/New_York", "en", "es")
_BOARDMAN = _place("Boardman", "US", 45.84, -119.70, "America/Los_Angeles", "en", "es")
_BOYDTON = _place("Boydton", "US", 36.67, -78.39, "America/New_York", "en", "es")
_CAMPINAS = _place("Campinas", "BR", -22.91, -47.06, "America/Sao_Paulo", "pt-BR")
_CAPE_TOWN = _place("Cape Town", "ZA", -33.92, 18.42, "Africa/Johannesburg", "en", "af", "xh")
_CHANGHUA = _place("Changhua", "TW", 24.08, 120.54, "Asia/Taipei", "zh-Hant")
_COLUMBUS = _place("Columbus", "US", 39.96, -83.00, "America/New_York", "en", "es")
_COUNCIL_BLUFFS = _place("Council Bluffs", "US", 41.26, -95.86, "America/Chicago", "en", "es")
_DES_MOINES = _place("Des Moines", "US", 41.59, -93.62, "America/Chicago", "en", "es")
_DUBAI = _place("Dubai", "AE", 25.20, 55.27, "Asia/Dubai", "ar", "en")
_DUBLIN = _place("Dublin", "IE", 53.35, -6.26, "Europe/Dublin", "en", "ga")
_FRANKFURT = _place("Frankfurt", "DE", 50.11, 8.68, "Europe/Berlin", "de")
_GAVLE = _place("Gävle", "SE", 60.67, 17.14, "Europe/Stockholm", "sv")
_HAMINA = _place("Hamina", "FI", 60.57, 27.20, "Europe/Helsinki", "fi", "sv")
_JOHANNESBURG = _place("Johannesburg", "ZA", -26.20, 28.05, "Africa/Johannesburg", "en", "zu", "af")
_LONDON = _place("London", "GB", 51.51, -0.13, "Europe/London", "en")
_MIDDENMEER = _place("Middenmeer", "NL", 52.81, 5.00, "Europe/Amsterdam", "nl")
_MONCKS_CORNER = _place("Moncks Corner", "US", 33.20, -80.01, "America/New_York", "en", "es")
_MONTREAL = _place("Montréal", "CA", 45.50, -73.57, "America/Toronto", "fr-CA", "en-CA")
_MUMBAI = _place("Mumbai", "IN", 19.08, 72.88, "Asia/Kolkata", "hi", "mr", "en-IN")
_PARIS = _place("Paris", "FR", 48.86, 2.35, "Europe/Paris", "fr")
_PUNE = _place("Pune", "IN", 18.52, 73.86, "Asia/Kolkata", "hi", "mr", "en-IN")
_QUINCY = _place("Quincy", "US", 47.23, -119.85, "America/Los_Angeles", "en", "es")
_SAINT_GHISLAIN = _place("Saint-Ghislain", "BE", 50.45, 3.82, "Europe/Brussels", "nl", "fr", "de")
_SAO_PAULO = _place("São Paulo", "BR", -23.55, -46.63, "America/Sao_Paulo", "pt-BR")
_SINGAPORE = _place("Singapore", "SG", 1.35, 103.82, "Asia/Singapore", "en", "zh-Hans", "ms", "ta")
_STOCKHOLM = _place("Stockholm", "SE", 59.33, 18.07, "Europe/Stockholm", "sv")
_SYDNEY = _place("Sydney", "AU", -33.87, 151.21, "Australia/Sydney", "en-AU")
_TEL_AVIV = _place("Tel Aviv", "IL", 32.07, 34.78, "Asia/Jerusalem", "he", "ar")
_THE_DALLES = _place("The Dalles", "US", 45.59, -121.18, "America/Los_Angeles", "en", "es")
_TOKYO = _place("Tokyo", "JP", 35.69, 139.69, "Asia/Tokyo", "ja")
_TORONTO = _place("Toronto", "CA", 43.65, -79.38, "America/Toronto", "en-CA", "fr-CA")


def _region(cloud: str, slot: int, name: str, place: Place, grid: str | None) -> CloudRegion:
    return CloudRegion(cloud=cloud, slot=slot, name=name, place=place, carbon=carbon_of(grid) if grid else None)


CATALOGUE: Final = (
    _region("gcp", 1, "us-central1", _COUNCIL_BLUFFS, "US-MIDW-MISO"),
    _region("gcp", 2, "europe-west1", _SAINT_GHISLAIN, "BE"),
    _region("gcp", 3, "asia-east1", _CHANGHUA, "TW"),
    _region("gcp", 4, "us-east1", _MONCKS_CORNER, "US-CAR-SC"),
    _region("gcp", 5, "us-west1", _THE_DALLES, "US-NW-BPAT"),
    _region("gcp", 6, "northamerica-northeast1", _MONTREAL, "CA-QC"),
    _region("gcp", 7, "southamerica-east1", _SAO_PAULO, "BR-CS"),
    _region("gcp", 8, "europe-west2", _LONDON, "GB"),
    _region("gcp", 9, "europe-west3", _FRANKFURT, "DE"),
    _region("gcp", 10, "europe-north1", _HAMINA, "FI"),
    _region("gcp", 11, "asia-northeast1", _TOKYO, "JP-TK"),
    _region("gcp", 12, "asia-southeast1", _SINGAPORE, "SG"),
    _region("gcp", 13, "asia-south1", _MUMBAI, "IN-WE"),
    _region("gcp", 14, "australia-southeast1", _SYDNEY, "AU-NSW"),
    _region("gcp", 15, "me-west1", _TEL_AVIV, "IL"),
    _region("gcp", 16, "africa-south1", _JOHANNESBURG, "ZA"),
    _region("aws", 64, "us-east-1", _ASHBURN, "US-MIDA-PJM"),
    _region("aws", 65, "us-east-2", _COLUMBUS, "US-MIDA-PJM"),
    _region("aws", 66, "us-west-2", _BOARDMAN, "US-NW-BPAT"),
    _region("aws", 67, "ca-central-1", _MONTREAL, "CA-QC"),
    _region("aws", 68, "sa-east-1", _SAO_PAULO, "BR-CS"),
    _region("aws", 69, "eu-west-1", _DUBLIN, "IE"),
    _region("aws", 70, "eu-central-1", _FRANKFURT, "DE"),
    _region("aws", 71, "eu-west-3", _PARIS, "FR"),
    _region("aws", 72, "eu-north-1", _STOCKHOLM, "SE"),
    _region("aws", 73, "ap-southeast-1", _SINGAPORE, "SG"),
    _region("aws", 74, "ap-northeast-1", _TOKYO, "JP-TK"),
    _region("aws", 75, "ap-south-1", _MUMBAI, "IN-WE"),
    _region("aws", 76, "ap-southeast-2", _SYDNEY, "AU-NSW"),
    _region("aws", 77, "me-central-1", _DUBAI, "AE"),
    _region("aws", 78, "af-south-1", _CAPE_TOWN, "ZA"),
    _region("azure", 128, "eastus", _BOYDTON, "US-MIDA-PJM"),
    _region("azure", 129, "centralus", _DES_MOINES, "US-MIDW-MISO"),
    _region("azure", 130, "westus2", _QUINCY, None),
    _region("azure", 131, "canadacentral", _TORONTO, "CA-ON"),
    _region("azure", 132, "brazilsouth", _CAMPINAS, "BR-CS"),
    _region("azure", 133, "northeurope", _DUBLIN, "IE"),
    _region("azure", 134, "westeurope", _MIDDENMEER, "NL"),
    _region("azure", 135, "uksouth", _LONDON, "GB"),
    _region("azure", 136, "germanywestcentral", _FRANKFURT, "DE"),
    _region("azure", 137, "swedencentral", _GAVLE, "SE"),
    _region("azure", 138, "southeastasia", _SINGAPORE, "SG"),
    _region("azure", 139, "japaneast", _TOKYO, "JP-TK"),
    _region("azure", 140, "centralindia", _PUNE, "IN-WE"),
    _region("azure", 141, "australiaeast", _SYDNEY, "AU-NSW"),
    _region("azure", 142, "uaenorth", _DUBAI, "AE"),
    _region("azure", 143, "southafricanorth", _JOHANNESBURG, "ZA"),
)
"""Every region of the catalogue. Look one up with `stacks.geography.lookup`."""
