// Package spool keeps records on disk while they cannot go where they belong.
// A record is a few bytes to a few MiB of which the spool knows nothing but its
// lane: of each lane the records come out in the order in which they went in.
//
// # What it promises
//
// When Append returns nil the record is on disk: it and the name of its file
// have been synced. It comes out again, whatever happens to the process or the
// power, until Done is called for it, and then, after a crash, perhaps once
// more. A record whose Append failed may come out too. What Append could not
// write it refuses with an error; it tries again with the next record, so that
// a full disk or spool mends by itself.
//
// # Files
//
// The directory has segments, each named by its number. A segment that is being
// written is NUMBER.open, one that is complete NUMBER.seg. It is a sequence of
// frames, of which the last of a complete segment is the seal:
//
//	magic      4 bytes  "SKR1", of a seal "SKE1"
//	length     4 bytes  of the body; in a seal 0
//	check      4 bytes  CRC-32C of the body
//	head check 4 bytes  CRC-32C of the above, the segment's number and the
//	                    frame's offset, so that a frame is one only in its place
//	body                lane (4 bytes), Unix milliseconds (8 bytes), record
//
// Numbers are little-endian. NUMBER.done lists the offsets of the records that
// are done, each with a check of its own; a segment of which all are is removed.
//
// # Damage
//
// What is between frames, and a frame that does not check, is damaged. It is
// copied to NUMBER-OFFSET.damaged and reported, and its neighbours go on; where
// the disk has no room for that, it stays in its segment until it has. Of such
// files 64 MiB are kept (or one that is larger), and each for 30 days. The
// end of an .open segment may be a write that a crash cut short, for which
// nobody was told that it is on disk, or may be damage: one cannot tell, so it
// is set aside and reported as unfinished. One thing cannot be seen: that the
// end of an .open segment is missing exactly from a frame's beginning.
package spool
