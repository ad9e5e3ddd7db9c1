import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from config import broker


def test_a_socket_directory_reaches_pgmq_as_a_keyword_string() -> None:
    found = broker.read("pgmq://lethe_app@/lethe_broker?host=%2Frun%2Flethe&port=5433")
    parts = conninfo_to_dict(str(found.options["conn_string"]))
    assert (parts["host"], parts["port"]) == ("/run/lethe", "5433")
    assert (parts["user"], parts["dbname"]) == ("lethe_app", "lethe_broker")
    assert "://" not in found.dsn
    assert found.options["init_extension"] is False


@pytest.mark.parametrize(
    "url", ["redis://cache:6379/0", "rediss://cache/1", "amqp://guest:guest@rabbit:5672/lethe"]
)
def test_redis_and_rabbitmq_are_taken_as_written(url: str) -> None:
    assert broker.read(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "sqs://key:hunter2@",
        "filesystem:///tmp",
        "redis://:hunter2@",
        "redis://cache:hunter2",
        "amqp://",
        "pgmq://lethe_app:hunter2@/?host=/run",
        "pgmq://lethe_app:hunter2@host:port/db?nonsense=1",
    ],
)
def test_an_unusable_setting_is_named_with_an_example_and_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"BROKER_URL .*pgmq://user@") as caught:
        broker.read(url)
    assert "hunter2" not in str(caught.value)


def test_a_broker_database_that_does_not_answer_is_named() -> None:
    absent = broker.read("pgmq://lethe_app:hunter2@/lethe_broker?host=/nonexistent")
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL cannot be used") as caught:
        broker.install(absent)
    assert "hunter2" not in str(caught.value)
