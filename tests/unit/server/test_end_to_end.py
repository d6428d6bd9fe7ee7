"""The whole server over the real channel, in memory and under virtual time: register, log in, talk."""

from entrenous.testing import run_virtual
from entrenous.wire import events, replies, requests
from server_people import World


def test_two_people_register_log_in_and_one_reads_what_the_other_publishes() -> None:
    async def scenario() -> None:
        async with await World.start() as world:
            alice, bob = await world.person("alice"), await world.person("bob")
            room = await alice.create_room()
            assert await alice.add(room, bob) == 1
            assert isinstance(await bob.client.event(), events.InboxChanged)
            inbox = await bob.client.call(requests.FetchInbox(0))
            assert [item.welcome for item in inbox.items] == [b"welcome"]
            request = alice.publish_request(room, b"hello bob", base=1)
            assert await alice.client.call(request) == replies.Published(2)
            pushed = await bob.client.event()
            assert isinstance(pushed, events.NewEntry)
            assert pushed.entry.body == request.entry
            fetched = await bob.fetch(room)
            assert [entry.sequence for entry in fetched.entries] == [1, 2]
            assert fetched.entries[1] == pushed.entry

    run_virtual(scenario())
