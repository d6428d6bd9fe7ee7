"""Chapter 5, the key schedule: one secret in, one secret out, and everything that an epoch uses."""

from entrenous.explain.drawings import Derivation, Secret
from entrenous.explain.model import Chapter, Knower, Step
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.recorder import agree
from entrenous.explain.told.parts import members, mls, page, public, short, some
from entrenous.mls import ROOM_SUITE

#: What an epoch derives from its epoch_secret, with what it is for (RFC 9420 §8, table 4), as the Trace names it.
_USES = (
    ("sender_data_secret", "hides who speaks", "6.3"),
    ("encryption_secret", "the root of the secret tree: all message keys", "6.2"),
    ("exporter_secret", "keys for the application; the room access key is one", ""),
    ("external_secret", "a key pair to join from outside; rooms do not use it", ""),
    ("confirmation_key", "confirms that all came to the same epoch", "5.3"),
    ("membership_key", "for messages that are not encrypted; rooms have none", ""),
    ("resumption_psk", "proves later that one was here; rooms do not use it", ""),
    ("epoch_authenticator", "lets members compare", "5.3"),
    ("init_secret", "goes into the next epoch", "5.1"),
)


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    return Chapter(
        "schedule",
        "The key schedule",
        "The tree has given everybody but Dave a fresh commit_secret. Now it is mixed with what was there before, and "
        "all keys of the new epoch come out. This is epoch 3, the one that Dave's removal began.",
        (_down(conversation), _uses(conversation), _agreement(conversation)),
    )


def _down(conversation: Conversation) -> Step:
    change = conversation.removed
    trace, before = change.trace, change.before.secrets.init_secret.reveal()
    bob = conversation.members["bob"].trace
    names = ("commit_secret", "joiner_secret", "member_secret", "epoch_secret")
    checks = tuple(
        agree(f"Bob derived the same {name} from the Commit as Alice, who made it.", trace.last(name), bob.last(name))
        for name in names
    )  # fmt: skip
    return Step(
        "From one epoch to the next",
        "The init_secret of the last epoch and the commit_secret of the Commit are extracted into one value. From it "
        "and from the new GroupContext comes the joiner_secret, which a Welcome would carry. A pre-shared key can be "
        "mixed in then; rooms have none, so zeros stand in its place. What comes out has no name in the RFC; we call "
        "it member_secret. From it and the GroupContext comes the epoch_secret.",
        "Both halves are needed. The init_secret ties each epoch to all before it, so nobody gets in by the "
        "commit_secret alone. The commit_secret is new, so nobody stays in by the init_secret alone: Dave has it. And "
        "because the GroupContext goes in, members who disagree about the room get different keys at once.",
        "If epochs were independent, whoever learns one commit_secret would be inside. If the commit_secret were left "
        "out, removing Dave would change nothing.",
        (
            some("init_secret of epoch 2", before, "members of epoch 2: Dave too"),
            members("commit_secret", trace.last("commit_secret"), "not Dave"),
            members("GroupContext", change.after.encoded_context, "of epoch 3"),
            members("joiner_secret", trace.last("joiner_secret"), ""),
            public("psk_secret", ROOM_SUITE.zero_secret, "zeros, since none is used"),
            members("member_secret", trace.last("member_secret"), ""),
            members("epoch_secret", trace.last("epoch_secret"), "of epoch 3"),
        ),
        mls("8", "8.1", "8.4"),
        page("groups", "profile-of-rfc-9420"),
        checks,
        drawing=_picture(conversation),
    )  # fmt: skip


def _uses(conversation: Conversation) -> Step:
    trace = conversation.removed.trace
    return Step(
        "Nine secrets, nine purposes",
        "From the epoch_secret come nine secrets, each under a label of its own, and the epoch_secret is deleted. So "
        "is everything above it. What is left lasts as long as the epoch, and the encryption_secret not even so "
        "long: it is split at the first message.",
        "A key is used for one thing. Then a weakness in one use says nothing about another, and each can be "
        "deleted when its own time is over. Nobody climbs from one of the nine to the others: the derivation "
        "has no way back.",
        "If the epoch_secret stayed on the disk, whoever finds it would read the whole epoch, with the messages "
        "whose keys were deleted long ago.",
        tuple(members(name, trace.last(name), f"{use} (step {step})" if step else use) for name, use, step in _USES),
        mls("8", "9.2"),
        page("groups", "room-access-key", "profile-of-rfc-9420"),
    )


def _agreement(conversation: Conversation) -> Step:
    group, bob = conversation.removed.after, conversation.members["bob"].group
    checks = (
        agree("The confirmed transcript hash is the same at Alice and at Bob.",
              group.context.confirmed_transcript_hash, bob.context.confirmed_transcript_hash),
        agree("So is the tree hash.", group.context.tree_hash, bob.context.tree_hash),
        conversation.agreed[2],
    )  # fmt: skip
    return Step(
        "How they know that they agree",
        "Each Commit with its signature goes into the transcript hash, which began with the room. Its newest value "
        "stands in the GroupContext, next to the hash of the tree. The committer sends a confirmation_tag along: a "
        "MAC over the transcript, under a key of the new epoch. Who receives the Commit derives the epoch and checks "
        "the tag before he believes in it. At any time two members can compare their epoch_authenticator.",
        "Everybody in the epoch has the same members, the same settings and the same past, back to the "
        "founding. A server that shows two halves of a room two different Commits parts them; it cannot "
        "bring them together again, since their keys differ from there on.",
        "Without it, a hostile server could keep two versions of a room and pass messages from one to the other.",
        (
            members("confirmed_transcript_hash", group.context.confirmed_transcript_hash, "all Commits up to this one"),
            members("tree_hash", group.context.tree_hash, "all members, all keys"),
            members("confirmation_tag", group.confirmation_tag, "in the Commit"),
            members("epoch_authenticator", group.epoch_authenticator, "for comparing"),
        ),
        mls("8.2", "6.1", "8.7"),
        page("groups", "which-commits-are-refused") + page("delivery", "log-hash"),
        checks,
    )


def _picture(conversation: Conversation) -> Derivation:
    change = conversation.removed
    trace, everybody = change.trace, (Knower.MEMBERS,)
    before = short(change.before.secrets.init_secret.reveal())

    def box(name: str, row: int, column: float, *sources: str) -> Secret:
        return Secret(name, short(trace.last(name)), row, column, everybody, sources)

    context = short(change.after.encoded_context)
    names = [name for name, _, _ in _USES]
    boxes = [
        Secret("init_secret of epoch 2", before, 0, 0.5, (Knower.SOME,)),
        box("commit_secret", 0, 1.5),
        Secret("GroupContext of epoch 3", context, 1, 2.2, everybody),
        box("joiner_secret", 1, 1.0, "init_secret of epoch 2", "commit_secret", "GroupContext of epoch 3"),
        box("member_secret", 2, 1.0, "joiner_secret"),
        box("epoch_secret", 3, 1.0, "member_secret", "GroupContext of epoch 3"),
    ]
    boxes += [box(name, 4 + place // 3, place % 3, "epoch_secret") for place, name in enumerate(names)]
    return Derivation("The key schedule of epoch 3", tuple(boxes))
