// Package clickhouse holds the numbered migrations of the ClickHouse database.
//
// A migration is a text/template, whose statements end with a semicolon at the
// end of a line. In it, {{.Local "t"}} is the table that holds the rows of t on
// one server, {{.Name "t"}} the table that is asked, which on a cluster is
// another one; {{.OnCluster}} and {{.Engine "E"}} are the clause and the engine
// for a server or a cluster, {{.Everywhere "E"}} is the engine of a table that
// each server has all of, and {{if .Cluster}} encloses what only a cluster has.
//
// A migration that was ever released is never changed: its checksum is in every
// database that it was applied to. Each statement can be applied again, since a
// migration may end half-way.
package clickhouse

import "embed"

// Files holds the migrations, named NUMBER_NAME.sql.
//
//go:embed *.sql
var Files embed.FS
