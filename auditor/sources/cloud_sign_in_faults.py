"""What Microsoft Entra says when it refuses a sign-in, in one sentence each.

Codes: Microsoft's page "Microsoft Entra authentication and authorization error codes", which warns
that they may change; one that is not in the table is shown by its number. What the service wrote
around the code is never quoted.
"""

from __future__ import annotations

import re

from auditor.errors import AccessDenied, SourceError, SourceUnreachable

_NUMBER = re.compile(r"AADSTS(\d{4,8})\b")
_NO_TENANT = "Unable to get authority configuration"  # msal, for any answer but an OpenID document
_TENANT = (
    "there is no such tenant in this cloud",
    "check tenant_id, and whether cloud is the one the tenant lives in",
)
_APPLICATION = (
    "the application is not known in this tenant",
    "check client_id and tenant_id, and that the application is registered or consented there",
)
_MFA = (
    "multifactor authentication is wanted",
    "sign in by device_code, or as an application with a certificate",
)
_CONDITIONAL_ACCESS = (
    "a Conditional Access policy refuses it",
    "sign in from an allowed place and device, or have an exception made for this sign-in",
)
_CONSENT = (
    "nobody has consented to what the application asks for",
    "have an administrator consent to the permissions that `auditor permissions` names",
)
_AGAIN = ("the sign-in has expired or was revoked", "sign in again")
_CODE = (
    "nobody entered the code in time, or it was entered wrongly",
    "start again and enter the new code",
)
_RESOURCE = (
    "the service it is for is not set up in this tenant",
    "check that the tenant has a subscription to it",
)
_SAID: dict[str, tuple[str, str]] = {
    "7000215": (
        "the client secret is wrong",
        "give the value of the secret, not its ID, and check that it belongs to client_id",
    ),
    "7000222": ("the client secret has expired", "create another one, or use a certificate"),
    "700027": (
        "the certificate is not registered for the application, or its signature is not taken",
        "upload the public part of certificate_file to the application",
    ),
    "50012": (
        "the certificate is not registered for the application, or its signature is not taken",
        "upload the public part of certificate_file to the application",
    ),
    "700024": (
        "the clock of this machine is wrong, so its signature is out of date",
        "set the clock",
    ),
    "700016": _APPLICATION,
    "700011": _APPLICATION,
    "70001": ("the application is disabled", "have an administrator enable it"),
    "7000112": ("the application is disabled", "have an administrator enable it"),
    "7000218": (
        "the application does not allow public client flows, which device_code is",
        "allow them under Authentication of its registration, or use a certificate",
    ),
    "700025": (
        "the application is a public client, which takes neither secret nor certificate",
        "use device_code, or another application",
    ),
    "90002": _TENANT,
    "900023": _TENANT,
    "50059": _TENANT,
    "50076": _MFA,
    "50079": _MFA,
    "50072": _MFA,
    "50074": _MFA,
    "53000": _CONDITIONAL_ACCESS,
    "53001": _CONDITIONAL_ACCESS,
    "53002": _CONDITIONAL_ACCESS,
    "53003": _CONDITIONAL_ACCESS,
    "50131": _CONDITIONAL_ACCESS,
    "530035": ("the security defaults of the tenant refuse it", "use a certificate"),
    "65001": _CONSENT,
    "65004": _CONSENT,
    "650056": _CONSENT,
    "650057": _CONSENT,
    "50105": (
        "the account is not assigned to the application",
        "have an administrator assign it",
    ),
    "50020": ("the account belongs to another tenant", "use one of this tenant, or a guest"),
    "50034": ("there is no such account in this tenant", "check tenant_id and the account"),
    "50057": ("the account is disabled", "use another one"),
    "70008": _AGAIN,
    "70043": _AGAIN,
    "700082": _AGAIN,
    "50173": _AGAIN,
    "50078": _AGAIN,
    "70016": _CODE,
    "70018": _CODE,
    "70019": _CODE,
    "500011": _RESOURCE,
    "650052": _RESOURCE,
}
_LOCAL: dict[str, tuple[str, str]] = {
    "managed_identity": (
        "this machine has no managed identity that can be used",
        "run on a machine in Azure that has one, or choose another authentication",
    ),
    "azure_cli": (
        "the Azure CLI is not installed, not signed in, or does not answer",
        "run `az login --tenant` with the tenant, or choose another authentication",
    ),
}


def refused(place: str, authentication: str, message: str, kind: str = "") -> SourceError:
    """The error that a refused sign-in is; of `message` only an AADSTS number is ever shown.

    `kind` names the library's own error, for what is neither of these.
    """
    found = _NUMBER.search(message)
    number = found[1] if found else ""
    if not number and _NO_TENANT in message:
        said, step = _TENANT
    elif not number and "Timed out waiting for user" in message:
        said, step = _CODE
    elif not number and authentication in _LOCAL:
        said, step = _LOCAL[authentication]
    else:
        said, step = _SAID.get(
            number,
            (
                f"it is refused{f' ({kind})' if kind and not number else ''}",
                "look the sign-in up in the sign-in logs of the tenant",
            ),
        )
    fault = AccessDenied(f"{place}: {said}{f' (AADSTS{number})' if number else ''}; {step}.")
    fault.code = f"AADSTS{number}" if number else ""
    return fault


def unavailable(place: str, authentication: str, message: str) -> SourceError:
    """The error where no sign-in was tried, because something on this machine is missing."""
    if _NUMBER.search(message) or authentication not in _LOCAL:
        return refused(place, authentication, message)
    said, step = _LOCAL[authentication]
    return SourceUnreachable(f"{place}: {said}; {step}.")


def unreachable(place: str) -> SourceError:
    """The error where the sign-in service gave no answer."""
    return SourceUnreachable(
        f"{place} gets no answer from there; check network, firewall, HTTPS_PROXY, and where a "
        "proxy inspects TLS let REQUESTS_CA_BUNDLE name a file with its authority."
    )
