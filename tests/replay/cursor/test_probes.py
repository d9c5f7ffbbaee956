"""Probes give a column of values over a run that was recorded before anybody thought of them."""

from __future__ import annotations

import pytest

from clinseek_core.errors import InputError
from clinseek_core.journal import Usage
from clinseek_replay.cursor import read_probe


def test_a_probe_gives_its_values_at_each_place_that_has_some(make_run, make_step) -> None:
    run = make_run(
        make_step(1, ("ehr.x", {"table_name": "labevents"}, "ok", "lactate 2.1; lactate 3.4"), ("ehr.y", {})),
        make_step(2, text="Lactate 9.9 is high", usage=Usage(input_tokens=7, output_tokens=1)),
        make_step(3, ("ehr.x", {"table_name": None}, "error", "lactate 5.0")),
    )

    def column(written: str) -> list[tuple]:
        return [(probed.anchor, *probed.values) for probed in read_probe(written).column(run)]

    assert column("$.arguments.table_name") == [("s1.c1", "labevents"), ("s3.c1", "null")]
    assert column("$.step.usage.input_tokens") == [("s2", "7")]
    assert column(r"/lactate \d+\.\d/") == [
        ("s1.c1", "lactate 2.1", "lactate 3.4"),
        ("s2", "Lactate 9.9"),
        ("s3.c1", "lactate 5.0"),
    ]
    assert column(r"result:/\d\.\d/") == [("s1.c1", "2.1", "3.4"), ("s3.c1", "5.0")]
    assert column("$.status=error") == [("s3.c1", "error")]
    assert column("$..nowhere") == []


def test_values_are_bounded(make_run, make_step) -> None:
    run = make_run(make_step(1, ("ehr.x", {"a": "y" * 9000}, "ok", "z" * 9000)))
    (probed,) = read_probe("result:/z/").column(run)
    assert len(probed.values) == 100
    (probed,) = read_probe("$.arguments.a").column(run)
    assert len(probed.values[0]) == 400


@pytest.mark.parametrize(
    ("written", "reason"),
    [("lactate", "between slashes"), ("nofield:/x/", "no field nofield"), ("$[", "none of")],
)
def test_what_is_no_probe_says_why(written: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_probe(written)
