"""What ``doctor`` looks at of the machine: ports, the clock, open files, the fast library for passwords."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from entrenous.crypto import ristretto
from entrenous.errors import MalformedError
from entrenous.identity import parse_address
from entrenous.server.configuration.hosts import from_here
from entrenous.server.network.descriptors import room_for
from entrenous.server.operating.examination import Check, Finding, Patient, fail, ok, warn
from entrenous.server.operating.listeners import listener_on
from entrenous.server.renewal import CERTIFIED_FOR
from entrenous.server.serving_lock import serving

#: Seconds for which the clocks are watched, how far they may part meanwhile, and how long a connection may take.
WATCH_SECONDS, DRIFT, CONNECT_SECONDS = 0.2, 0.02, 3.0
#: Unix seconds between which a clock can be right: 2026 and 2100.
EARLIEST, LATEST = 1_767_225_600, 4_102_444_800
#: Seconds after which a client refuses a certificate: so far the clocks of both may be apart.
MARGIN_DAYS = CERTIFIED_FOR // 86_400


async def check_port(patient: Patient) -> Iterable[Finding]:
    """A server listens, or the port is free for it."""
    settings = patient.settings
    found = None if settings.lock_path is None else await asyncio.to_thread(serving, settings.lock_path)
    if found is not None:
        # Where it really listens: its port may have been an option of its own.
        host, port = found.address or (settings.host, settings.port)
        if await _answers(from_here(host), port):
            return [ok("port", f"the server listens on port {port}")]
        detail = f"a server runs in this directory, and nothing answers at {from_here(host)}, port {port}"
        return [fail("port", detail, f"It may still be starting, or be stuck: look at process {found.process}.")]
    if settings.port == 0:
        return [ok("port", "no server runs here; a free port is taken at each start")]
    if await _answers(from_here(settings.host), settings.port):
        return [_taken("port", settings.port, "End it, or choose another port: entrenous server run --port")]
    return [warn("port", f"no server runs here; port {settings.port} is free", "entrenous server run")]


async def check_metrics(patient: Patient) -> Iterable[Finding]:
    """Figures and health are told where the settings say, or the port is free for it."""
    settings = patient.settings
    if settings.metrics_port == 0:
        return []
    where, port = from_here(settings.metrics_host), settings.metrics_port
    is_served = settings.lock_path is not None and await asyncio.to_thread(serving, settings.lock_path) is not None
    answers = await _answers(where, port)
    if is_served and not answers:
        detail = f"nothing answers at {where}, port {port}"
        return [warn("metrics", detail, "If metrics_port was set since the server started, restart it.")]
    if answers and not is_served:
        return [_taken("metrics", port, "End it, or choose another metrics_port.")]
    return [ok("metrics", f"/metrics and /healthz answer on port {port}" if answers else f"port {port} is free")]


async def check_public(patient: Patient) -> Iterable[Finding]:
    """The address that links carry leads here, as far as this machine can tell."""
    address = patient.settings.public_address
    if address is None:
        advice = "Set it: entrenous server run --public HOST:PORT"
        return [warn("public", "links carry what this machine calls itself", advice)]
    try:
        host, port = parse_address(address)
    except MalformedError as error:
        return [fail("public", str(error), "Write it as HOST:PORT.")]
    if await _answers(host, port):
        return [ok("public", f"{address} can be reached from here")]
    advice = (
        "See to DNS, the firewall and port forwarding. Some routers do not lead back inside: try it from elsewhere."
    )
    return [warn("public", f"{address} cannot be reached from this machine", advice)]


async def check_clock(patient: Patient) -> Iterable[Finding]:
    """The clock can be right, and goes evenly."""
    if not EARLIEST <= patient.now <= LATEST:
        year = time.gmtime(patient.now).tm_year
        return [fail("clock", f"the clock says that it is the year {year}", "Set it, with NTP.")]
    wall, steady = time.time(), time.monotonic()
    await asyncio.sleep(WATCH_SECONDS)
    drift = abs((time.time() - wall) - (time.monotonic() - steady))
    if drift > DRIFT:
        return [warn("clock", f"the clock was set by {drift:.2f} s just now", "Let NTP slew it instead of setting it.")]
    detail = f"plausible and even; clients take certificates while clocks differ by less than {MARGIN_DAYS} days"
    return [ok("clock", detail)]


async def check_descriptors(patient: Patient) -> Iterable[Finding]:
    """The system lets the process have as many connections as the limits say."""
    wanted = patient.settings.limits.connections
    allowed = room_for(wanted)
    if allowed < wanted:
        advice = "Raise it: ulimit -n, or LimitNOFILE= in the unit; or lower the limit connections."
        return [warn("files", f"the system allows {allowed} connections, the limit says {wanted}", advice)]
    return [ok("files", f"enough for {wanted} connections")]


async def check_library(_patient: Patient) -> Iterable[Finding]:
    """Password logins have the fast library, and the loop has uvloop."""
    name = ristretto.backend().name
    findings = [ok("libsodium", name)]
    if "sodium" not in name.lower():
        advice = "Install it: apt install libsodium23. Without it a password login costs tens of milliseconds."
        findings = [warn("libsodium", f"password logins use {name}", advice)]
    if sys.platform == "win32":
        return findings
    try:
        return [*findings, ok("uvloop", version("uvloop"))]
    except PackageNotFoundError:
        advice = "pip install uvloop: without it the network loop is slower."
        return [*findings, warn("uvloop", "it is not installed", advice)]


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _taken(check: str, port: int, advice: str) -> Finding:
    return fail(check, f"port {port} is taken by {listener_on(port) or 'another program'}", advice)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("port", check_port),
    ("metrics", check_metrics),
    ("public", check_public),
    ("clock", check_clock),
    ("files", check_descriptors),
    ("libsodium", check_library),
)
