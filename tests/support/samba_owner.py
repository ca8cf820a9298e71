"""What only the owner of a Samba domain may do; run by the Python of the samba packages.

    /usr/bin/python3 samba_owner.py CONFIGURATION grant DN ACE
    /usr/bin/python3 samba_owner.py CONFIGURATION change < LDIF
    /usr/bin/python3 samba_owner.py CONFIGURATION sid ACCOUNT

ACE is a line of an access list in SDDL; `sid` prints the SID of an account. What AdminSDHolder is
granted the accounts under it are granted, too: Active Directory does so within the hour ([MS-ADTS]
3.1.1.6.1), Samba has no such task.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def opened(configuration: str) -> Any:
    """The database of the domain whose smb.conf this is."""
    parameters = importlib.import_module("samba.param").LoadParm()
    parameters.load(configuration)
    return importlib.import_module("samba.samdb").SamDB(
        url=parameters.private_path("sam.ldb"),
        session_info=importlib.import_module("samba.auth").system_session(),
        lp=parameters,
    )


def main(configuration: str, verb: str, *words: str) -> None:
    database = opened(configuration)
    if verb == "grant":
        target, line = words
        descriptors = importlib.import_module("samba.sd_utils").SDUtils(database)
        descriptors.dacl_add_ace(target, line)
        guarded = target.startswith("CN=AdminSDHolder,")
        for found in database.search(expression="(adminCount=1)", attrs=["cn"]) if guarded else ():
            descriptors.dacl_add_ace(str(found.dn), line)
    elif verb == "change":
        database.modify_ldif(sys.stdin.read())
    elif verb == "sid":
        ndr = importlib.import_module("samba.ndr")
        security = importlib.import_module("samba.dcerpc.security")
        (found,) = database.search(expression=f"(sAMAccountName={words[0]})", attrs=["objectSid"])
        sys.stdout.write(str(ndr.ndr_unpack(security.dom_sid, found["objectSid"][0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
