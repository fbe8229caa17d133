-- The pseudonyms that are being erased. A mutation asks this table, since its own
-- text, which ClickHouse keeps in files and logs, must name none. Every server of
-- a cluster has all of it, since each looks into its own. It is emptied when they
-- are erased, and so are its files.
CREATE TABLE IF NOT EXISTS {{.Name "erasing"}}{{.OnCluster}}
(
    batch     UInt64 COMMENT 'Those of one mutation.',
    pseudonym String COMMENT 'What is to be in no row.'
)
ENGINE = {{.Everywhere "MergeTree"}}
ORDER BY (batch, pseudonym)
SETTINGS old_parts_lifetime = 1;

-- Who asked for the data of a user or for its erasure. Nothing erases it, and
-- nothing in it leads to a row: the subject is the registry's hash.
CREATE TABLE IF NOT EXISTS {{.Name "audit"}}{{.OnCluster}}
(
    at      DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When.',
    actor   String                 COMMENT 'Who asked, as they said.',
    action  LowCardinality(String) COMMENT 'export or erase.',
    kind    LowCardinality(String) COMMENT 'Kind of the identifier.',
    subject String                 COMMENT 'Hash of the identifier under the key of the registry.',
    ticket  String                 COMMENT 'Ticket of the erasure.'
)
ENGINE = {{.Everywhere "MergeTree"}}
ORDER BY at;

-- What a mutation replaced is off the disk within a minute or so.
ALTER TABLE {{.Local "events"}}{{.OnCluster}} MODIFY SETTING old_parts_lifetime = 60;
