-- Dictionaries of generated patients: as many terms as the reference's candidate tables hold (87,103
-- diagnoses, 83,131 procedures, 156,201 drugs, 1,619 laboratory items). The names are composed, not real.

-- macros
CREATE MACRO pick(words, number) AS words[(1 + number % len(words))::INTEGER];
CREATE MACRO conditions() AS ['Abscess', 'Adhesions', 'Aneurysm', 'Arthritis', 'Atrophy', 'Bleeding',
    'Burn of second degree', 'Burn of third degree', 'Calcification', 'Carcinoma in situ', 'Cellulitis',
    'Chronic pain', 'Contracture', 'Contusion', 'Cyst', 'Degeneration', 'Dislocation', 'Displaced fracture',
    'Embolism', 'Epilepsy', 'Fistula', 'Foreign body', 'Frostbite', 'Gangrene', 'Heart failure', 'Hematoma',
    'Hemorrhage', 'Hypertrophy', 'Infarction', 'Infection', 'Inflammation', 'Ischemia', 'Laceration',
    'Lymphoma', 'Malignant neoplasm', 'Nondisplaced fracture', 'Obstruction', 'Osteomyelitis', 'Perforation',
    'Pneumonia', 'Puncture wound', 'Sprain', 'Stenosis', 'Strain', 'Thrombosis', 'Ulcer', 'Varices'];
CREATE MACRO sites() AS ['abdominal wall', 'adrenal gland', 'ankle', 'aorta', 'appendix', 'atrium', 'axilla',
    'bladder', 'brain stem', 'breast', 'bronchus', 'carotid artery', 'cecum', 'cerebellum', 'cervix', 'colon',
    'cornea', 'diaphragm', 'duodenum', 'ear canal', 'elbow', 'esophagus', 'femoral artery', 'femur', 'fibula',
    'finger', 'foot', 'forearm', 'gallbladder', 'hand', 'hip', 'humerus', 'ileum', 'iris', 'jejunum',
    'kidney',
    'knee', 'larynx', 'liver', 'lower leg', 'lung', 'mandible', 'meninges', 'mitral valve', 'neck', 'ovary',
    'pancreas', 'pelvis', 'pleura', 'prostate', 'radius', 'rectum', 'retina', 'rib', 'shoulder', 'skull',
    'spinal cord', 'spleen', 'stomach', 'thyroid gland', 'tibia'];
CREATE MACRO sides() AS ['right', 'left', 'bilateral', 'unspecified'];
CREATE MACRO encounters() AS ['initial encounter', 'subsequent encounter with routine healing',
    'subsequent encounter with delayed healing', 'sequela', 'with intractable pain', 'without complication',
    'due to underlying condition', 'unspecified'];
CREATE MACRO deeds() AS ['Alteration', 'Bypass', 'Change', 'Control', 'Destruction', 'Detachment', 'Dilation',
    'Division', 'Drainage', 'Excision', 'Extirpation', 'Extraction', 'Fluoroscopy', 'Fragmentation', 'Fusion',
    'Insertion', 'Inspection', 'Introduction', 'Map', 'Occlusion', 'Release', 'Removal', 'Repair',
    'Replacement', 'Reposition', 'Resection', 'Restriction', 'Revision', 'Supplement', 'Transfer',
    'Transplantation'];
CREATE MACRO devices() AS ['No Device', 'Drainage Device', 'Intraluminal Device',
    'Autologous Tissue Substitute',
    'Synthetic Substitute', 'Infusion Device', 'Monitoring Device'];
CREATE MACRO approaches() AS ['Open Approach', 'Percutaneous Approach', 'Percutaneous Endoscopic Approach',
    'Via Natural or Artificial Opening', 'External Approach', 'Diagnostic', 'Via Opening Endoscopic'];
CREATE MACRO drug_heads() AS ['Abri', 'Beco', 'Cefa', 'Dexa', 'Enoxa', 'Flure', 'Gaba', 'Hydra', 'Ibu',
    'Keto',
    'Levo', 'Metro', 'Nitro', 'Oxa', 'Panto', 'Quini', 'Rosu', 'Sima', 'Tacro', 'Ursa', 'Vanco', 'Warfa',
    'Xylo', 'Zolpi', 'Amlo', 'Bupre', 'Clona', 'Dilti', 'Esci', 'Fura'];
CREATE MACRO drug_tails() AS ['pril', 'statin', 'mycin', 'olol', 'azole', 'parin', 'sartan', 'dipine',
    'tidine',
    'prazole', 'cillin', 'floxacin', 'zepam', 'mide', 'phylline', 'caine', 'dronate', 'gliptin', 'lukast',
    'mab', 'nib', 'oxetine', 'pramine', 'quine', 'relin', 'setron', 'tropin', 'vudine', 'xaban', 'zine'];
CREATE MACRO strengths() AS ['1', '2', '2.5', '5', '10', '20', '25', '40', '50', '80', '100', '200', '250',
    '500'];
CREATE MACRO forms() AS ['Oral Tablet', 'Oral Capsule', 'Extended Release Oral Tablet', 'Oral Solution',
    'Injectable Solution', 'Injectable Suspension', 'Topical Cream', 'Transdermal Patch', 'Nasal Spray',
    'Metered Dose Inhaler', 'Rectal Suppository', 'Ophthalmic Solution', 'Chewable Tablet'];
CREATE MACRO diagnosis_code(n) AS chr((65 + n % 26)::INTEGER) || lpad((n // 26)::VARCHAR, 5, '0');
CREATE MACRO diagnosis_title(n) AS pick(conditions(), n) || ' of ' || pick(sides(), n // 2867) || ' '
    || pick(sites(), n // 47) || ', ' || pick(encounters(), n // 11468);
CREATE MACRO procedure_code(n) AS '0' || chr((65 + n % 26)::INTEGER) || lpad((n // 26)::VARCHAR, 5, '0');
CREATE MACRO procedure_title(n) AS pick(deeds(), n) || ' of ' || pick(sites(), n // 31) || ' with '
    || pick(devices(), n // 1891) || ', ' || pick(approaches(), n // 13237);
CREATE MACRO drug_name(n) AS pick(drug_heads(), n) || pick(drug_tails(), n // 30) || ' '
    || pick(strengths(), n // 900) || ' MG ' || pick(forms(), n // 12600);

-- table d_icd_diagnoses: each 87103
SELECT diagnosis_code(k) AS icd_code, 10 AS icd_version, diagnosis_title(k) AS long_title

-- table d_icd_procedures: each 83131
SELECT procedure_code(k) AS icd_code, 10 AS icd_version, procedure_title(k) AS long_title

-- table d_labitems: each 1619
SELECT coalesce(lab_items()[(k + 1)::INTEGER], 60000 + k) AS itemid,
    coalesce(lab_names()[(k + 1)::INTEGER], 'Laboratory item ' || k) AS label, 'Blood' AS fluid,
    'Chemistry' AS category

-- table d_items: each 4014
SELECT coalesce(chart_items()[(k + 1)::INTEGER], 230000 + k) AS itemid,
    coalesce(chart_names()[(k + 1)::INTEGER], 'Charted item ' || k) AS label,
    'chartevents' AS linksto,
    CASE WHEN k BETWEEN 12 AND 14 THEN 'Labs' ELSE 'Routine Vital Signs' END AS category

-- table d_hcpcs: each 5000
SELECT 'G' || lpad(k::VARCHAR, 4, '0') AS code, 'Service ' || k AS short_description

-- table provider: each 40000
SELECT staff(k) AS provider_id

-- table caregiver: each 15000
SELECT k AS caregiver_id
