"""Random bytes that are fetched ahead."""

from concurrent.futures import ThreadPoolExecutor

from relay.entropy import AHEAD, Entropy

SIZE = 10


def test_nothing_is_given_out_twice_whatever_thread_asks() -> None:
    """Events are named by them, and two must never have one name."""
    entropy, wanted = Entropy(SIZE), AHEAD * 8 + 1
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: entropy(), range(wanted)))

    assert wanted == len(set(given))
    assert {SIZE} == {len(each) for each in given}
