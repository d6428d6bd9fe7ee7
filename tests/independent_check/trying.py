"""The vectors' files, read and tried."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from independent_check import accounts, channel, codes, groups, hpke, passwords, rooms, wire
from independent_check.forms import Fields, RefusedError, UncoveredError

OPERATIONS: Mapping[str, Callable[[Fields], dict[str, Any]]] = {
    "auth-device-list-successors": accounts.successor,
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
    "auth-vaults": accounts.open_vault,
    "auth-vaults-sealing": accounts.seal_vault,
    "channel-calls": wire.call,
    "channel-certificates": channel.certificate,
    "channel-from-server": wire.from_server,
    "channel-handshakes-client": channel.client_handshake,
    "channel-handshakes-server": channel.server_handshake,
    "channel-prefaces": channel.preface,
    "channel-records": channel.receive,
    "channel-records-sealing": channel.send,
    "delivery-commit-data": rooms.commit_data,
    "delivery-log-hashes": rooms.log_hash,
    "delivery-message-data": rooms.message_data,
    "encoding-vectors": rooms.byte_vector,
    "groups-access-keys": rooms.access_key,
    "groups-contents": rooms.content,
    "groups-hpke": hpke.hpke_open,
    "groups-hpke-sealing": hpke.hpke_seal,
    "groups-joining": groups.joining,
    "groups-leaf-certificates": rooms.leaf_certificate,
    "groups-padding": rooms.padding,
    "groups-sealed-state": rooms.sealed_state,
    "groups-sealed-state-sealing": rooms.seal_state,
    "groups-settings": rooms.settings,
    "groups-welcome-data": rooms.welcome_data,
}

REPEATED = re.compile(r"\(([0-9a-f]+)\*([0-9]+)\)")


@dataclass
class Report:
    """What came of a folder's files."""

    agreed: int = 0
    #: One line each.
    differences: list[str] = field(default_factory=list)
    #: For each reason, how many vectors this program cannot try.
    uncovered: Counter[str] = field(default_factory=Counter)


def try_all(folder: Path) -> Report:
    report = Report()
    for path in sorted(folder.glob("*.json")):
        content = _written_out(json.loads(path.read_text(encoding="utf-8")))
        operation = OPERATIONS.get(content["operation"])
        if operation is None:
            report.uncovered[f"{path.stem}: this program does not know it"] = len(content["vectors"])
            continue
        for vector in content["vectors"]:
            try:
                outcome, results = _run(operation, vector["given"])
            except UncoveredError as reason:
                report.uncovered[f"{path.stem}: {reason}"] += 1
                continue
            if (outcome, results) == (vector["expect"], vector["gives"]):
                report.agreed += 1
            else:
                names = [
                    name for name in {**results, **vector["gives"]} if results.get(name) != vector["gives"].get(name)
                ]
                line = f"{path.stem}: {vector['comment']}: {outcome}, not {vector['expect']} {names}"
                report.differences.append(line)
    return report


def _run(operation: Callable[[Fields], dict[str, Any]], given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        return "success", operation(Fields(given))
    except RefusedError as refused:
        return refused.how, {}


def _written_out(value: Any) -> Any:
    """Bytes that come several times stand as "(cc*32)"."""
    if isinstance(value, dict):
        return {name: _written_out(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_written_out(each) for each in value]
    return REPEATED.sub(lambda found: found[1] * int(found[2]), value) if isinstance(value, str) else value
