"""Chapter 3, the room: KeyPackages, a group of one, a Commit that adds four, and the Welcome by which they come in."""

from entrenous.errors import UsageError
from entrenous.explain.model import Chapter, Step
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.recorder import agree
from entrenous.explain.run.room import ROOM_NAME
from entrenous.explain.told.parts import alone, members, mls, page, some, stored
from entrenous.mls import ROOM_SUITE, MLSMessage
from entrenous.mls.types import Welcome


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    return Chapter(
        "group",
        "A room of five",
        "From here on the server is only a postman. A room is an MLS group: its members' devices share keys that the "
        "server does not have, and change them whenever somebody comes or goes. Alice, Bob, Carol, Dave and Erin "
        f"have one device each. The suite is {ROOM_SUITE.name}.",
        (_key_package(conversation), _founded(conversation), _added(conversation), _joined(conversation)),
    )


def _key_package(conversation: Conversation) -> Step:
    bundle = conversation.bundle
    package = bundle.key_package
    return Step(
        "A KeyPackage: how to be added while asleep",
        "Bob's device leaves KeyPackages at the server, before anybody asks. Each has an init key, to which a "
        "Welcome can be encrypted; a leaf, with the key that will be Bob's in the tree, his signature key, and who "
        "he is; and his signature over all of it. In the leaf stands a certificate: Bob's account says that this "
        "device is his. Alice's client checks signatures and certificate before it uses the package.",
        "Nobody has to be online to be invited, and still each Welcome is encrypted to a key that was not used "
        "before, but for one of last resort, when all others are gone. Both keys to encrypt to are X-Wing, "
        "ML-KEM-768 and X25519 in one, so an invitation that is recorded today stays closed to a quantum computer.",
        "The server hands the packages out. Without the account's certificate in the leaf it could give Alice a "
        "package of its own, and would sit in the room as Bob.",
        (
            stored("init_key", package.init_key, "for the Welcome, once"),
            alone("private half of init_key", bundle.init_private.reveal(), "Bob's; deleted when he has joined"),
            stored("encryption_key", package.leaf_node.encryption_key, "Bob's leaf in the tree"),
            alone("private half of encryption_key", bundle.encryption_private.reveal(), "Bob's"),
            stored("signature_key", package.leaf_node.signature_key, "Ed25519; signs what Bob says"),
            stored("signature", package.signature, "over the whole KeyPackage"),
            stored("KeyPackageRef", bundle.reference, "a hash, by which the Welcome will name it"),
            stored("KeyPackage", package.encode(), "as it lies at the server"),
        ),
        mls("10", "7.2", "5.2"),
        page("groups", "leaves", "profile-of-rfc-9420", "adding-and-removing"),
    )


def _founded(conversation: Conversation) -> Step:
    group = conversation.founded
    return Step(
        "A group of one",
        "Alice opens the room alone. Her device draws a random room id and a random first secret, makes a tree with "
        "one leaf, and writes the GroupContext: the suite, the id, the epoch's number, the hash of the tree, the "
        "hash of all that has happened so far, and the room's settings. The name of the room stands in there, and "
        "who is an admin. This is epoch 0. With each change of the room, a new epoch begins.",
        "The keys of each epoch and the signature of each message depend on the GroupContext. Two people who see "
        "different members, another tree or another past have different contexts, and so they have different keys.",
        "If keys did not depend on who is in the room, a server could show each member another list of members.",
        (
            stored("group_id", group.group_id, "the room's id"),
            members("name of the room", ROOM_NAME, "the server never sees it"),
            members("tree_hash", group.context.tree_hash, "of the tree with one leaf"),
            members("GroupContext", group.encoded_context, "of epoch 0"),
            members("init_secret", group.secrets.init_secret.reveal(), "what epoch 0 hands on to epoch 1"),
        ),
        mls("8.1", "11"),
        page("groups", "profile-of-rfc-9420", "room-settings"),
    )


def _added(conversation: Conversation) -> Step:
    change = conversation.added
    welcome = _welcome(change.made.welcome)
    return Step(
        "One Commit adds four, one Welcome brings them in",
        "Alice makes a Commit: four Adds, one for each KeyPackage, a change of the settings that makes the four "
        "members, and a path of new keys, which chapter 4 is about. Who is in the room already gets the Commit; the "
        "four get a Welcome. For each of them it has the joiner_secret and the path secret that he needs, encrypted "
        "to the init key of his KeyPackage. For all of them together it has the GroupInfo, which Alice has signed, "
        "under a key that comes from the joiner_secret. The tree travels apart. It lies at the server, encrypted, "
        "and newcomers believe it because its hash stands in the signed GroupInfo.",
        "The work for Alice grows with the number of newcomers, and the Commit itself, once the tree is filled, "
        "only with its logarithm. The server learns who joins, since it has to deliver; it learns none of the keys.",
        "If the Welcome were only encrypted and not signed, anybody who has a KeyPackage could invite Bob into a room "
        "that looks like Alice's.",
        (
            stored("Commit", change.made.message, "an MLSMessage, encrypted"),
            stored("Welcome", change.made.welcome or b"", f"{len(welcome.secrets)} entries and the GroupInfo"),
            stored("new_member", welcome.secrets[0].new_member, "the first entry: Bob's KeyPackageRef"),
            stored("encrypted_group_secrets", welcome.secrets[0].encrypted_group_secrets.ciphertext, "for Bob alone"),
            members("joiner_secret", change.trace.last("joiner_secret"), "what the Welcome carries"),
            some("welcome_secret", change.trace.last("welcome_secret"), "seals the GroupInfo: inviter and newcomers"),
            stored("encrypted_group_info", welcome.encrypted_group_info, "for all four"),
        ),
        mls("12.1.1", "12.4", "12.4.3.1"),
        page("groups", "joining-by-a-welcome", "sealed-state-for-joiners"),
        (agree("The first entry of the Welcome names Bob's KeyPackage.", welcome.secrets[0].new_member,
               conversation.bundle.reference),),
    )  # fmt: skip


def _joined(conversation: Conversation) -> Step:
    change, bob = conversation.added, conversation.members["bob"]
    epoch_secret = bob.trace.all("epoch_secret")[0]
    check = agree(
        "Bob derived the same epoch_secret from the Welcome as Alice from her Commit.",
        epoch_secret,
        change.trace.last("epoch_secret"),
    )
    return Step(
        "Five devices, one secret",
        "Each newcomer finds his entry in the Welcome and opens it with the private init key. From the joiner_secret "
        "he derives the key of the GroupInfo, opens that, and trusts nothing in it yet. He checks Alice's signature, "
        "the hash of the tree, each leaf's signature and certificate, and, in the real client, that the accounts of "
        "the leaves are exactly the members that the settings name. Last comes the confirmation_tag, a MAC that only "
        "somebody with the secrets of this very epoch can make. Then he deletes the init key.",
        "A newcomer depends on nobody's word: what he believes is signed, hashed or confirmed. What was said before "
        "him stays closed to him, since the epochs before had other secrets.",
        "If a newcomer took the tree from the server unchecked, the server would put a key of its own into a node, "
        "and the next Commit would be encrypted to it.",
        (
            members("epoch_secret", epoch_secret, "of epoch 1, the root of all its keys"),
            members("confirmation_tag", change.after.confirmation_tag, "of the GroupInfo"),
            members("tree_hash", change.after.context.tree_hash, "of the tree with five leaves"),
            members("epoch_authenticator", change.after.epoch_authenticator, "equal only where all of it is"),
        ),
        mls("12.4.3.1", "7.3", "8.7"),
        page("groups", "joining-by-a-welcome"),
        (check, conversation.agreed[0]),
    )


def _welcome(message: bytes | None) -> Welcome:
    welcome = MLSMessage.decode(message or b"").body
    if not isinstance(welcome, Welcome):
        raise UsageError("a Commit that adds somebody has a Welcome")
    return welcome
