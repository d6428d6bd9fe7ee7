"""What operators do beside a server: looking, locking, deleting, backing up, examining; all of it in an audit log."""

from entrenous.server.audit import Action, Deed, Verdict, verify
from entrenous.server.operating.admin import Admin
from entrenous.server.operating.backup import back_up
from entrenous.server.operating.beside import open_engine, opened
from entrenous.server.operating.data_checks import CHECKS as DATA_CHECKS
from entrenous.server.operating.examination import Finding, Patient, Status, examine
from entrenous.server.operating.key_backup import back_up_keys, needs_passphrase, open_keys, restore_keys
from entrenous.server.operating.machine_checks import CHECKS as MACHINE_CHECKS
from entrenous.server.operating.manifest import Manifest, read_manifest
from entrenous.server.operating.restore import Restored, restore

__all__ = [
    "DATA_CHECKS",
    "MACHINE_CHECKS",
    "Action",
    "Admin",
    "Deed",
    "Finding",
    "Manifest",
    "Patient",
    "Restored",
    "Status",
    "Verdict",
    "back_up",
    "back_up_keys",
    "examine",
    "needs_passphrase",
    "open_engine",
    "open_keys",
    "opened",
    "read_manifest",
    "restore",
    "restore_keys",
    "verify",
]
