// Package clickhouse stores the events topic in ClickHouse: the tables of
// schemas/clickhouse, the migrations that make them, and the sink that fills
// them.
//
// # Exactly once
//
// Kafka hands out a run of messages until it is committed, and the sink commits
// a run (by returning nil from [Sink.Handle]) when all of it is stored. So every
// event and every account arrives at least once; what follows keeps it to once.
// For each run of a partition the sink
//
//  1. makes certain that no earlier insert for the partition is under way: it
//     kills those it finds, its own with an unknown outcome and those of a
//     member that had the partition before (only at the start of an assignment
//     and after an error);
//  2. reads how far the partition's accounts are counted (likewise);
//  3. decodes the run and drops copies within it;
//  4. asks ClickHouse which of the events are there and drops them;
//  5. inserts the others, one block for each month, which is what ClickHouse
//     stores as a whole or not at all;
//  6. inserts the sums of the accounts that are not counted yet, with the
//     offset of the last and the ids of all of them in the same block.
//
// If it ends, or ClickHouse does,
//
//   - before 5: nothing is stored, and the run comes again;
//   - within 5: the months that are stored are found in step 4 of the next time,
//     the others are not, whatever the sizes of the runs are then;
//   - between 5 and 6: all events are found, and the accounts are counted;
//   - within 6: the block is stored or not. If it is, its offset is, and the
//     accounts up to that offset are not counted again;
//   - between 6 and the commit: all events are found, no account is counted.
//
// When an insert is not answered its outcome is not known. The run is begun
// again at step 1, after which it is. A block bears a token made of what is in
// it, so that ClickHouse itself refuses one that it has, should an insert get
// past that.
//
// A producer that sees no acknowledgement writes its batch once more. The copies
// of events are found in steps 3 and 4. The copy of an account is known by its id
// (the header sekisho-batch): a partition's last accounts are remembered in
// memory, and their ids are stored with the counts for eight days, so that another
// member knows them too. One that is more than ten minutes older than the newest was
// in a collector's spool: it is looked for among those that are stored.
//
// Copies of an event are in one partition, since its id is its key. One whose copies
// came before and after the topic was given more partitions is found, too, but not when
// both are read at the same moment: then ReplacingMergeTree folds the two when their
// parts are merged.
//
// A member that loses a partition without noticing, since its process was
// suspended, sends nothing more when it goes on; see suspension. A member that
// notices has a grace period that ends before anybody else begins.
//
// # Resets
//
// What Kafka has may since have been reset. A run is decided about when all
// resets are known that were acknowledged before it; and once ClickHouse knows of
// an insert, and before anything is sent, the resets are asked for again. Why that
// suffices is said at [Eraser], which takes out what is stored: it waits for the
// inserts that it finds under way once it knows the resets.
//
//	insert:  known to ClickHouse, then asks for the resets up to now, then sends
//	eraser:  reads resets, then waits for the inserts known to ClickHouse, then deletes
//
// An insert that does not know of a reset which the eraser has read was known to
// ClickHouse before that reset was acknowledged, so the eraser finds it. There is
// no third order, whoever is slow, suspended or killed.
//
// # Clusters
//
// On a cluster one thing is weaker: what is looked for is looked for on one
// replica, the first that answers. When that fails before it has passed on what
// it stored, an event can be stored again by another. ReplacingMergeTree folds
// the two when their parts are merged.
package clickhouse
