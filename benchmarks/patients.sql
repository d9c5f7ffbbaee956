-- Generated patients, shaped like MIMIC-IV: one SELECT per table. No value comes from a real record.
--
-- `patients.py` reads this file. Each section is a query over rows that have
--   s        the patient's number, from 0            subject, hadm, stay   MIMIC-IV's ids
--   k        the row's number within the patient     a                     the admission's number
--   t0, los  the admission's begin (seconds since 1970) and its length in seconds
--   t        when the row happened, seconds since 1970
-- and its heading says how many rows a patient has: `share` of the patient's rows, or `each` patient,
-- admission, icu stay or ed stay, times a number. `place` is what the times fall in (hospital by default),
-- `together` the number of rows that share their time, and `order` makes a row follow the drug order it
-- belongs to. Words in braces are row counts: {labevents} is the number of labevents of each patient.
-- Columns that are not selected are empty, as most of emar_detail is in real data.

-- macros
CREATE MACRO dice(s, k, n) AS (hash(s, k, n, {seed}) % 1000003)::INTEGER;
CREATE MACRO stamp(seconds) AS make_timestamp(seconds::BIGINT * 1000000);
CREATE MACRO midnight(seconds) AS make_timestamp(seconds::BIGINT // 86400 * 86400000000);
CREATE MACRO admitted(s, a) AS
    4418064000 + dice(s, 0, 'first day') % 15000 * 86400 + a * 2160000 + dice(s, a, 'begin') % 10000 * 60;
CREATE MACRO stay_length(s, a) AS 480000 + dice(s, a, 'length') % 720000;
CREATE MACRO staff(number) AS 'P' || lpad((number % 40000)::VARCHAR, 5, '0');
CREATE MACRO near(mean, spread, number) AS round(mean * (1 + spread * (number / 500001.5 - 1)), 1);
CREATE MACRO lab_items() AS [50912, 50931, 50971, 50983, 50902, 50882, 50868, 51006, 50960, 50970, 50893,
    51221, 51222, 51265, 51301];
CREATE MACRO lab_names() AS ['Creatinine', 'Glucose', 'Potassium', 'Sodium', 'Chloride', 'Bicarbonate',
    'Anion Gap', 'Urea Nitrogen', 'Magnesium', 'Phosphate', 'Calcium, Total', 'Hematocrit', 'Hemoglobin',
    'Platelet Count', 'White Blood Cells'];
CREATE MACRO lab_means() AS [1.2, 130, 4.2, 139, 103, 25, 14, 22, 2.0, 3.6, 8.9, 33, 11, 220, 9];
CREATE MACRO lab_units() AS ['mg/dL', 'mg/dL', 'mEq/L', 'mEq/L', 'mEq/L', 'mEq/L', 'mEq/L', 'mg/dL',
    'mg/dL', 'mg/dL', 'mg/dL', '%', 'g/dL', 'K/uL', 'K/uL'];
CREATE MACRO chart_items() AS [220045, 220179, 220180, 220181, 220210, 220277, 223761, 220739, 223900,
    223901, 224048, 223830, 220615, 225664, 227443, 226253];
CREATE MACRO chart_names() AS ['Heart Rate', 'Non Invasive Blood Pressure systolic',
    'Non Invasive Blood Pressure diastolic', 'Non Invasive Blood Pressure mean', 'Respiratory Rate',
    'O2 saturation pulseoxymetry', 'Temperature Fahrenheit', 'GCS - Eye Opening', 'GCS - Verbal Response',
    'GCS - Motor Response', 'Heart Rhythm', 'PH (Arterial)', 'Creatinine (serum)', 'Glucose finger stick',
    'HCO3 (serum)', 'SpO2 Desat Limit'];
CREATE MACRO chart_means() AS [86, 122, 64, 82, 19, 97, 98.4, 4, 5, 6, 60, 7.4, 1.2, 130, 25, 90];
CREATE MACRO chart_units() AS ['bpm', 'mmHg', 'mmHg', 'mmHg', 'insp/min', '%', '°F', NULL, NULL, NULL, NULL,
    'units', 'mg/dL', 'mg/dL', 'mEq/L', '%'];
CREATE MACRO chart_texts() AS ['Spontaneously', 'Oriented', 'Obeys Commands', 'SR (Sinus Rhythm)', 'Clear',
    'Not applicable', 'None', 'Dry/Intact'];
CREATE MACRO care_units() AS ['Medicine', 'Med/Surg', 'Neurology', 'Cardiac Surgery', 'Transplant',
    'Hematology/Oncology', 'Vascular', 'Psychiatry'];
CREATE MACRO icu_units() AS ['Medical Intensive Care Unit (MICU)', 'Surgical Intensive Care Unit (SICU)',
    'Coronary Care Unit (CCU)', 'Neuro Intermediate'];
CREATE MACRO phrases() AS [
    'The patient is a 67 year old with congestive heart failure who presents with worsening dyspnea.',
    'Vital signs were stable on arrival to the floor, and the patient was placed on telemetry.',
    'Chest radiograph showed small bilateral pleural effusions with mild pulmonary vascular congestion.',
    'Creatinine rose from a baseline of 1.2 to 2.1 and improved with holding of the diuretic.',
    'Blood cultures were drawn, and broad-spectrum antibiotics were begun for presumed pneumonia.',
    'No evidence of acute intracranial process; ventricles and sulci are normal in size.',
    'Heparin was held given the drop in hemoglobin; one unit of red cells was given without reaction.',
    'Lungs: decreased breath sounds at the bases, otherwise clear, "no wheezes".',
    'Abdomen: soft, nontender, nondistended, bowel sounds present, no organomegaly.',
    'Discharge condition: alert and interactive, ambulatory with assistance.'];
CREATE MACRO prose(s, k, n) AS array_to_string(
    list_transform(range(n), lambda x: pick(phrases(), dice(s, k, x))
        || pick([' ', ' ', chr(10)], dice(s, x, k))), '');
CREATE MACRO drug_of(s, order_number) AS drug_name(dice(s, order_number, 'drug') % 900 * 173);
CREATE MACRO order_id(subject, order_number) AS subject || '-' || (1 + order_number);
CREATE MACRO pharmacy_entry(s, number) AS 10000000 + dice(s, 0, 'pharmacy') * 40 + number;

-- table patients: each patient
SELECT subject AS subject_id, pick(['F', 'M'], dice(s, 0, 'sex')) AS gender,
    20 + dice(s, 0, 'age') % 70 AS anchor_age, year(stamp(t0)) AS anchor_year,
    '2014 - 2016' AS anchor_year_group

-- table admissions: each admission
SELECT subject AS subject_id, hadm AS hadm_id, stamp(t0) AS admittime, stamp(t0 + los) AS dischtime,
    pick(['EW EMER.', 'URGENT', 'OBSERVATION ADMIT'], dice(s, a, 'type')) AS admission_type,
    staff(dice(s, a, 'who')) AS admit_provider_id, 'EMERGENCY ROOM' AS admission_location,
    pick(['HOME', 'SKILLED NURSING FACILITY', 'REHAB'], dice(s, a, 'to')) AS discharge_location,
    pick(['Medicare', 'Medicaid', 'Private'], dice(s, 0, 'pays')) AS insurance, 'English' AS language,
    pick(['MARRIED', 'SINGLE', 'WIDOWED'], dice(s, 0, 'married')) AS marital_status, 'WHITE' AS race,
    CASE WHEN a % 2 = 0 THEN stamp(t0 - 21600) END AS edregtime,
    CASE WHEN a % 2 = 0 THEN stamp(t0 + 1800) END AS edouttime, 0 AS hospital_expire_flag

-- table transfers: each admission*3
SELECT subject AS subject_id, hadm AS hadm_id, hadm * 10 + k % 3 AS transfer_id,
    pick(['admit', 'transfer', 'discharge'], k) AS eventtype,
    CASE WHEN k % 3 < 2 THEN pick(care_units(), dice(s, k, 'unit')) END AS careunit,
    stamp(t0 + los * (k % 3) / 2) AS intime,
    CASE WHEN k % 3 < 2 THEN stamp(t0 + los * (k % 3 + 1) / 2) END AS outtime

-- table services: each admission
SELECT subject AS subject_id, hadm AS hadm_id, stamp(t0 + 60) AS transfertime, 'MED' AS curr_service

-- table drgcodes: each admission
SELECT subject AS subject_id, hadm AS hadm_id, 'APR' AS drg_type, 1 + dice(s, a, 'drg') % 950 AS drg_code,
    'HEART FAILURE' AS description, 1 + dice(s, a, 'severity') % 4 AS drg_severity,
    1 + dice(s, a, 'mortality') % 4 AS drg_mortality

-- table diagnoses_icd: each admission*12
SELECT subject AS subject_id, hadm AS hadm_id, 1 + k % 12 AS seq_num,
    diagnosis_code(dice(s, k, 'diagnosis') % 87103) AS icd_code, 10 AS icd_version

-- table procedures_icd: each admission*2
SELECT subject AS subject_id, hadm AS hadm_id, 1 + k % 2 AS seq_num,
    midnight(t0 + los / 3)::DATE AS chartdate,
    procedure_code(dice(s, k, 'procedure') % 83131) AS icd_code, 10 AS icd_version

-- table hcpcsevents: each admission
SELECT subject AS subject_id, hadm AS hadm_id, midnight(t0 + los / 2)::DATE AS chartdate, 'G0378' AS hcpcs_cd,
    1 AS seq_num, 'Hospital observation per hr' AS short_description

-- table omr: share 0.003, together 4
SELECT subject AS subject_id, midnight(t)::DATE AS chartdate, 1 + k % 4 AS seq_num,
    pick(['Blood Pressure', 'Weight (Lbs)', 'BMI (kg/m2)', 'Height (Inches)'], k) AS result_name,
    pick(['130/80', '172', '27.4', '67'], k) AS result_value

-- table labevents: share 0.20, together 15
SELECT 1 + s * {labevents} + k AS labevent_id, subject AS subject_id, hadm AS hadm_id,
    1 + (s * {labevents} + k) // 15 AS specimen_id, pick(lab_items(), k) AS itemid,
    CASE WHEN k % 4 = 0 THEN staff(dice(s, k // 15, 'who')) END AS order_provider_id, stamp(t) AS charttime,
    CASE WHEN dice(s, k // 15, 'stored') % 100 > 0
        THEN stamp(t + 1800 + 60 * (dice(s, k // 15, 'wait') % 240)) END AS storetime,
    near(pick(lab_means(), k), 0.4, dice(s, k, 'value')) AS valuenum, pick(lab_units(), k) AS valueuom,
    CASE WHEN dice(s, k, 'kind') % 50 = 0 THEN '___' ELSE valuenum::VARCHAR END AS value,
    round(pick(lab_means(), k) * 0.8, 1) AS ref_range_lower,
    round(pick(lab_means(), k) * 1.2, 1) AS ref_range_upper,
    CASE WHEN dice(s, k, 'flag') % 3 = 0 THEN 'abnormal' END AS flag,
    pick(['ROUTINE', 'STAT'], dice(s, k // 15, 'haste')) AS priority,
    CASE WHEN dice(s, k, 'kind') % 50 = 0 THEN 'HEMOLYSIS FALSELY INCREASES THIS RESULT.' END AS comments

-- table microbiologyevents: share 0.006, together 6
SELECT 1 + s * {microbiologyevents} + k AS microevent_id, subject AS subject_id, hadm AS hadm_id,
    1 + (s * {microbiologyevents} + k) // 6 AS micro_specimen_id, midnight(t) AS chartdate,
    stamp(t) AS charttime,
    70012 AS spec_itemid, 'BLOOD CULTURE' AS spec_type_desc, 1 AS test_seq, midnight(t + 259200) AS storedate,
    stamp(t + 259200) AS storetime, 90201 + dice(s, k // 6, 'test') % 171 AS test_itemid,
    'Culture ' || dice(s, k // 6, 'test') % 171 AS test_name, 80023 AS org_itemid,
    pick(['STAPH AUREUS COAG +', 'ESCHERICHIA COLI', 'KLEBSIELLA PNEUMONIAE'], dice(s, k // 6, 'organism'))
        AS org_name,
    1 AS isolate_num, 90012 + k % 6 AS ab_itemid,
    pick(['VANCOMYCIN', 'OXACILLIN', 'GENTAMICIN', 'LEVOFLOXACIN', 'ERYTHROMYCIN', 'RIFAMPIN'], k) AS ab_name,
    '<=0.5' AS dilution_text, '<=' AS dilution_comparison, 0.5 AS dilution_value,
    pick(['S', 'R', 'I'], dice(s, k, 'answer')) AS interpretation

-- table poe: share 0.05
SELECT order_id(subject, k) AS poe_id, 1 + k AS poe_seq, subject AS subject_id, hadm AS hadm_id,
    stamp(t) AS ordertime,
    pick(['Medications', 'Lab', 'General Care', 'IV therapy', 'Radiology'], dice(s, k, 'kind')) AS order_type,
    'New' AS transaction_type,
    CASE WHEN k % 9 = 8 THEN order_id(subject, k - 3) END AS discontinue_of_poe_id,
    CASE WHEN k % 9 = 5 AND k + 3 < {poe} THEN order_id(subject, k + 3) END AS discontinued_by_poe_id,
    staff(dice(s, k, 'who')) AS order_provider_id, 'Inactive' AS order_status

-- table poe_detail: share 0.004, order k * {poe} // {poe_detail}
SELECT order_id(subject, placed) AS poe_id, 1 + placed AS poe_seq, subject AS subject_id,
    'Code status' AS field_name,
    pick(['Resuscitate (Full code)', 'Do not resuscitate'], dice(s, k, 'code')) AS field_value

-- table pharmacy: share 0.018, order k * {poe} // {pharmacy}
SELECT subject AS subject_id, hadm AS hadm_id, pharmacy_entry(s, k) AS pharmacy_id,
    order_id(subject, placed) AS poe_id,
    stamp(t + 2400) AS starttime, stamp(t + 2400 + 86400 * (1 + dice(s, k, 'days') % 5)) AS stoptime,
    drug_of(s, k) AS medication, 'Unit Dose' AS proc_type, 'Discontinued' AS status,
    stamp(t + 600) AS entertime,
    stamp(t + 900) AS verifiedtime, pick(['PO/NG', 'IV', 'SC', 'IH'], k) AS route,
    pick(['Q6H', 'DAILY', 'BID', 'Q8H'], k) AS frequency, '08, 20' AS disp_sched,
    pick([1.0, 2.0, 3.0, 4.0], k) AS doses_per_24_hrs, 1 + dice(s, k, 'days') % 5 AS duration,
    'Days' AS duration_interval,
    36 AS expiration_value, 'Hours' AS expiration_unit, 'Omnicell' AS dispensation

-- table prescriptions: share 0.02, order k * {pharmacy} // {prescriptions} * {poe} // {pharmacy}
SELECT subject AS subject_id, hadm AS hadm_id,
    pharmacy_entry(s, k * {pharmacy} // {prescriptions}) AS pharmacy_id,
    order_id(subject, placed) AS poe_id, 1 + placed AS poe_seq,
    staff(dice(s, placed, 'who')) AS order_provider_id,
    stamp(t + 2400) AS starttime, stamp(t + 2400 + 86400 * (1 + dice(s, k, 'days') % 5)) AS stoptime,
    pick(['MAIN', 'BASE'], k) AS drug_type, drug_of(s, k * {pharmacy} // {prescriptions}) AS drug,
    'HEPA5I' AS formulary_drug_cd, '006549' AS gsn, 63323026201 + dice(s, k, 'ndc') AS ndc,
    '5000 Units / mL- 1mL Vial' AS prod_strength, 'VIAL' AS form_rx,
    1 + dice(s, k, 'dose') % 50 AS dose_val_rx,
    'mg' AS dose_unit_rx, 1 AS form_val_disp, 'TAB' AS form_unit_disp,
    pick([1.0, 2.0, 3.0], k) AS doses_per_24_hrs,
    pick(['PO/NG', 'IV', 'SC', 'IH'], k) AS route

-- table emar: share 0.05, order k * {pharmacy} // {emar} * {poe} // {pharmacy}
SELECT subject AS subject_id, hadm AS hadm_id, subject || '-' || (1 + k) AS emar_id, 1 + k AS emar_seq,
    order_id(subject, placed) AS poe_id, pharmacy_entry(s, k * {pharmacy} // {emar}) AS pharmacy_id,
    stamp(t + 3600 + dice(s, k, 'dose time') % 20000) AS charttime,
    drug_of(s, k * {pharmacy} // {emar}) AS medication,
    pick(['Administered', 'Flushed', 'Not Given'], dice(s, k, 'done')) AS event_txt,
    stamp(t + 3600 + dice(s, k, 'dose time') % 20000) AS scheduletime,
    stamp(t + 3660 + dice(s, k, 'dose time') % 20000) AS storetime

-- table emar_detail: share 0.07, order k * {emar} // {emar_detail} * {pharmacy} // {emar} * {poe} // {pharmacy}
SELECT subject AS subject_id, subject || '-' || (1 + k * {emar} // {emar_detail}) AS emar_id,
    1 + k * {emar} // {emar_detail} AS emar_seq, CASE WHEN k % 2 = 0 THEN '1.1' END AS parent_field_ordinal,
    CASE WHEN k % 2 = 1 THEN 'Standard' END AS administration_type, '500' AS dose_due, 'mg' AS dose_due_unit,
    CASE WHEN k % 2 = 0 THEN '500' END AS dose_given, CASE WHEN k % 2 = 0 THEN 'mg' END AS dose_given_unit,
    CASE WHEN k % 2 = 0 THEN 'ACET500' END AS product_code,
    CASE WHEN k % 2 = 0 THEN drug_of(s, k * {emar} // {emar_detail} * {pharmacy} // {emar}) END
        AS product_description

-- table icustays: each icu
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id,
    pick(icu_units(), dice(s, a, 'icu')) AS first_careunit,
    pick(icu_units(), dice(s, a, 'icu')) AS last_careunit, stamp(t) AS intime,
    stamp(t + los * 0.6) AS outtime,
    los * 0.6 / 86400 AS los

-- table chartevents: share 0.48, place icu, together 12
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id,
    dice(s, k // 400, 'nurse') % 15000 AS caregiver_id,
    stamp(t) AS charttime, stamp(t + 60 * (dice(s, k // 12, 'late') % 90)) AS storetime,
    pick(chart_items(), k) AS itemid,
    CASE WHEN k % 16 <> 10 THEN near(pick(chart_means(), k), 0.25, dice(s, k, 'value')) END AS valuenum,
    CASE WHEN k % 16 BETWEEN 7 AND 10 THEN pick(chart_texts(), dice(s, k, 'text')) ELSE valuenum::VARCHAR END
        AS value,
    pick(chart_units(), k) AS valueuom, 0 AS warning

-- table datetimeevents: share 0.012, place icu, together 3
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id,
    dice(s, k // 400, 'nurse') % 15000 AS caregiver_id,
    stamp(t) AS charttime, stamp(t + 300) AS storetime, 224183 + k % 9 AS itemid,
    midnight(t - 86400) AS value,
    'Date' AS valueuom, 0 AS warning

-- table outputevents: share 0.01, place icu
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id,
    dice(s, k // 400, 'nurse') % 15000 AS caregiver_id,
    stamp(t) AS charttime, stamp(t + 600) AS storetime, 226559 AS itemid,
    20 + dice(s, k, 'value') % 400 AS value,
    'mL' AS valueuom

-- table inputevents: share 0.03, place icu
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id,
    dice(s, k // 400, 'nurse') % 15000 AS caregiver_id,
    stamp(t) AS starttime, stamp(t + 3600 + dice(s, k, 'run') % 7200) AS endtime, stamp(t + 600) AS storetime,
    pick([225158, 220949, 221906, 222168, 225798], k) AS itemid, dice(s, k, 'amount') / 1000.0 AS amount,
    'ml' AS amountuom,
    round(dice(s, k, 'rate') / 9000.0, 4) AS rate, 'mL/hour' AS rateuom, 1000000 + k AS orderid,
    1000000 + k - k % 3 AS linkorderid, '02-Fluids (Crystalloids)' AS ordercategoryname,
    'Main order parameter' AS ordercomponenttypedescription, 'Continuous Med' AS ordercategorydescription,
    81.5 AS patientweight, 1000 AS totalamount, 'ml' AS totalamountuom, 0 AS isopenbag,
    0 AS continueinnextdept,
    pick(['FinishedRunning', 'ChangeDose/Rate', 'Stopped'], dice(s, k, 'end')) AS statusdescription,
    100 AS originalamount, 12.5 AS originalrate

-- table ingredientevents: share 0.025, place icu
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id,
    dice(s, k // 400, 'nurse') % 15000 AS caregiver_id,
    stamp(t) AS starttime, stamp(t + 3600 + dice(s, k, 'run') % 7200) AS endtime, stamp(t + 600) AS storetime,
    pick([220490, 226221, 227074], k) AS itemid, dice(s, k, 'amount') / 1000.0 AS amount, 'ml' AS amountuom,
    1000000 + k AS orderid, 1000000 + k - k % 3 AS linkorderid, 'FinishedRunning' AS statusdescription,
    0 AS originalamount, 50 AS originalrate

-- table procedureevents: share 0.003, place icu
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id, dice(s, k, 'nurse') % 15000 AS caregiver_id,
    stamp(t) AS starttime, stamp(t + 60 * (dice(s, k, 'run') % 3000)) AS endtime,
    stamp(t + 60 * (dice(s, k, 'run') % 3000)) AS storetime, pick([225459, 225792, 224275], k) AS itemid,
    dice(s, k, 'run') % 3000 AS value, 'min' AS valueuom, 500000 + k AS orderid, 500000 + k AS linkorderid,
    'Procedures' AS ordercategoryname, 'ContinuousProcess' AS ordercategorydescription, 81.5 AS patientweight,
    0 AS isopenbag, 0 AS continueinnextdept, 'FinishedRunning' AS statusdescription, 1 AS "ORIGINALAMOUNT",
    1 AS "ORIGINALRATE"

-- table edstays: each ed
SELECT subject AS subject_id, hadm AS hadm_id, stay AS stay_id, stamp(t) AS intime,
    stamp(t + 23400) AS outtime,
    pick(['F', 'M'], dice(s, 0, 'sex')) AS gender, 'WHITE' AS race, 'AMBULANCE' AS arrival_transport,
    'ADMITTED' AS disposition

-- table triage: each ed
SELECT subject AS subject_id, stay AS stay_id, near(98.4, 0.03, dice(s, a, 'temperature')) AS temperature,
    60 + dice(s, a, 'pulse') % 70 AS heartrate, 18 AS resprate, 97 AS o2sat,
    100 + dice(s, a, 'pressure') % 60 AS sbp,
    70 AS dbp, '5' AS pain, 1 + dice(s, a, 'acuity') % 4 AS acuity, 'Dyspnea' AS chiefcomplaint

-- table vitalsign: share 0.004, place ed
SELECT subject AS subject_id, stay AS stay_id, stamp(t) AS charttime,
    near(98.4, 0.03, dice(s, k, 'temperature')) AS temperature,
    60 + dice(s, k, 'pulse') % 70 AS heartrate, 18 AS resprate, 97 AS o2sat,
    100 + dice(s, k, 'pressure') % 60 AS sbp,
    70 AS dbp, '3' AS pain

-- table medrecon: share 0.003, place ed, together 8
SELECT subject AS subject_id, stay AS stay_id, stamp(t) AS charttime, drug_of(s, k) AS name, '006549' AS gsn,
    63323026201 + dice(s, k, 'ndc') AS ndc, 1 AS etc_rn, '00005820' AS etccode,
    'Beta Blockers Cardiac Selective' AS etcdescription

-- table pyxis: share 0.002, place ed, together 2
SELECT subject AS subject_id, stay AS stay_id, stamp(t) AS charttime, 1 + k % 2 AS med_rn,
    drug_of(s, k) AS name, 1 AS gsn_rn,
    '004380' AS gsn

-- table diagnosis: each ed*2
SELECT subject AS subject_id, stay AS stay_id, 1 + k % 2 AS seq_num,
    diagnosis_code(dice(s, k, 'ed') % 87103) AS icd_code,
    10 AS icd_version, diagnosis_title(dice(s, k, 'ed') % 87103) AS icd_title

-- table discharge: each admission
SELECT subject || '-DS-' || (1 + k) AS note_id, subject AS subject_id, hadm AS hadm_id, 'DS' AS note_type,
    1 + k AS note_seq,
    midnight(t0 + los) AS charttime, stamp(t0 + los + 36000) AS storetime,
    'Chief Complaint:' || chr(10) || 'dyspnea' || chr(10) || chr(10) || prose(s, k, 30) || chr(10)
        || 'Physical Exam:' || chr(10) || prose(s, k + 1000, 70) AS text

-- table discharge_detail: each admission
SELECT subject || '-DS-' || (1 + k) AS note_id, subject AS subject_id, 'author' AS field_name,
    staff(dice(s, k, 'who')) AS field_value,
    1 AS field_ordinal

-- table radiology: share 0.002
SELECT subject || '-RR-' || (1 + k) AS note_id, subject AS subject_id, hadm AS hadm_id, 'RR' AS note_type,
    1 + k AS note_seq,
    stamp(t) AS charttime, stamp(t + 7200) AS storetime,
    'EXAMINATION: CHEST (PORTABLE AP)' || chr(10) || prose(s, k, 15) AS text

-- table radiology_detail: share 0.006
SELECT subject || '-RR-' || (1 + k * {radiology} // {radiology_detail}) AS note_id, subject AS subject_id,
    pick(['exam_name', 'exam_code', 'cpt_code'], k) AS field_name,
    pick(['CHEST (PORTABLE AP)', 'C11', '71045'], k) AS field_value, 1 AS field_ordinal
