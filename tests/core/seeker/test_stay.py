"""The present stay, from admissions, emergency stays and transfers as they stand at a time."""

from datetime import datetime

from clinseek_core.seeker.stay import read_stay

NOW = datetime(2150, 3, 3, 12)
ADMITTED = {"hadm_id": "5", "admittime": "2150-03-02 10:00:00", "dischtime": ""}
EARLIER = {"hadm_id": "4", "admittime": "2150-02-01 10:00:00", "dischtime": "2150-02-11 10:00:00"}
ARRIVED = {"hadm_id": "5", "intime": "2150-03-02 04:00:00", "outtime": "2150-03-02 10:30:00"}


def stay(*, now=NOW, admissions=(), edstays=(), transfers=(), icustays=(), patients=()):
    return read_stay(
        now,
        admissions=admissions,
        edstays=edstays,
        transfers=transfers,
        icustays=icustays,
        patients=patients,
    )


def test_an_admission_begins_with_the_emergency_stay_that_led_to_it():
    found = stay(admissions=(ADMITTED, EARLIER), edstays=(ARRIVED,))
    assert (found.kind, found.start) == ("admission", datetime(2150, 3, 2, 4))
    assert found.days(NOW) == 26 / 24
    assert (found.earlier_days, found.last_discharge) == ((10.0,), datetime(2150, 2, 11, 10))


def test_an_emergency_stay_without_a_link_belongs_to_it_where_it_ended_just_before():
    near = ARRIVED | {"hadm_id": ""}
    far = near | {"intime": "2150-02-27 04:00:00", "outtime": "2150-02-27 09:00:00"}
    assert stay(admissions=(ADMITTED,), edstays=(near, far)).start == datetime(2150, 3, 2, 4)
    assert stay(admissions=(ADMITTED,), edstays=(far,)).start == datetime(2150, 3, 2, 10)


def test_an_end_in_the_future_is_no_end():
    """Under another basis the record may show it; the stay goes on all the same."""
    ending = ADMITTED | {"dischtime": "2150-03-09 10:00:00"}
    place = {"careunit": "Medicine", "outtime": "2150-03-04 10:00:00"}
    found = stay(admissions=(ending,), transfers=(place,))
    assert (found.kind, found.place) == ("admission", "Medicine")


def test_an_emergency_stay_alone():
    found = stay(admissions=(EARLIER,), edstays=(ARRIVED | {"hadm_id": "", "outtime": ""},))
    assert (found.kind, found.start) == ("emergency stay", datetime(2150, 3, 2, 4))


def test_without_a_stay_the_last_month_counts():
    assert stay(admissions=(EARLIER,)).start == datetime(2150, 2, 1, 12)
    assert stay(now=datetime.min).start == datetime.min


def test_intensive_care_is_where_the_patient_is_now():
    left, there = {"outtime": "2150-03-03 08:00:00"}, {"outtime": ""}
    assert not stay(icustays=(left,)).intensive_care
    assert stay(icustays=(there, left)).intensive_care
