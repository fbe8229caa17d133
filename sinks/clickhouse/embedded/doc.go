// Package embedded runs ClickHouse as a child process of this one, so that the
// gateway works on a laptop, and in tests, with no service installed.
//
// # Where the engine comes from
//
// In this order: a library file or a clickhouse binary named in [Options]; a
// clickhouse binary on PATH; a pinned build of the engine as a shared library
// (libchdb), fetched once with npm, checked against a pinned SHA-512 and kept
// in the user's cache directory. A data directory stays with the kind of engine
// that made it: one made by the library is not handed to a binary that appears
// on PATH later.
//
// # Processes
//
// [Start] runs this same executable again with [Command] as its first argument;
// the program's main function (in tests, TestMain) hands that call to [Main].
// The child serves the native protocol and HTTP on 127.0.0.1 until its standard
// input closes, so it ends with its parent however the parent ends. A child
// that dies is started again on the same ports and data. The library is given a
// terminal, since without one it would end for a client that is killed.
//
// # What the engine promises here
//
// Checked by the tests on the pinned engine (26.7.3):
//
//   - A database made with CREATE DATABASE ... ENGINE = Atomic, its tables and
//     rows persist across restarts.
//   - Background merges, TTL merges and mutations run as in a server.
//   - An acknowledged INSERT survives kill -9 of the child, and one that the kill
//     cut off is there as a whole or not at all, if it makes one part: one table
//     partition and at most max_insert_block_size rows.
//   - It keeps no query log, and logs nothing below "fatal": its error log quotes
//     queries, and so their literals.
//
// Parts are fsynced before an INSERT is acknowledged (fsync_after_insert,
// fsync_part_directory), which is meant for a power cut and cannot be tested here.
//
// # Who can reach it
//
// Anyone on this machine: there is no authentication, hence loopback only. Web
// pages cannot: HTTP requests that a browser marks as coming from another site,
// or that name another host than localhost or 127.0.0.1, are refused.
package embedded
