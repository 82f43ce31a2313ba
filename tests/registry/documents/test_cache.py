"""What is remembered, and what has to make room."""

from scanner.registry.documents.cache import MemoryDocuments, Recent


def test_the_value_used_longest_ago_makes_room():
    recent = Recent(2)
    recent.put("a", 1, 0.0)
    recent.put("b", 2, 1.0)
    assert recent.get("a") == (1, 0.0)
    recent.put("c", 3, 2.0)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == ((1, 0.0), None, (3, 2.0))


def test_a_heavy_value_makes_many_go():
    recent = Recent(10)
    for number in range(10):
        recent.put(number, number, 0.0)
    recent.put("heavy", "x", 0.0, 8)
    assert [n for n in range(10) if recent.get(n)] == [8, 9]


def test_what_is_heavier_than_the_whole_is_not_kept():
    recent = Recent(10)
    recent.put("a", 1, 0.0, 11)
    assert recent.get("a") is None
    assert recent._held == 0


def test_a_replaced_value_weighs_once():
    recent = Recent(10)
    for _ in range(100):
        recent.put("a", 1, 0.0, 5)
    assert recent._held == 5


def test_documents_are_held_up_to_a_number_of_bytes():
    held = MemoryDocuments(max_bytes=10)
    held.put("a", b"12345", "")
    held.put("a", b"12345", "")
    held.put("b", b"12345", "")
    assert held.get("a") == b"12345"
    held.put("c", b"1", "")
    held.put("d", b"x" * 11, "")
    assert (held.get("a"), held.get("b"), held.get("c"), held.get("d")) == (b"12345", None, b"1", None)
