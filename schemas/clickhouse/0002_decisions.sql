-- How many events had which decision, by minute of receipt. Rows of one key are
-- folded in the background, so a query sums `count`.
--
-- The sink stores with the counts how far it has counted, since only within one
-- insert are both there or neither: kafka_offset is the last account message in
-- a row, and account_ids are the accounts' ids, for as long as a copy of one
-- might follow. Hence no PARTITION BY: an insert spanning two partitions of a
-- table can be stored in halves. The key begins with what finds the last offset.
CREATE TABLE IF NOT EXISTS {{.Local "decisions"}}{{.OnCluster}}
(
    topic            LowCardinality(String)                        COMMENT 'Kafka topic of the accounts.',
    incarnation      UInt16                                        COMMENT 'How often the topic was seen to begin anew.',
    kafka_partition  UInt32                                        COMMENT 'Partition of the topic.',
    minute           DateTime('UTC')                               COMMENT 'Minute in which the events were received.' CODEC(DoubleDelta, LZ4),
    site             LowCardinality(String)                        COMMENT 'Site; empty where none is known.',
    type             LowCardinality(String)                        COMMENT 'Event type.',
    recipient        LowCardinality(String)                        COMMENT 'Recipient decided for; empty for the gateway as a whole.',
    outcome          LowCardinality(String)                        COMMENT 'allowed, anonymised, dropped or rejected.',
    reason           LowCardinality(String)                        COMMENT 'Why.',
    count            SimpleAggregateFunction(sum, UInt64)          COMMENT 'Number of events.',
    kafka_offset     SimpleAggregateFunction(max, Int64)           COMMENT 'Offset of the last account in this row.',
    stored           SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() COMMENT 'When it was stored.',
    account_ids      SimpleAggregateFunction(groupUniqArrayArray, Array(UUID)) COMMENT 'Ids of accounts stored with this row.' TTL stored + INTERVAL 1 DAY
)
ENGINE = {{.Engine "AggregatingMergeTree"}}
ORDER BY (topic, incarnation, kafka_partition, minute, site, type, recipient, outcome, reason)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000;

{{if .Cluster}}
-- All of a Kafka partition goes to the same shard, so that an insert is one.
CREATE TABLE IF NOT EXISTS {{.Name "decisions"}}{{.OnCluster}} AS {{.Local "decisions"}}
ENGINE = {{.Distributed "decisions" "kafka_partition"}};
{{end}}

-- Every received event is in exactly one of the four.
CREATE VIEW IF NOT EXISTS {{.Name "accounts"}}{{.OnCluster}} AS
SELECT
    minute,
    site,
    sum(count) AS received,
    sumIf(count, outcome = 'allowed') AS allowed,
    sumIf(count, outcome = 'anonymised') AS anonymised,
    sumIf(count, outcome = 'dropped') AS dropped,
    sumIf(count, outcome = 'rejected') AS rejected
FROM {{.Name "decisions"}}
WHERE recipient = ''
GROUP BY minute, site;
