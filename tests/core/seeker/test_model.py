"""The seeker as a model: who it says it is, and how it stops."""

import pytest

from clinseek_core.errors import ModelError
from clinseek_core.models import TextDelta
from clinseek_core.seeker.model import Seeker


class Stopped:
    stopped = True


def test_it_says_that_it_is_built_in():
    assert (Seeker().info.name, Seeker().info.kind) == ("seeker", "builtin")


def test_after_a_stop_it_gives_no_answer(seeking):
    with pytest.raises(ModelError) as error:
        Seeker().reply(seeking.prompt(seeking.cases[0]), (), on_progress=print, cancelled=Stopped())
    assert error.value.kind == "cancelled"


def test_what_it_says_in_words_is_shown_as_it_comes(seeking):
    shown = []

    class Going(Stopped):
        stopped = False

    reply = Seeker().reply(seeking.prompt(seeking.cases[0]), (), on_progress=shown.append, cancelled=Going())
    assert shown == [TextDelta(reply.text)]
