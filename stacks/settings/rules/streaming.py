"""Rules between Kafka's topics, users, brokers and the regions. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from components.settings.values import bytes_of
from components.settings.words import did_you_mean
from components.streaming.configuration import RESERVED_USERS, arriving, replicas_of
from components.streaming.settings import FILE_SHARE, StreamingUserSettings, TopicSettings
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import names_differ, regions_are_known, replicas_have_servers
from stacks.settings.rules.paths import each_region


def topics_by_path(settings: Settings) -> Iterator[tuple[str, TopicSettings]]:
    """Each topic with its path, such as `streaming.topics[0]`."""
    return ((f"streaming.topics[{index}]", topic) for index, topic in enumerate(settings.streaming.topics))


def users_by_path(settings: Settings) -> Iterator[tuple[str, StreamingUserSettings]]:
    """Each user with its path, such as `streaming.users[0]`."""
    return ((f"streaming.users[{index}]", user) for index, user in enumerate(settings.streaming.users))


def topics_are_replicated_to_regions(settings: Settings) -> Iterator[Mistake]:
    """Topics are replicated to regions of the stack."""
    for path, topic in topics_by_path(settings):
        yield from regions_are_known(settings, f"{path}.replicatedTo", topic.replicated_to, all_too=True)


def brokers_are_enough_for_replicas(settings: Settings) -> Iterator[Mistake]:
    """Each replica has its own broker."""
    for path, topic in topics_by_path(settings):
        yield from replicas_have_servers(path, topic.replicas, settings.streaming.brokers, "streaming.brokers")


def topic_and_user_names_differ(settings: Settings) -> Iterator[Mistake]:
    """Names of topics are unique, and so are names of users."""
    yield from names_differ(topics_by_path(settings))
    yield from names_differ(users_by_path(settings))


def users_have_names_of_their_own(settings: Settings) -> Iterator[Mistake]:
    """No user has the name of one that the program makes."""
    for path, user in users_by_path(settings):
        if user.name in RESERVED_USERS:
            yield Mistake(
                path=f"{path}.name",
                value=shown(user.name),
                rule="is the name of a user that the program makes itself",
                remedy="choose another name",
            )


def users_have_topics(settings: Settings) -> Iterator[Mistake]:
    """Users have rights on topics of the stack, and on one at least."""
    known = [topic.name for topic in settings.streaming.topics]
    for path, user in users_by_path(settings):
        if not user.produces and not user.consumes:
            yield Mistake(
                path=path,
                rule="has a right on no topic",
                remedy="name topics in produces or consumes, or remove the user",
                reads=(f"{path}.produces", f"{path}.consumes"),
            )
        yield from _unknown(settings, f"{path}.produces", user.produces, known)
        yield from _unknown(settings, f"{path}.consumes", user.consumes, known)


def _unknown(settings: Settings, path: str, named: Sequence[str], known: Sequence[str]) -> Iterator[Mistake]:
    for name in named:
        if name not in known:
            yield Mistake(
                path=path,
                value=shown(name),
                rule="is not the name of a topic of this stack",
                remedy=did_you_mean(name, known) if known else "add the topic to streaming.topics",
                reads=("streaming.topics", *(f"{topic}.name" for topic, _ in topics_by_path(settings))),
            )


def topics_fit_the_storage(settings: Settings) -> Iterator[Mistake]:
    """The brokers of each region can hold all topics, with what comes from the other regions."""
    streaming = settings.streaming
    if not streaming.enabled:
        return
    for region in settings.regions:
        others = len(settings.regions) - 1
        coming = {topic.name for topic in arriving(region.name, streaming)}
        wanted = sum(
            bytes_of(topic.max_size)
            * replicas_of(topic, streaming.brokers)
            * (1 + (others if topic.name in coming else 0))
            for topic in streaming.topics
        )
        if wanted > bytes_of(streaming.storage) * streaming.brokers * FILE_SHARE:
            yield Mistake(
                path="streaming.storage",
                value=shown(streaming.storage),
                rule=f"is too little for the topics in {region.name}: with their replicas, and with what the other "
                f"regions send, they need {wanted / 2**30:.2f}Gi, and a fifth of each broker stays free",
                remedy="raise storage or brokers, lower maxSize, or replicate fewer topics",
                reads=("streaming.brokers", *each_region(settings, "name"), *_sizes(settings)),
            )
            return


def _sizes(settings: Settings) -> list[str]:
    """The paths of all settings that the size of the topics follows from."""
    keys = ("maxSize", "replicas", "replicatedTo")
    return [f"{path}.{key}" for path, _ in topics_by_path(settings) for key in keys]


RULES: Final = (
    topics_are_replicated_to_regions,
    brokers_are_enough_for_replicas,
    topic_and_user_names_differ,
    users_have_names_of_their_own,
    users_have_topics,
    topics_fit_the_storage,
)
