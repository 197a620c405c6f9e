"""Plays histories: `python -m tests.simulation SEED [END]`."""

import logging
import sys

import structlog

from tests.simulation.history import play


def main(arguments: list[str]) -> int:
    """Return 1 where a promise was broken."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    first = int(arguments[0])
    if len(arguments) == 1:
        story = play(first)
        print(*story.happened, sep="\n")
        print(*(f"BROKEN: {what}" for what in story.broken), sep="\n")
        return 1 if story.broken else 0
    stories = [play(seed) for seed in range(first, int(arguments[1]))]
    for story in stories:
        for what in story.broken:
            print(f"seed {story.seed}: {what}")
    events, arrivals = sum(story.events for story in stories), sum(story.arrivals for story in stories)
    broken = sum(bool(story.broken) for story in stories)
    print(f"{len(stories)} histories, {events} events, {arrivals} arrivals at targets: {broken} broke a promise")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
