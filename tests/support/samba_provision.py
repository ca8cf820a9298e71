"""Makes a Samba domain controller; run by the Python that the samba packages belong to.

    LAB_PASSWORD=... /usr/bin/python3 samba_provision.py FOLDER ADDRESS ACCOUNT LDIF...

The LDIF files are schema or content, loaded in turn; after each the schema is taken up anew. A
user ACCOUNT with the same password is made at the end. Nothing of this needs the file system of a
real server, so it works in a namespace of one's own, too.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

REALM, DOMAIN, HOST = "CONTOSO.COM", "CONTOSO", "dc01"
BASE = "DC=contoso,DC=com"
UPDATE_SCHEMA = "dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n\n"
CONFIGURATION = """\
[global]
 netbios name = {host}
 realm = {realm}
 workgroup = {domain}
 server role = active directory domain controller
 server services = ldap, kdc, cldap
 interfaces = {address}/8
 bind interfaces only = yes
 ldap server require strong auth = allow_sasl_over_tls
 private dir = {folder}/private
 binddns dir = {folder}/bind-dns
 cache directory = {folder}/cache
 lock directory = {folder}
 state directory = {folder}/state
 pid directory = {folder}
 ncalrpc dir = {folder}/ncalrpc
 log file = {folder}/log.%m
 usershare max shares = 0
 vfs objects = dfs_samba4
[sysvol]
 path = {folder}/state/sysvol
[netlogon]
 path = {folder}/state/sysvol/contoso.com/scripts
"""


def samba(name: str) -> Any:
    """A module of the samba packages, which no virtual environment has."""
    return importlib.import_module(name)


def provision(folder: Path, address: str, password: str) -> Any:
    """An empty domain below `folder`; gives the loaded parameters."""
    for name in ("etc", "ncalrpc", "state"):
        (folder / name).mkdir(parents=True)
    configuration = folder / "etc" / "smb.conf"
    configuration.write_text(
        CONFIGURATION.format(
            host=HOST.upper(), realm=REALM, domain=DOMAIN, address=address, folder=folder
        )
    )
    parameters = samba("samba.param").LoadParm()
    parameters.load(str(configuration))
    log = logging.getLogger("provision")
    log.addHandler(logging.FileHandler(folder / "provision.log"))
    samba("samba.provision").provision(
        log,
        samba("samba.auth").system_session(),
        smbconf=str(configuration),
        lp=parameters,
        targetdir=None,
        samdb_fill="FULL",
        realm=REALM,
        domain=DOMAIN,
        adminpass=password,
        hostname=HOST,
        hostip=address,
        serverrole="active directory domain controller",
        dns_backend="NONE",
        skip_sysvolacl=True,
        dom_for_fun_level=samba("samba.dsdb").DS_DOMAIN_FUNCTION_2008_R2,
        useeadb=False,
        use_ntvfs=False,
        base_schema="2012_R2",
    )
    parameters.set("dsdb:schema update allowed", "yes")
    return parameters


def opened(folder: Path, parameters: Any) -> Any:
    """The domain's database, as its owner."""
    return samba("samba.samdb").SamDB(
        url=str(folder / "private" / "sam.ldb"),
        session_info=samba("samba.auth").system_session(),
        lp=parameters,
    )


def load(database: Any, text: str) -> None:
    """Add and change what LDIF says, all of it or nothing."""
    ldb = samba("ldb")
    database.transaction_start()
    for kind, message in database.parse_ldif(text):
        if kind == ldb.CHANGETYPE_MODIFY:
            database.modify(message)
        else:
            # otherwise nobody may choose the GUID of an object
            database.add(message, ["relax:0"])
    database.transaction_commit()


def main(folder: Path, address: str, account: str, files: list[Path]) -> None:
    password = os.environ["LAB_PASSWORD"]
    parameters = provision(folder, address, password)
    for file in files:
        # each in a connection of its own, since the schema is read when one is opened
        load(opened(folder, parameters), file.read_text(encoding="utf-8"))
        load(opened(folder, parameters), UPDATE_SCHEMA)
    database = opened(folder, parameters)
    database.modify_ldif(
        f"dn: CN={HOST.upper()},OU=Domain Controllers,{BASE}\nchangetype: modify\n"
        f"add: servicePrincipalName\nservicePrincipalName: ldap/{HOST}.{REALM.lower()}\n"
    )
    database.newuser(account, password)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], [Path(name) for name in sys.argv[4:]])
