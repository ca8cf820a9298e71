"""Collector of the devices that Intune manages."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.graph_contract import GLOBAL_READER, GraphCollector, GraphRequest, Outcome
from auditor.collectors.graph_reading import selected, text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.evidence.entra_user import EntraManagedDevice
from auditor.sources.graph import GraphObject, GraphPage


class GraphManagedDevice(GraphObject):
    """One of managedDevices; enumerations are kept as they were written."""

    id: str
    user_id: str | None = None
    user_principal_name: str | None = None
    email_address: str | None = None
    eas_activated: bool | None = None
    eas_device_id: str | None = None
    exchange_access_state: str | None = None
    exchange_access_state_reason: str | None = None
    compliance_state: str | None = None
    management_agent: str | None = None
    operating_system: str | None = None
    os_version: str | None = None
    model: str | None = None
    manufacturer: str | None = None


_DEVICES = GraphRequest(
    "/deviceManagement/managedDevices",
    {"$select": selected(GraphManagedDevice), "$top": "999"},
)


def _devices(tenant: GraphTenant) -> Iterator[GraphManagedDevice]:
    return tenant.items(_DEVICES.path, GraphPage[GraphManagedDevice], _DEVICES.parameters)


def _device(_: GraphTenant, found: GraphManagedDevice) -> Iterator[Outcome]:
    said = found.model_fields_set
    user = text(found.user_id, "user_id" in said)
    eas_device = text(found.eas_device_id, "eas_device_id" in said)
    yield EntraManagedDevice(
        id=found.id,
        user_id=None if user is None else user.lower(),
        user_principal_name=text(found.user_principal_name, "user_principal_name" in said),
        email_address=text(found.email_address, "email_address" in said),
        eas_activated=found.eas_activated,
        eas_device_id=eas_device,
        eas_device_id_key=None if eas_device is None else eas_device.lower(),
        exchange_access_state=text(found.exchange_access_state, "exchange_access_state" in said),
        exchange_access_state_reason=text(
            found.exchange_access_state_reason, "exchange_access_state_reason" in said
        ),
        compliance_state=text(found.compliance_state, "compliance_state" in said),
        management_agent=text(found.management_agent, "management_agent" in said),
        operating_system=text(found.operating_system, "operating_system" in said),
        os_version=text(found.os_version, "os_version" in said),
        model=text(found.model, "model" in said),
        manufacturer=text(found.manufacturer, "manufacturer" in said),
    )


MANAGED_DEVICES = GraphCollector(
    name="managed devices",
    requests=(_DEVICES,),
    tables=(EntraManagedDevice,),
    permissions=("DeviceManagementManagedDevices.Read.All",),
    directory_role=GLOBAL_READER,
    lost="which phones are managed, and whose mail profile an administrator can replace",
    read=_devices,
    rows=_device,
    place=lambda found: f"managed device {found.id}",
    licence="Microsoft Intune",
)
