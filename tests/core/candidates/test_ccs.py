"""The CCS files that HCUP publishes, in each of their forms."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from clinseek_core.candidates.ccs import read_ccs
from clinseek_core.errors import InputError

SINGLE_DX = """\
'ICD-9-CM CODE','CCS CATEGORY','CCS CATEGORY DESCRIPTION','ICD-9-CM CODE DESCRIPTION','OPTIONAL CCS CATEGORY'
'     ','0    ','No DX',INVALID CODES IN USER DATA,' '
'01000','1    ','Tuberculosis',PRIM TB COMPLEX-UNSPEC,' '
'41001','100  ','Acute MI',AMI ANTEROLATERAL, INIT,' '
'2950 ','659  ','Schizophrenia and other psychotic disorde',SIMPL SCHIZOPHREN-UNSPEC,' '
"""
SINGLE_PR = """\
'ICD-9-CM CODE','CCS CATEGORY','CCS CATEGORY DESCRIPTION','ICD-9-CM CODE DESCRIPTION'
'     ','0  ','No PROC          ',INVALID CODES IN USER DATA
'0121 ','1  ','Inc/exc CNS      ',CRANIAL SINUS I & D
'9999 ','999','Rare thing       ',RARE
"""
MULTI_DX = """\
'ICD-9-CM CODE','CCS LVL 1','CCS LVL 1 LABEL','CCS LVL 2','CCS LVL 2 LABEL','CCS LVL 4','CCS LVL 4 LABEL'
'41001','7',"Diseases, of all kinds",'7.2',"Acute myocardial infarction [100.]",' '," "
"""
MULTI_PR = """\
'ICD-9-CM CODE','CCS LVL 1','CCS LVL 1 LABEL','CCS LVL 2','CCS LVL 2 LABEL','CCS LVL 3','CCS LVL 3 LABEL'
'0121','1',"Operations on the nervous system",'1.1',"Incision and excision of CNS [1.]",'1.1.1',"Craniotomy"
"""
ICD10_DX = """\
'ICD-10-CM CODE','CCS CATEGORY','ICD-10-CM CODE DESCRIPTION','CCS CATEGORY DESCRIPTION','MULTI CCS LVL 1'
'I2109','100','STEMI, other','Acute myocardial infarction (full)','7'
"""
ICD10_PR = """\
'ICD-10-PCS CODE','CCS CATEGORY','ICD-10-PCS CODE DESCRIPTION','CCS CATEGORY DESCRIPTION','MULTI CCS LVL 1'
'00160J6','1','Bypass','Incision and excision of CNS','1'
"""
PLAIN_10 = """\
icd10_code,ccs_single,ccs_multi_lvl1
F20.0,Schizophrenia and other psychotic disorders,Mental
F200,Schizophrenia and other psychotic disorders,Mental
Q1,"Congenital, ""odd"" anomalies",x
"""


def folder(root: Path, **files: str) -> Path:
    for name, text in files.items():
        with gzip.open(root / f"{name}.csv.gz", "wt", encoding="utf-8") as out:
            out.write(text)
    return root


def test_single_level_files_give_each_code_its_class(tmp_path: Path) -> None:
    found = read_ccs(folder(tmp_path, dx=SINGLE_DX, pr=SINGLE_PR))
    assert found["diagnoses"] == {
        ("01000", 9): "Tuberculosis",
        ("41001", 9): "Acute MI",
        ("2950", 9): "Schizophrenia and other psychotic disorde",
    }
    assert found["procedures"] == {("0121", 9): "Inc/exc CNS", ("9999", 9): "Rare thing"}


def test_multi_level_files_spell_what_the_single_level_shortens(tmp_path: Path) -> None:
    found = read_ccs(folder(tmp_path, dx=SINGLE_DX, pr=SINGLE_PR, multi_dx=MULTI_DX, multi_pr=MULTI_PR))
    assert found["diagnoses"]["41001", 9] == "Acute myocardial infarction"
    assert found["procedures"] == {("0121", 9): "Incision and excision of CNS", ("9999", 9): "Rare thing"}


def test_icd10_files_give_both_versions_one_name_for_a_class(tmp_path: Path) -> None:
    found = read_ccs(folder(tmp_path, dx=SINGLE_DX, multi=MULTI_DX, ten=ICD10_DX, ten_pr=ICD10_PR))
    assert found["diagnoses"]["41001", 9] == found["diagnoses"]["I2109", 10]
    assert found["diagnoses"]["I2109", 10] == "Acute myocardial infarction (full)"
    assert found["procedures"] == {("00160J6", 10): "Incision and excision of CNS"}


def test_a_name_cut_short_is_spelled_as_another_file_spells_it(tmp_path: Path) -> None:
    found = read_ccs(folder(tmp_path, dx=SINGLE_DX, plain=PLAIN_10))["diagnoses"]
    assert found["2950", 9] == found["F200", 10] == "Schizophrenia and other psychotic disorders"
    assert found["Q1", 10] == 'Congenital, "odd" anomalies'


def test_a_preamble_plain_files_and_files_of_others_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "$dxref 2015.csv").write_text(f"'Updated 10/1/2015'\n\n{SINGLE_DX}", encoding="utf-8")
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    assert read_ccs(tmp_path)["diagnoses"]["01000", 9] == "Tuberculosis"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("cut.csv.gz", gzip.compress(SINGLE_DX.encode() * 50)[:-20], "can't be read"),
        ("no.csv.gz", b"no gzip", "can't be read"),
        ("short.csv", SINGLE_PR.encode() + b"'0122 ','1  '\n", "short.csv:5: has 2 cells, not 4"),
    ],
    ids=["gzip cut off", "no gzip", "a short line"],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said) as raised:
        read_ccs(tmp_path)
    assert name in str(raised.value)


@pytest.mark.parametrize("what", ["nothing", "no CCS file", "a file"])
def test_a_folder_without_ccs_files_is_refused_with_the_remedy(tmp_path: Path, what: str) -> None:
    place = tmp_path / "ccs"
    if what == "no CCS file":
        place.mkdir()
        (place / "a.csv").write_text("a,b\n")
    elif what == "a file":
        place.write_text(SINGLE_DX)
    with pytest.raises(InputError, match=r"HCUP"):
        read_ccs(place)


@pytest.mark.skipif(
    "CLINSEEK_ICD_CCS" not in os.environ, reason="set CLINSEEK_ICD_CCS to a folder of CCS files of HCUP"
)
def test_the_real_files_give_every_code_a_class() -> None:
    found = read_ccs(Path(os.environ["CLINSEEK_ICD_CCS"]))
    versions = {kind: {version for _, version in codes} for kind, codes in found.items()}
    assert versions == {"diagnoses": {9, 10}, "procedures": {9}}
    assert len(found["diagnoses"]) > 80_000
    assert len(found["procedures"]) > 3_900
    assert 270 < len(set(found["diagnoses"].values())) < 300
    assert 225 < len(set(found["procedures"].values())) < 235
    assert found["diagnoses"]["41071", 9] == found["diagnoses"]["I214", 10] == "Acute myocardial infarction"
