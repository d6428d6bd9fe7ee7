"""Groups of up to twelve under any course of events and a delivery service that does its worst.

It drops, duplicates, reorders, shows different Commits to different members, and injects: garbage, changed and repeated
messages, those of other groups and epochs, of former members, and Commits that an insider has falsified. Whatever it
does: members of one epoch share its authenticator and tree hash, who was removed can open nothing later, and who joined
nothing earlier. ``mls_world`` has the model that says what else must come of each step.
"""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from entrenous.mls.schedule import RatchetLimits
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite
from mls_course import INJECTIONS, PEOPLE, SERVICE, Action, begin, finish
from mls_world import MOST_MEMBERS, World

CHANCE = st.randoms(use_true_random=True)
LIMITS = st.builds(RatchetLimits, window=st.integers(0, 3), forward=st.integers(2, 5))
#: How many examples a test may try: the thorough profile has many, and new ones at every run.
PROFILE = settings.get_current_profile_name()
EXAMPLES = settings.get_profile(PROFILE).max_examples


def several(actions: Sequence[Action]) -> st.SearchStrategy[list[Action]]:
    return st.lists(st.sampled_from(actions), min_size=1, max_size=4)


class Groups(RuleBasedStateMachine):
    """One group, and everybody who ever had to do with it."""

    @initialize(suite=st.sampled_from([SUITES[1], ROOM_SUITE]), limits=LIMITS, guests=st.integers(1, MOST_MEMBERS - 1))
    def some_meet(self, suite: CipherSuite, limits: RatchetLimits, guests: int) -> None:
        self.world = World(suite, limits)
        begin(self.world, guests)

    @rule(actions=several(PEOPLE), chance=CHANCE)
    def people_act(self, actions: Sequence[Action], chance: Random) -> None:
        for action in actions:
            action(self.world, chance)

    @rule(actions=several(SERVICE), chance=CHANCE)
    def letters_arrive_or_do_not(self, actions: Sequence[Action], chance: Random) -> None:
        for action in actions:
            action(self.world, chance)

    @rule(actions=several(INJECTIONS), chance=CHANCE)
    def something_is_injected(self, actions: Sequence[Action], chance: Random) -> None:
        for action in actions:
            action(self.world, chance)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            finish(self.world)


TestGroups = Groups.TestCase
TestGroups.settings = settings(
    max_examples=EXAMPLES // 2,
    stateful_step_count=40,
    derandomize=PROFILE == "default",
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("seed", range(EXAMPLES // 25))
def test_a_long_course_of_events_leads_nobody_astray(seed: int) -> None:
    chance = Random(seed)
    world = World(SUITES[1], RatchetLimits(window=2, forward=5))
    begin(world, chance.randrange(1, MOST_MEMBERS))
    for _ in range(400):
        chance.choice(chance.choice((PEOPLE, PEOPLE, SERVICE, SERVICE, INJECTIONS)))(world, chance)
    finish(world)
    # That the course came somewhere is no chance: it is the same at every run.
    assert max(epoch.context.epoch for epoch in world.epochs) >= 10
    assert max(len(epoch.leaves) for epoch in world.epochs) >= MOST_MEMBERS // 2
    assert world.evictions >= 1
