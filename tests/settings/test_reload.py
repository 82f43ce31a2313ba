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


def test_a_hundred_requests_at_once_make_two_reloads_and_the_second_sees_all():
    source, asked, turn = Source(("a",)), threading.Semaphore(0), threading.Event()

    def read():
        answer = source()
        if source.reads == 2:
            assert turn.wait(60)
        return answer

    holder, outcomes = Reloader(read, len, lambda _: False, lambda: 0.0), []
    numbers = holder._asked
    holder._asked = iter(lambda: (next(numbers), asked.release())[0], None)
    requests = [threading.Thread(target=lambda: outcomes.append(holder.reload())) for _ in range(100)]
    for request in requests:
        request.start()
    for _ in range(101):  # each request, besides the first reading
        assert asked.acquire(timeout=60)
    turn.set()
    for request in requests:
        request.join()
    assert [outcome.successful for outcome in outcomes] == [True] * 100
    assert source.reads == 3


def test_a_reload_after_another_has_ended_reads_again():
    holder, source = reloader(("a",), ("b",), ("c",))
    assert (holder.reload().successful, holder.current) == (True, ("b",))
    assert (holder.reload().successful, holder.current) == (True, ("c",))
    assert source.reads == 3


def test_a_fault_of_ours_while_reading_keeps_the_last_good_one_and_is_told():
    holder, _ = reloader(("a",), OSError("no such secret"))
    outcome = holder.reload()
    assert (holder.current, outcome.successful) == (("a",), False)
    assert "OSError: no such secret" in str(outcome.problems[0])


def test_a_thousand_alternating_reloads_never_show_a_refused_value():
    holder, _ = reloader(*[("good",) if i % 2 == 0 else BAD for i in range(1001)])
    for index in range(1000):
        holder.reload()
        assert holder.current == ("good",)
        assert holder.outcome.successful is (index % 2 == 1)
