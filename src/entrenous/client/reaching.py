"""Asking the server from work that is tried again until it succeeds."""

from typing import TypeVar

from entrenous.client.session import RefusedError, Session
from entrenous.errors import EntrenousError, UnavailableError
from entrenous.wire import replies, requests

R = TypeVar("R", bound=replies.Reply)


class PatientCaller:
    """The session's ``call``, except that an error which ends the session for good is unavailability here.

    That error is told once, by the event of the lost connection; every piece of work that waits for a connection would
    otherwise fail with it anew.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def call(self, request: requests.Request, expected: type[R]) -> R:
        """Ask and wait for the answer.

        Raises:
            RefusedError: the server refused it.
            UnavailableError: it was not asked, or did not answer.
        """
        try:
            return await self._session.call(request, expected)
        except (RefusedError, UnavailableError):
            raise
        except EntrenousError as final:
            raise UnavailableError(str(final)) from final
