"""The connection of a remote shell: pypsrp's, with a session of requests that is held in bounds."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import OptionSet, SelectorSet, WSMan

from auditor.errors import InputRefused
from auditor.sources.remoting_transport import BoundedAdapter, trust
from auditor.sources.shell_settings import Secret, ShellSettings

_READ_AGAIN_AFTER = 0.1
_NOTHING_YET = 2150858793


class Connection(WSMan):
    """A connection that gives a server time: to build a shell, and while it has nothing to say.

    How much, the adapter of its session decides.
    """

    opening: int

    def create(
        self,
        resource_uri: str,
        resource: Element,
        option_set: OptionSet | None = None,
        selector_set: SelectorSet | None = None,
        timeout: int | None = None,
    ) -> Element:
        """Opens a shell; the first of the day takes Exchange longer than any other answer."""
        return super().create(
            resource_uri, resource, option_set, selector_set, timeout or self.opening
        )

    def receive(
        self,
        resource_uri: str,
        resource: Element,
        option_set: OptionSet | None = None,
        selector_set: SelectorSet | None = None,
        timeout: int | None = None,
    ) -> Element:
        """Waits for what a shell or a pipeline has to say.

        pypsrp does so for pipelines; of a shell that is being opened it takes "nothing yet" for a
        failure.
        """
        while True:
            try:
                return super().receive(resource_uri, resource, option_set, selector_set, timeout)
            except WSManFaultError as fault:
                if fault.code != _NOTHING_YET:
                    raise


def connection(settings: ShellSettings, secret: Secret) -> tuple[Connection, BoundedAdapter]:
    """A connection over which nothing has been sent, and what holds it in bounds.

    Raises InputRefused for a password that is missing, and for a file that cannot be used.
    """
    context = trust(settings)
    if settings.authentication == "basic" and not secret.reveal():
        raise InputRefused(f"{settings.host}: authentication: basic needs a password; give one.")
    by_certificate = settings.authentication == "certificate"
    wsman = Connection(
        settings.host,
        port=settings.usual_port,
        ssl=settings.tls,
        path=settings.path,
        auth=settings.authentication,
        username=settings.username,
        password=None if by_certificate else secret.reveal(),
        cert_validation=True,
        operation_timeout=settings.operation_timeout,
        connection_timeout=settings.connect_timeout,  # type: ignore[arg-type]  # handed on to requests
        read_timeout=settings.read_timeout,  # type: ignore[arg-type]  # handed on to requests
        reconnection_backoff=_READ_AGAIN_AFTER,
        no_proxy=not settings.environment_proxies,
        certificate_pem=settings.certificate_file and str(settings.certificate_file),
        certificate_key_pem=settings.certificate_key_file and str(settings.certificate_key_file),
        negotiate_service=settings.kerberos_service,
        negotiate_hostname_override=settings.kerberos_hostname,
    )
    wsman.opening = settings.opening
    adapter = BoundedAdapter(
        context,
        secret.reveal() if by_certificate else None,
        connect_timeout=settings.connect_timeout,
        encrypted=wsman.transport.wrap_required,
    )
    _hold(wsman, adapter, settings)
    return wsman, adapter


def _hold(wsman: WSMan, adapter: BoundedAdapter, settings: ShellSettings) -> None:
    # pypsrp builds its session when it sends for the first time; it uses one that is there already
    session = wsman.transport._build_session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.verify = str(settings.ca_file) if settings.ca_file else True
    if not settings.environment_proxies:
        session.trust_env = False
        session.proxies = {}
    wsman.transport.session = session
