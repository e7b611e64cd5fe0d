-- Legacy names: TBL_ and column prefixes, quoted upper case; half of the references are not declared.
CREATE TABLE "TBL_WARD" ("WRD_ID" serial PRIMARY KEY, "WRD_NAME" text NOT NULL, "WRD_FLOOR" int NOT NULL);
CREATE TABLE "TBL_STAFF" ("STF_ID" serial PRIMARY KEY, "STF_NAME" text NOT NULL, "STF_WRD_ID" int NOT NULL);
CREATE TABLE "TBL_PATIENT" (
    "PAT_ID" uuid PRIMARY KEY, "PAT_NAME" text NOT NULL, "PAT_BORN" date NOT NULL, "PAT_NOTE" text NOT NULL,
    "PAT_WRD_ID" int NOT NULL, "PAT_STF_ID" int REFERENCES "TBL_STAFF", "PAT_INSURANCE_NO" text NOT NULL UNIQUE);
CREATE INDEX ON "TBL_PATIENT" ("PAT_WRD_ID");
CREATE TABLE "TBL_ADMISSION" (
    "ADM_ID" bigserial PRIMARY KEY, "ADM_PAT_ID" uuid NOT NULL, "ADM_ON" date NOT NULL, "ADM_REASON" text NOT NULL);
CREATE INDEX ON "TBL_ADMISSION" ("ADM_PAT_ID");
CREATE TABLE "TBL_DRUG" ("DRG_CODE" text PRIMARY KEY, "DRG_NAME" text NOT NULL);
CREATE TABLE "TBL_RX" (
    "RX_ID" bigserial PRIMARY KEY, "RX_ADM_ID" bigint NOT NULL REFERENCES "TBL_ADMISSION",
    "RX_DRG_CODE" text NOT NULL, "RX_DOSE" int NOT NULL);
CREATE INDEX ON "TBL_RX" ("RX_ADM_ID");
CREATE TABLE "TBL_PAT_DRG" (
    "PDR_ID" bigserial PRIMARY KEY, "PDR_PAT_ID" uuid NOT NULL, "PDR_DRG_CODE" text NOT NULL);
CREATE INDEX ON "TBL_PAT_DRG" ("PDR_PAT_ID");
CREATE TABLE "TBL_TASK" (
    "TSK_ID" serial PRIMARY KEY, "TSK_STATE" text NOT NULL DEFAULT 'open', "TSK_WRD_ID" int NOT NULL, "TSK_TEXT" text NOT NULL);
INSERT INTO "TBL_WARD" ("WRD_NAME", "WRD_FLOOR") SELECT 'ward ' || n, n % 5 FROM generate_series(1, 25) AS n;
INSERT INTO "TBL_STAFF" ("STF_NAME", "STF_WRD_ID") SELECT 'staff ' || n, n % 25 + 1 FROM generate_series(1, 60) AS n;
INSERT INTO "TBL_PATIENT"
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'patient ' || n, date '1950-01-01' + n * 30, 'note',
       n * 7 % 25 + 1, n * 11 % 60 + 1, 'A' || n FROM generate_series(1, 400) AS n;
INSERT INTO "TBL_ADMISSION" ("ADM_PAT_ID", "ADM_ON", "ADM_REASON")
SELECT ('00000000-0000-4000-8000-' || lpad((n % 400 + 1)::text, 12, '0'))::uuid, date '2026-01-01' + n % 200, 'reason ' || n % 9
FROM generate_series(1, 1500) AS n;
INSERT INTO "TBL_DRUG" SELECT 'D' || n, 'drug ' || n FROM generate_series(1, 80) AS n;
INSERT INTO "TBL_RX" ("RX_ADM_ID", "RX_DRG_CODE", "RX_DOSE")
SELECT n % 1500 + 1, 'D' || n * 7 % 80 + 1, n % 4 FROM generate_series(1, 4000) AS n;
INSERT INTO "TBL_PAT_DRG" ("PDR_PAT_ID", "PDR_DRG_CODE")
SELECT ('00000000-0000-4000-8000-' || lpad((n % 400 + 1)::text, 12, '0'))::uuid, 'D' || n * 3 % 80 + 1
FROM generate_series(1, 1000) AS n;
INSERT INTO "TBL_TASK" ("TSK_WRD_ID", "TSK_TEXT") SELECT n % 25 + 1, 'task ' || n FROM generate_series(1, 200) AS n;
ANALYZE;
