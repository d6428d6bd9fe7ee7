"""What is told of a run: seven chapters, each a function of the conversation. Here are the words, not the values."""

from entrenous.explain.model import Chapter
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.told import group, handshake, message, passwords, record, schedule, treekem

#: In the order in which they build on each other; ``--only`` takes these names.
CHAPTERS = {
    "handshake": handshake.tell,
    "opaque": passwords.tell,
    "group": group.tell,
    "treekem": treekem.tell,
    "schedule": schedule.tell,
    "message": message.tell,
    "record": record.tell,
}
#: Names that stand for several chapters.
PARTS = {"mls": ("group", "treekem", "schedule", "message")}


def tell(conversation: Conversation) -> tuple[Chapter, ...]:
    """Every chapter of a run."""
    return tuple(chapter(conversation) for chapter in CHAPTERS.values())
