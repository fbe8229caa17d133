-- What an insert brings is one file and not some 150, and synced as one: making
-- that many costs several times what writing them does. Merges make wide parts of
-- them as soon as they are worth it, which is also where they begin to merge column
-- by column.
ALTER TABLE {{.Local "events"}}{{.OnCluster}} MODIFY SETTING min_bytes_for_wide_part = 67108864;
