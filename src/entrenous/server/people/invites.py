"""Invites: tokens that let somebody register, made by the operator or by members."""

from collections.abc import Callable
from dataclasses import dataclass

from entrenous.crypto import Entropy, Hash, draw
from entrenous.server.clock import Clock
from entrenous.server.configuration.settings import Settings
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Caller
from entrenous.server.store import Storage, Transaction, invites
from entrenous.wire import ErrorCode, replies, requests
from entrenous.wire.limits import TOKEN_SIZE


@dataclass(frozen=True, slots=True)
class Invites:
    """The service of invites."""

    storage: Storage
    clock: Clock
    entropy: Entropy
    settings: Settings
    #: HOST:PORT as people can reach the server.
    address: Callable[[], str]

    async def make(self, *, uses: int, lifetime_seconds: int, created_by: bytes | None) -> replies.InviteCreated:
        """Store a new invite; ``created_by`` is an account, or None for the operator.

        Raises:
            RefusedError: the account has too many.
        """
        now = int(self.clock.now())
        token, expires_at = draw(self.entropy, TOKEN_SIZE), now + lifetime_seconds
        most = self.settings.limits.invites_per_account

        def operation(tx: Transaction) -> None:
            if created_by is not None and invites.count_by(tx, created_by, now) >= most:
                raise RefusedError("AUTH-INVITES", ErrorCode.LIMIT, f"you have made {most} invites already")
            invites.add(
                tx,
                Hash.SHA256.digest(token),
                uses=uses,
                expires_at=expires_at,
                created_by=created_by,
                created_at=now,
            )

        await self.storage.write(operation)
        return replies.InviteCreated(token, self.address(), expires_at)

    async def create(self, caller: Caller, request: requests.CreateInvite) -> replies.Reply:
        """A member's request."""
        if not self.settings.members_may_invite:
            raise RefusedError("AUTH-INVITE-DENIED", ErrorCode.DENIED, "on this server only the operator invites")
        return await self.make(uses=request.uses, lifetime_seconds=request.lifetime_seconds, created_by=caller.account)
