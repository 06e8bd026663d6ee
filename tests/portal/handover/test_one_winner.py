"""Of many who bring one sign-in token at the same time, one gets in: on PostgreSQL and SQLite."""

from __future__ import annotations

from collections import Counter
from threading import Barrier, Thread

import pytest
from django.db import connection

from billhook.engine.secret import Secret
from billhook.portal.handover.models import UsedToken
from billhook.portal.handover.services import give_back_token, take_token
from portal.cast import Cast

MANY = 8


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_takes_a_token_and_may_give_it_back(cast: Cast) -> None:
    token = Secret("one-time-5c1f0f")
    for _ in range(5):
        assert _taken_at_once(cast, token) == Counter({False: MANY - 1, True: 1})
        assert UsedToken.objects.count() == 1
        give_back_token(cast.harper.id, token)
    assert _taken_at_once(cast, token)[True] == 1


def _taken_at_once(cast: Cast, token: Secret) -> Counter[bool]:
    found: list[bool] = []
    start = Barrier(MANY)

    def take() -> None:
        try:
            start.wait()
            found.append(take_token(cast.harper.id, token))
        finally:
            connection.close()

    threads = [Thread(target=take) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(found)
