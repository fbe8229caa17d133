package clickhouse

import (
	"fmt"
	"strings"
	"text/template"
)

// dialect is what the migrations' templates ask for: how names, clauses and
// engines are written for a server or for a cluster.
type dialect struct {
	Database string
	Cluster  string
}

func (s *Store) dialect() dialect { return dialect{s.config.Database, s.config.Cluster} }

// Name is the table or view that is asked.
func (d dialect) Name(table string) string { return d.Database + "." + table }

// Local is the table that holds the rows on one server.
func (d dialect) Local(table string) string {
	if d.Cluster == "" {
		return d.Name(table)
	}
	return d.Name(table) + "_local"
}

// OnCluster is the clause that has a statement run on all servers.
func (d dialect) OnCluster() string {
	if d.Cluster == "" {
		return ""
	}
	return " ON CLUSTER " + quote(d.Cluster)
}

// Engine is the engine, in its replicated form on a cluster. Where the replicas
// meet and what they are called is the servers' configuration
// (default_replica_path, default_replica_name and their macros).
func (d dialect) Engine(engine string) string {
	if d.Cluster == "" {
		return engine
	}
	return "Replicated" + engine
}

// Everywhere is the engine of a table that each server of a cluster has all of.
func (d dialect) Everywhere(engine string) string {
	if d.Cluster == "" {
		return engine
	}
	return "Replicated" + engine + "('/clickhouse/tables/{uuid}/all', '{shard}_{replica}')"
}

// Distributed is the engine of the table that is asked on a cluster.
func (d dialect) Distributed(table, shardBy string) string {
	return fmt.Sprintf("Distributed(%s, %s, %s, %s)", quote(d.Cluster), quote(d.Database), quote(table+"_local"), shardBy)
}

// statements returns the statements of a template.
func (d dialect) statements(source string) ([]string, error) {
	t, err := template.New("").Option("missingkey=error").Parse(source)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := t.Execute(&text, d); err != nil {
		return nil, err
	}
	var list []string
	for statement := range strings.SplitSeq(text.String(), ";\n") {
		if statement = withoutComments(statement); statement != "" {
			list = append(list, statement)
		}
	}
	return list, nil
}

// withoutComments drops the lines that are comments only.
func withoutComments(statement string) string {
	var kept []string
	for line := range strings.Lines(statement) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}

var quoting = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// quote writes a text as ClickHouse does.
func quote(text string) string { return "'" + quoting.Replace(text) + "'" }
