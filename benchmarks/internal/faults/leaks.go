package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"sekisho/sinks/clickhouse"
)

// searchFiles looks for a text in the files in a directory of the stage as they
// are: logs and spools.
func (s *stage) searchFiles(dir string, text []byte) (found []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		// What servers keep is asked of them; files of theirs vanish meanwhile.
		data := strings.Contains(path, "/kafka/") && !strings.HasSuffix(path, "/log") ||
			strings.Contains(path, "/clickhouse/data/")
		if err != nil || e.IsDir() || data {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if n := bytes.Count(content, text); n > 0 {
			name, _ := filepath.Rel(s.dir, path)
			found = append(found, fmt.Sprintf("it is %d times in the file %s", n, name))
		}
		return nil
	})
	return found, err
}

// searchMetrics looks for a text in what the roles tell operators.
func (s *stage) searchMetrics(ctx context.Context, text string) (found []string, err error) {
	for _, p := range s.roles() {
		told, err := p.metrics(ctx)
		if err != nil {
			return nil, err
		}
		if strings.Contains(told, text) {
			found = append(found, "it is in the metrics of "+p.Name)
		}
	}
	return found, nil
}

// metrics asks a role for its metrics.
func (p *roleProcess) metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin+"/metrics", nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("cannot read the metrics of %s: %w", p.Name, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return "\n" + string(body), err
}

// searchTables looks for a text in all rows of all tables.
func searchTables(ctx context.Context, store *clickhouse.Store, text string) (found []string, err error) {
	rows, err := store.Conn().Query(ctx, "SELECT name FROM system.tables WHERE database = $1 AND engine LIKE '%MergeTree'", store.Config().Database)
	if err != nil {
		return nil, fmt.Errorf("cannot list tables: %w", err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, table := range tables {
		var n uint64
		row := store.Conn().QueryRow(ctx, "SELECT count() FROM "+store.Table(table)+" WHERE position(formatRow('TSVRaw', *), $1) > 0", text)
		if err := row.Scan(&n); err != nil {
			return nil, fmt.Errorf("cannot search table %s: %w", table, err)
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%d rows of table %s have it", n, table))
		}
	}
	return found, nil
}
