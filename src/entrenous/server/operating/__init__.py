"""What operators do beside a server: looking, locking, deleting, backing up, examining; all of it in an audit log."""

from entrenous.server.operating.admin import Admin
from entrenous.server.operating.audit import Action, Deed, Verdict, verify
from entrenous.server.operating.beside import opened

__all__ = ["Action", "Admin", "Deed", "Verdict", "opened", "verify"]
