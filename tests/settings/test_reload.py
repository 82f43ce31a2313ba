import asyncio
import threading

import pytest

from scanner.settings import Problem, Reloader, SettingsError


class Source:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.reads = 0

    def __call__(self):
        self.reads += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


BAD = SettingsError([Problem("archscan.yml", 3, "scan", "unknown key")])


def reloader(*answers, allow=False):
    source = Source(*answers)
    return Reloader(source, len, lambda _: allow, lambda: 1000.0), source


def test_a_bad_configuration_at_the_start_is_an_error():
    with pytest.raises(SettingsError):
        reloader(BAD)


def test_a_bad_file_keeps_the_last_good_one_and_says_why():
    holder, _ = reloader(("a",), BAD)
    outcome = holder.reload()
    assert holder.current == ("a",)
    assert (outcome.successful, outcome.at, outcome.problems) == (False, 1000.0, BAD.problems)
    assert holder.outcome == outcome


def test_a_good_file_after_a_bad_one_is_taken():
    holder, _ = reloader(("a",), BAD, ("a", "b"))
    holder.reload()
    assert holder.reload().successful
    assert holder.current == ("a", "b")


@pytest.mark.parametrize(("after", "kept"), [(0, True), (4, True), (5, False), (20, False)])
def test_an_inventory_that_loses_more_than_half_is_refused(after, kept):
    before = tuple(range(10))
    holder, _ = reloader(before, tuple(range(after)))
    holder.reload()
    assert (holder.current == before) is kept
    assert holder.outcome.successful is not kept


def test_shrinking_is_accepted_where_the_operator_allows_it():
    holder, _ = reloader(("a", "b", "c"), (), allow=True)
    assert holder.reload().successful
    assert holder.current == ()


async def test_a_hundred_requests_make_at_most_two_reloads_and_the_last_sees_all():
    entered, go = threading.Event(), threading.Event()
    source = Source(("a",))

    def read():
        answer = source()
        if source.reads > 1:
            entered.set()
            go.wait(5)
        return answer

    holder = Reloader(read, len, lambda _: False, lambda: 0.0)
    requests = [asyncio.create_task(holder.request()) for _ in range(100)]
    await asyncio.to_thread(entered.wait, 5)
    go.set()
    outcomes = await asyncio.gather(*requests)
    assert all(outcome.successful for outcome in outcomes)
    assert source.reads == 3


async def test_a_thousand_alternating_reloads_never_show_a_refused_value():
    holder, _ = reloader(*[("good",) if i % 2 == 0 else BAD for i in range(1001)])
    for index in range(1000):
        holder.reload()
        assert holder.current == ("good",)
        assert holder.outcome.successful is (index % 2 == 1)
