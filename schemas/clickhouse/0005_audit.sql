-- Resets and opt-outs are noted when they come out of Kafka, by their offsets on
-- its topic, so that none is noted twice.
ALTER TABLE {{.Name "audit"}}{{.OnCluster}}
    ADD COLUMN IF NOT EXISTS offset Nullable(Int64) COMMENT 'Offset on the resets topic. NULL where the request did not come from there.',
    MODIFY COLUMN action LowCardinality(String) COMMENT 'export, erase, reset, opt_out or opt_in with the recipient.',
    MODIFY COLUMN actor String COMMENT 'Who asked, as they said: browser, app, or the name of an operator.';
