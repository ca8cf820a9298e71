"""The configuration: where the sources are, how to sign in, and what the customer intends.

It never holds a secret: it says where one comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from auditor.config_cloud import CloudTenant, cloud_sign_in
from auditor.config_parts import (
    KEYRING_SERVICE,
    Ask,
    FilePath,
    Part,
    from_environment,
    from_keyring,
)
from auditor.errors import InputRefused
from auditor.sources.directory_connection import DirectorySettings
from auditor.sources.shell_settings import ShellSettings, windows_settings
from auditor.yaml_file import problems_of, read_yaml

SECRETS = ("password", "secret", "client_secret", "pin", "passphrase")
PasswordFrom = Literal["ticket", "prompt", "environment", "keyring"]
SIGN_IN_WITH_A_PASSWORD = frozenset({"basic", "ntlm", "negotiate", "simple"})


def _paths(value: object) -> object:
    return tuple(Path(item) for item in value) if isinstance(value, list) else value


Tables = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]


class SignIn(Part):
    """How an account proves itself. `password_from` says where its password comes from.

    `ticket` is the Kerberos ticket of whoever runs the program; `environment` the variable
    `password_variable`; `keyring` the system's key ring, under the service `keyring_service`.
    """

    authentication: Literal["kerberos", "negotiate", "ntlm", "certificate", "basic"] = "kerberos"
    username: str | None = None
    password_from: PasswordFrom = "ticket"
    password_variable: str = "AUDITOR_PASSWORD"
    keyring_service: str = KEYRING_SERVICE
    certificate_file: FilePath | None = None
    certificate_key_file: FilePath | None = None


class Exchange(SignIn):
    """An Exchange server that answers PowerShell remoting, and how patient to be with it.

    Times are seconds: `silence` without a new object, `deadline` for one command, `patience` for a
    server that is too busy. `per_mailbox` says for which mailboxes the slow commands are asked that
    take one mailbox at a time, `parallel` by how many shells at once.
    """

    server: str = Field(min_length=1)
    tls: bool = False
    port: int | None = Field(default=None, ge=1, le=65_535)
    ca_file: FilePath | None = None
    path: str = "PowerShell"
    kerberos_service: Literal["host", "HTTP"] = "host"
    kerberos_hostname: str | None = None
    environment_proxies: bool = False
    silence: float = Field(default=300, gt=0)
    deadline: float = Field(default=7_200, gt=0)
    patience: float = Field(default=120, ge=0)
    per_mailbox: Literal["planned", "all", "none"] = "planned"
    parallel: int = Field(default=3, ge=1, le=10)


class Builds(Part):
    """The ordinary Windows Remote Management of every Exchange server, for the file version.

    It uses the account of `exchange`. `read: false` leaves the builds unread: the rules that need
    them are then not assessed.
    """

    read: bool = True
    tls: bool = False
    port: int | None = Field(default=None, ge=1, le=65_535)


class ActiveDirectory(Part):
    """A domain controller to read recipients, devices and settings from, in minutes.

    `encryption` none is for Kerberos alone: what is read can then be seen and forged on the way.
    `domain_controllers` names the server of a domain by its DNS name where the one that the
    directory itself names cannot be reached.
    """

    host: str = Field(min_length=1)
    port: int | None = Field(default=None, ge=1, le=65_535)
    encryption: Literal["ldaps", "starttls", "none"] = "ldaps"
    ca_file: FilePath | None = None
    authentication: Literal["simple", "kerberos"] = "kerberos"
    username: str | None = None
    password_from: PasswordFrom = "ticket"
    password_variable: str = "AUDITOR_DIRECTORY_PASSWORD"
    keyring_service: str = KEYRING_SERVICE
    domain_controllers: dict[str, str] = Field(default_factory=dict)


class Configuration(Part):
    """A whole configuration file.

    A table of the side on-premises comes from the directory if it can provide it whole, else from
    Exchange; `providers` names the source of single tables instead.
    """

    organization: str = ""
    exchange: Exchange | None = None
    directory: ActiveDirectory | None = None
    cloud: CloudTenant | None = None
    providers: dict[str, Literal["exchange", "directory"]] = Field(default_factory=dict)
    builds: Builds = Builds()
    plan: Annotated[tuple[Path, ...], BeforeValidator(_paths)] = ()
    only: Tables = ()


def read_configuration(path: Path) -> Configuration:
    """The configuration in a YAML file; raises InputRefused with one sentence per fault."""
    content = read_yaml(path)
    parts: dict[str, type[BaseModel]] = {
        "exchange": Exchange,
        "directory": ActiveDirectory,
        "cloud": CloudTenant,
        "builds": Builds,
    }
    _refuse_secrets(path, content)
    try:
        configuration = Configuration.model_validate(content)
    except ValidationError as problem:
        faults = problems_of(problem, path.name, Configuration, parts)
        raise InputRefused("\n".join(faults)) from None
    if not (configuration.exchange or configuration.directory or configuration.cloud):
        raise InputRefused(
            f"{path.name}: names no source; give exchange, directory, cloud, or several of them"
        )
    if configuration.cloud is not None:
        cloud_sign_in(configuration.cloud)
    return configuration


def _refuse_secrets(path: Path, content: object) -> None:
    """A secret in the file is refused before anything else could print it."""
    if isinstance(content, dict):
        for key, value in content.items():
            if str(key).lower() in SECRETS:
                raise InputRefused(
                    f"{path.name}: {key} does not belong into a file; take it out, change it, and"
                    " let password_from or secret_from be prompt, environment or keyring"
                )
            _refuse_secrets(path, value)


def shell_settings(exchange: Exchange) -> ShellSettings:
    """The Exchange endpoint; raises InputRefused for a combination that cannot work."""
    return ShellSettings(
        host=exchange.server,
        port=exchange.port,
        tls=exchange.tls,
        authentication=exchange.authentication,
        username=exchange.username,
        certificate_file=exchange.certificate_file,
        certificate_key_file=exchange.certificate_key_file,
        ca_file=exchange.ca_file,
        path=exchange.path,
        kerberos_service=exchange.kerberos_service,
        kerberos_hostname=exchange.kerberos_hostname,
        environment_proxies=exchange.environment_proxies,
        silence=exchange.silence,
        deadline=exchange.deadline,
        patience=exchange.patience,
    )


def build_settings(exchange: Exchange, builds: Builds, server: str) -> ShellSettings:
    """The Windows endpoint of one server, with the account of `exchange`."""
    own = windows_settings(shell_settings(exchange), server, builds.port)
    return replace(own, tls=builds.tls)


def directory_settings(directory: ActiveDirectory, ask: Ask) -> DirectorySettings:
    """How to reach the directory; asks for the password, if there is one, at once."""
    password = password_of(directory, ask)
    return DirectorySettings(
        host=directory.host,
        port=directory.port,
        encryption=directory.encryption,
        ca_file=directory.ca_file,
        authentication=directory.authentication,
        user=directory.username or "",
        password=password() if password else "",
        domain_controllers=directory.domain_controllers,
    )


def password_of(sign_in: SignIn | ActiveDirectory, ask: Ask) -> Callable[[], str] | None:
    """Where the password comes from, to be called when it is needed; None for a ticket.

    Raises InputRefused at once where the source cannot give one.
    """
    match sign_in.password_from:
        case "ticket":
            if sign_in.authentication in SIGN_IN_WITH_A_PASSWORD and sign_in.username:
                raise InputRefused(
                    f"authentication {sign_in.authentication} for {sign_in.username} needs a"
                    " password; set password_from to prompt, environment or keyring"
                )
            return None
        case "prompt":
            return lambda: ask(f"Password of {sign_in.username or 'the account'}: ")
        case "environment":
            return lambda: from_environment(sign_in.password_variable)
        case "keyring":
            return lambda: from_keyring(sign_in.keyring_service, sign_in.username or "")
