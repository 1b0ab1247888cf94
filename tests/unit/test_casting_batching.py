"""What records weigh, of which a batch takes so much and no more."""

from confluent_kafka import Message

from election.casting.batching import size


def test_a_record_weighs_what_its_value_its_key_and_its_headers_do() -> None:
    bare, with_all = Message(), Message(key=b"k" * 10, value=b"v" * 200, headers=[("n", b"h" * 3_000), ("none", None)])
    assert size([]) == 0
    assert size([bare]) > 0
    assert size([with_all]) - size([bare]) == 10 + 200 + len("n") + 3_000 + len("none")
    assert size([bare, with_all]) == size([bare]) + size([with_all])
