"""Names in the directory: distinguished names ([RFC 4514]) and canonical names."""

from __future__ import annotations

_DOMAIN = "contoso.com"
BASE = "DC=contoso,DC=com"
_ESCAPES = str.maketrans({letter: f"\\{letter}" for letter in ',\\#+<>;"='})

CONFIGURATION = f"CN=Configuration,{BASE}"
EXCHANGE = f"CN=Contoso,CN=Microsoft Exchange,CN=Services,{CONFIGURATION}"
SERVERS = (
    "CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),"
    f"CN=Administrative Groups,{EXCHANGE}"
)
DATABASES = f"CN=Databases,{SERVERS.partition(',')[2]}"
SCHEMA = f"CN=Schema,{CONFIGURATION}"
DEVICES_CONTAINER = "ExchangeActiveSyncDevices"
DOMAIN_CONTROLLER = f"DC01.{_DOMAIN}"


def escaped(name: str) -> str:
    """A common name as a distinguished name holds it: `Lee, Ann` becomes `Lee\\, Ann`."""
    return name.translate(_ESCAPES)


def recipient(common_name: str, unit: str) -> str:
    """Distinguished name of a mailbox in the organizational unit of its site, '' for Users."""
    place = f"OU={unit},OU=Contoso,{BASE}" if unit else f"CN=Users,{BASE}"
    return f"CN={escaped(common_name)},{place}"


def recipient_canonical(common_name: str, unit: str) -> str:
    """The same as `contoso.com/Contoso/Zurich/Lee, Ann`, as Exchange prints identities."""
    place = f"Contoso/{unit}" if unit else "Users"
    return f"{_DOMAIN}/{place}/{common_name}"


def site_canonical(name: str) -> str:
    """Canonical name of an AD site, which Get-ExchangeServer shows."""
    return f"{_DOMAIN}/Configuration/Sites/{name}"
