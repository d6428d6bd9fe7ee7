"""How a profile becomes an account's device, and what the account keeps at its server."""

from entrenous.client.accounts.attempt import forget_recovery_words, recovery_words, require_empty, settle
from entrenous.client.accounts.login import AcceptServer, LoggedIn, ServerAddress, log_in
from entrenous.client.accounts.registration import Registered, register
from entrenous.client.accounts.stretching import DEFAULT_STRETCHING, Stretching
from entrenous.client.accounts.vault import load_vault, save_vault

__all__ = [
    "DEFAULT_STRETCHING",
    "AcceptServer",
    "LoggedIn",
    "Registered",
    "ServerAddress",
    "Stretching",
    "forget_recovery_words",
    "load_vault",
    "log_in",
    "recovery_words",
    "register",
    "require_empty",
    "save_vault",
    "settle",
]
