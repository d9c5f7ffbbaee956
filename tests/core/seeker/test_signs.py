"""Signs: what vital signs and results say, at their limits."""

import pytest

from clinseek_core.seeker.signs import lab_signs, labs_of, vital_signs


@pytest.mark.parametrize(
    ("column", "value", "sign"),
    [
        ("temperature", "100.4", None),
        ("temperature", "100.5", "fever"),
        ("temperature", "38.9", "fever"),
        ("temperature", "36.8", None),
        ("temperature", "95", "hypothermia"),
        ("heartrate", "101", "tachycardia"),
        ("heartrate", "49", "bradycardia"),
        ("resprate", "21", "tachypnea"),
        ("o2sat", "92", "hypoxia"),
        ("sbp", "99", "hypotension"),
        ("sbp", "161", "hypertension"),
        ("sbp", "9999", None),
        ("pain", "8", "pain"),
        ("pain", "unable", None),
        ("pain", "13", None),
    ],
)
def test_a_vital_sign_beyond_its_limit(column, value, sign):
    assert list(vital_signs([{column: value}])) == ([sign] if sign else [])


def test_the_worst_reading_is_told():
    rows = [
        {"heartrate": "110"},
        {"heartrate": "131"},
        {"label": "Heart Rate", "lowest": "70", "highest": "120"},
    ]
    assert vital_signs(rows) == {"tachycardia": "heart rate 131/min"}


def labs(*lines):
    head = "label,fluid,results,abnormal,latest,unit,lowest,highest,lower,upper,before"
    return labs_of("\n".join(["rows", head, *lines]))


@pytest.mark.parametrize(
    ("line", "signs"),
    [
        ("Sodium,Blood,2,1,126,mEq/L,126,131,133,145,", {"Sodium -": "Sodium 126 mEq/L (low)"}),
        ("Lactate,Blood,1,1,4.1,mmol/L,4.1,4.1,0.5,2,", {"Lactate +": "Lactate 4.1 mmol/L (high)"}),
        ("Nitrite,Urine,1,1,POS,,,,,,", {"Nitrite [Urine] +": "Nitrite [Urine] POS"}),
        ("Glucose,Urine,1,0,NEG,,,,,,", {}),
        ("Creatinine,Blood,2,0,1.1,mg/dL,1.0,1.1,0.4,1.1,1.0", {}),
        ("Creatinine,Blood,2,0,2.4,mg/dL,2.0,2.4,0.4,3,2.0", {}),
        (
            "Creatinine,Blood,2,1,1.8,mg/dL,1.2,1.8,0.4,1.1,1.0",
            {
                "Creatinine +": "Creatinine 1.8 mg/dL (high)",
                "Creatinine rise": "Creatinine 1.8 mg/dL (up from 1)",
            },
        ),
        (
            "Hemoglobin,Blood,2,2,7.9,g/dL,7.9,10.2,11.2,15.7,12.5",
            {
                "Hemoglobin -": "Hemoglobin 7.9 g/dL (low)",
                "Hemoglobin drop": "Hemoglobin 7.9 g/dL (down from 12.5)",
            },
        ),
    ],
)
def test_a_result_beyond_its_range_or_far_from_before(line, signs):
    assert lab_signs(labs(line)) == signs
