from geophone_alerter.recent import Recent


def test_what_was_changed_longest_ago_makes_room() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.put("a", 3)
    recent.put("c", 4)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (3, None, 4)
    assert (len(recent), recent.evicted) == (2, 1)


def test_what_is_removed_is_not_counted() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.remove("a")
    recent.remove("never there")
    assert (recent.get("a"), len(recent), recent.evicted) == (None, 0, 0)
