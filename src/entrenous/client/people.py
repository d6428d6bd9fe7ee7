"""The other accounts: what they are called, and whether each still shows the identity key that this profile trusts."""

import asyncio
from collections.abc import Iterable

from entrenous.client.session import Caller, RefusedError
from entrenous.client.store import Rows, Store, Transaction, contacts
from entrenous.client.store.contacts import Sighting
from entrenous.errors import UnavailableError
from entrenous.wire import replies, requests

#: Names asked for in one go; the others are asked for when they are needed again.
MOST_AT_ONCE = 200
#: Bytes of an account id shown, in hexadecimal, where its name is not known.
_SHOWN_ID = 4


class People:
    """Names and identities of accounts, as this profile knows them."""

    def __init__(self, store: Store, own_account: bytes, own_name: str) -> None:
        self._store = store
        self._own_account = own_account
        self._own_name = own_name

    def name(self, account: bytes, rows: Rows | None = None) -> str:
        """A name for people: the login name, or the beginning of the id until that is known."""
        if account == self._own_account:
            return self._own_name
        contact = contacts.get(rows or self._store, account)
        return (contact.login_name if contact else "") or account[:_SHOWN_ID].hex()

    def is_blocked(self, account: bytes) -> bool:
        """Whether a person wants no invitation of this account."""
        contact = contacts.get(self._store, account)
        return contact is not None and contact.is_blocked

    def see(self, tx: Transaction, account: bytes, identity_key: bytes, now: int) -> bool:
        """Note the identity key of an account that joins; returns whether it is another one than is trusted."""
        if account == self._own_account:
            return False
        return contacts.see(tx, account, identity_key, now) is Sighting.CHANGED

    def changed(self, accounts: Iterable[bytes]) -> list[bytes]:
        """Those of some accounts whose new identity key waits to be accepted."""
        wanted = set(accounts)
        waiting = (contact.account_id for contact in contacts.every(self._store) if contact.offered_key is not None)
        return [account for account in waiting if account in wanted]

    def unnamed(self, accounts: Iterable[bytes]) -> list[bytes]:
        """Those of some accounts whose login name is not known yet."""
        others = (account for account in accounts if account != self._own_account)
        return [account for account in others if not _is_named(self._store, account)]

    async def learn(self, accounts: Iterable[bytes], caller: Caller) -> None:
        """Ask the server what accounts are called. A name is a hint: where none can be had, there is none."""
        await asyncio.gather(*(self._learn_one(account, caller) for account in self.unnamed(accounts)[:MOST_AT_ONCE]))

    async def _learn_one(self, account: bytes, caller: Caller) -> None:
        try:
            found = await caller.call(requests.GetAccount(account), replies.Account)
        except (RefusedError, UnavailableError):
            return
        if found.account == account:
            with self._store.transaction() as tx:
                holder = contacts.holder_of(tx, found.login_name)
                # A name that people know somebody by is not the server's to give to another.
                if holder is None or holder.account_id == account:
                    contacts.put_name(tx, account, found.login_name)


def _is_named(rows: Rows, account: bytes) -> bool:
    contact = contacts.get(rows, account)
    return contact is not None and bool(contact.login_name)
