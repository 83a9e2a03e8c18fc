import threading

import pytest

from musicvae_jax.runtime.prefetch import one_ahead


def test_items_come_in_order_none_included():
    assert list(one_ahead(iter([3, None, 1]))) == [3, None, 1]
    assert list(one_ahead(iter([]))) == []


def test_the_next_item_is_made_while_one_is_in_use():
    made = [threading.Event() for _ in range(4)]

    def items():
        for event in made:
            event.set()
            yield event

    ahead = one_ahead(items())
    next(ahead)
    assert made[1].wait(10)
    assert not made[2].is_set()
    ahead.close()


def test_an_error_comes_in_its_place():
    def items():
        yield 1
        raise ValueError("second")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="second"):
        next(ahead)
