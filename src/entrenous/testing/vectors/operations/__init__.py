"""What the product does with each operation of the vectors; one module for each page's part of them."""

from collections.abc import Callable, Mapping
from typing import Any

from entrenous.testing.vectors.form import Given
from entrenous.testing.vectors.operations import (
    accounts,
    calls,
    channel,
    codes,
    encryption,
    groups,
    passwords,
    records,
    rooms,
    vaults,
)

#: Takes what a vector gives; returns its results, or raises one of ``entrenous.errors``.
Operation = Callable[[Given], Mapping[str, Any]]

#: Every operation by its name.
OPERATIONS: Mapping[str, Operation] = {
    "auth-device-list-successors": accounts.device_list_successor,
    "auth-device-lists": accounts.device_list,
    "auth-device-logins": accounts.device_login,
    "auth-device-logins-signing": accounts.device_login_signing,
    "auth-invite-links": codes.invite_link,
    "auth-linking-codes": codes.linking_code,
    "auth-login-names": codes.login_name,
    "auth-logins": passwords.login,
    "auth-logins-server": passwords.login_server,
    "auth-passwords": passwords.password,
    "auth-records": passwords.record,
    "auth-recovery-codes": codes.recovery_code,
    "auth-registrations": passwords.registration,
    "auth-registrations-server": passwords.registration_server,
    "auth-safety-numbers": codes.safety_numbers,
    "auth-stretching-costs": passwords.stretching_cost,
    "auth-vaults": vaults.open_stored,
    "auth-vaults-sealing": vaults.seal,
    "channel-calls": calls.call,
    "channel-certificates": channel.certificate,
    "channel-from-server": calls.from_server,
    "channel-handshakes-client": channel.client_handshake,
    "channel-handshakes-server": channel.server_handshake,
    "channel-prefaces": channel.preface,
    "channel-records": records.receive,
    "channel-records-sealing": records.send,
    "delivery-commit-data": rooms.commit_data,
    "delivery-log-hashes": rooms.log_hash,
    "delivery-message-data": rooms.message_data,
    "encoding-vectors": rooms.vector,
    "groups-access-keys": rooms.access_key,
    "groups-contents": rooms.content,
    "groups-hpke": encryption.unseal,
    "groups-hpke-sealing": encryption.seal,
    "groups-joining": groups.joining,
    "groups-leaf-certificates": rooms.leaf_certificate,
    "groups-padding": rooms.padding,
    "groups-sealed-state": rooms.sealed_state,
    "groups-sealed-state-sealing": rooms.seal_state,
    "groups-settings": rooms.settings,
    "groups-welcome-data": rooms.welcome_data,
}

__all__ = ["OPERATIONS", "Operation"]
