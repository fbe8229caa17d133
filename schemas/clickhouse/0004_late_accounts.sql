-- A copy of an account may come after it was in the spool of a collector that
-- could not reach Kafka for days. Its id is looked for here then.
ALTER TABLE {{.Local "decisions"}}{{.OnCluster}}
    MODIFY COLUMN account_ids SimpleAggregateFunction(groupUniqArrayArray, Array(UUID)) COMMENT 'Ids of accounts stored with this row.' TTL stored + INTERVAL 8 DAY;
