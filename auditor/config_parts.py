"""What every part of the configuration shares: its strictness, and where secrets come from."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from auditor.errors import InputRefused

Ask = Callable[[str], str]
"""Asks the person at the terminal for a secret without showing it; takes the question."""

Show = Callable[[str], None]
"""Shows one sentence to the person at the terminal, such as where to enter a device code."""


@dataclass(frozen=True)
class Person:
    """Whoever sits at the terminal: can be asked for a secret, and told what to do."""

    ask: Ask
    show: Show


KEYRING_SERVICE = "hybrid-onboarding-auditor"


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) else value


FilePath = Annotated[Path, BeforeValidator(_path)]


class Part(BaseModel):
    """Part of the configuration; unknown keys are refused with the closest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def from_environment(variable: str) -> str:
    """The secret in an environment variable; raises InputRefused, which names it, without one."""
    value = os.environ.get(variable)
    if not value:
        raise InputRefused(
            f"the environment variable {variable} is not set; set it, or change where the secret"
            " comes from"
        )
    return value


def from_keyring(service: str, username: str) -> str:
    """The secret of an account in the key ring of the system; raises InputRefused without one."""
    # A package of its own, wanted by few, and slow to load.
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise InputRefused(
            "the key ring needs the package keyring; install it with pip install keyring, or"
            " change where the secret comes from"
        ) from None
    try:
        value: object = keyring.get_password(service, username)
    except keyring.errors.KeyringError as problem:
        raise InputRefused(
            f"the key ring of the system does not open ({type(problem).__name__}); unlock it, or"
            " change where the secret comes from"
        ) from None
    if not isinstance(value, str) or not value:
        raise InputRefused(
            f"the key ring holds no password of {username!r} for {service!r}; store it with"
            f" keyring set {service} {username}"
        )
    return value
