"""All targets by name."""

from fuzz import channels, codecs, commits, frames, groups, identities, logins, proxies, server_calls, trees
from fuzz.target import Target

_HOMES = (codecs, frames, identities, logins, channels, commits, groups, trees, server_calls, proxies)

TARGETS: dict[str, Target] = {target.name: target for home in _HOMES for target in home.TARGETS}
