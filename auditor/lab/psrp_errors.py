"""What commands of the lab say beside their objects: errors and warnings, as PowerShell has them.

Identifiers and categories were measured on a real engine; the texts are English, as they are on a
server installed in English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

_ERROR_HRESULT = -2146233087


class CommandFailed(Exception):
    """An error record of a command: text, identifier, category, and the class of exception."""

    def __init__(
        self,
        text: str,
        identifier: str,
        category: ErrorCategory = ErrorCategory.NotSpecified,
        reason: str = "ManagementObjectNotFoundException",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.identifier = identifier
        self.category = category
        self.reason = reason


Parameters = Mapping[str, object]
Run = Callable[[str, Parameters], Iterator[str]]
"""A command by name and parameters: the CLIXML of its objects; raises CommandFailed.

Before the first object or between two it may also be told to warn: see `Warned`.
"""


class Warned(str):
    """A warning, among the objects of a command."""

    __slots__ = ()


def unknown_cmdlet(name: str) -> CommandFailed:
    """What PowerShell says of a command that does not exist."""
    return CommandFailed(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or "
        "operable program. Check the spelling of the name, or if a path was included, verify that "
        "the path is correct and try again.",
        "CommandNotFoundException",
        ErrorCategory.ObjectNotFound,
        "CommandNotFoundException",
    )


def unknown_parameter(cmdlet: str, name: str) -> CommandFailed:
    """What PowerShell says of a parameter that a command does not have."""
    return CommandFailed(
        f"A parameter cannot be found that matches parameter name '{name}'.",
        f"NamedParameterNotFound,{cmdlet}",
        ErrorCategory.InvalidArgument,
        "ParameterBindingException",
    )


SCRIPTS_REFUSED = CommandFailed(
    "The syntax is not supported by this runspace. This can occur if the runspace is in "
    "no-language mode.",
    "ScriptsNotAllowed",
    ErrorCategory.ParserError,
    "ParseException",
)
DENIED = CommandFailed(
    "Access to the configuration data is denied.",
    "[Server=LAB,RequestId=1] 4F1C3",
    ErrorCategory.PermissionDenied,
    "UnauthorizedAccessException",
)
BROKEN = CommandFailed(
    "The operation couldn't be performed because object 'x' couldn't be found on 'dc01'.",
    "[Server=LAB,RequestId=1] E4F1C3",
)
RESULT_LIMIT = (
    "By default, only the first 1000 items are returned. Use the ResultSize parameter to specify "
    'the number of items returned. To return all items, specify "-ResultSize Unlimited".'
)


def exception_of(failure: CommandFailed) -> NETException:
    """The exception in an error record."""
    exception = NETException(Message=failure.text, HResult=_ERROR_HRESULT)
    exception.PSObject.type_names = [
        f"System.Management.Automation.{failure.reason}",
        "System.Exception",
        "System.Object",
    ]
    return exception


def category_of(failure: CommandFailed) -> ErrorCategoryInfo:
    """The category in an error record."""
    return ErrorCategoryInfo(Category=failure.category, Reason=failure.reason)


def record_of(failure: CommandFailed) -> ErrorRecord:
    """The error record that ends a pipeline."""
    return ErrorRecord(
        Exception=exception_of(failure),
        CategoryInfo=category_of(failure),
        FullyQualifiedErrorId=failure.identifier,
    )
