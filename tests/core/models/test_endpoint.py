from __future__ import annotations

import pytest

from clinseek_core.errors import InputError
from clinseek_core.models import endpoint_from, is_local
from clinseek_core.models.openai_chat import OpenAIChat


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST./v1", True),
        ("http://models.localhost/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://127.9.9.9:1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://[::ffff:127.0.0.1]/v1", True),
        ("http://user:pw@localhost/v1", True),
        ("https://api.example.org/v1", False),
        ("http://192.168.0.7/v1", False),
        ("http://0.0.0.0:8000/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://localhost@example.org/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
        ("localhost:8000", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_loopback_is_local(url, local):
    assert is_local(url) is local


def test_the_option_wins_over_the_environment():
    environ = {"OPENAI_BASE_URL": "https://a.example/v1", "OPENAI_API_KEY": " sk-1 "}
    assert endpoint_from("m", None, environ).base_url == "https://a.example/v1"
    endpoint = endpoint_from("m", "https://b.example/v1", environ)
    assert (endpoint.base_url, endpoint.api_key) == ("https://b.example/v1", "sk-1")
    assert endpoint_from("m", None, {"OPENAI_API_KEY": "k"}).base_url == "https://api.openai.com/v1"


def test_a_local_endpoint_needs_no_key():
    assert endpoint_from("m", "http://localhost:8000/v1", {}).api_key


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        (None, "", "OPENAI_API_KEY is not set"),
        ("https://a.example/v1", "", "a.example needs a key"),
        ("localhost:8000", "k", "http://localhost:8000/v1"),
        ("ftp://a.example", "k", "no http"),
        ("http://a.example:99999/v1", "k", "no http"),
        ("http://localhost/v1", "sk-\u201cquoted\u201d", "copy the key anew"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(url, key, says):
    with pytest.raises(InputError, match=says):
        endpoint_from("m", url, {"OPENAI_API_KEY": key})


def test_a_password_in_the_address_stays_out_of_the_journal():
    endpoint = endpoint_from("m", "http://me:secret@localhost:8000/v1?token=secret", {})
    info = OpenAIChat(endpoint).info
    assert info.base_url == "http://localhost:8000/v1"
    assert "secret" not in repr(endpoint)
