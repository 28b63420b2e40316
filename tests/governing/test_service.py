"""Giving the fund versions, where several do it at once."""

import threading

from fund.base.errors import FundError
from fund.governing import service
from tests.support.versions import VERSION, later
from tests.support.world import world
from workflows import Definition


def test_of_two_who_give_the_same_version_at_once_one_is_told(db, clock):
    here = world(db, clock.now())
    first = later("lesson")
    second = Definition.parse(first.source + "\n# Another.\n")
    start, results = threading.Barrier(2), []

    def give(definition: Definition) -> None:
        start.wait()
        try:
            with db.write() as session:
                service.accept(session, here.manager, definition.source, clock.now())
            results.append("given")
        except FundError as error:
            results.append(type(error).__name__)

    threads = [threading.Thread(target=give, args=(one,)) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["Invalid", "given"]
    with db.read() as session:
        stored = service.versions.known(session).values()
        assert sum(one.name == "lesson" and one.version == VERSION for one in stored) == 1
