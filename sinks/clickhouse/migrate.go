package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	files "sekisho/schemas/clickhouse"
)

// Migration is one step of the database's making.
type Migration struct {
	Number  int
	Name    string
	Applied time.Time // zero when it is yet to be applied

	source   string
	checksum string
}

// Migrate brings the database up to date: it applies the migrations that have
// not been applied, in order, and sets the retention. It may be run again at any
// time, and by several at once. It fails, and changes nothing, when a migration
// that was applied has since been edited, or is newer than this program.
func (s *Store) Migrate(ctx context.Context, retention Retention) error {
	if err := s.prepareMigrations(ctx); err != nil {
		return err
	}
	migrations, err := s.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	for _, m := range migrations {
		if m.Applied.IsZero() {
			if err := s.apply(ctx, m); err != nil {
				return fmt.Errorf("cannot apply migration %d (%s): %w%s", m.Number, m.Name, err, inTheWay(err))
			}
		}
	}
	return s.SetRetention(ctx, retention)
}

// MigrationStatus lists all migrations and which of them have been applied. It
// changes nothing.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	migrations, err := readMigrations(files.Files)
	if err != nil {
		return nil, err
	}
	return migrations, s.compare(ctx, migrations)
}

// AwaitMigrationStatus is MigrationStatus, trying again with growing pauses while
// ClickHouse does not answer, until ctx ends; report is told of each failure.
func (s *Store) AwaitMigrationStatus(ctx context.Context, report func(error, time.Duration)) ([]Migration, error) {
	var list []Migration
	err := Ask(ctx, report, func() (err error) {
		list, err = s.MigrationStatus(ctx)
		return err
	})
	return list, err
}

// readMigrations reads the files, which are numbered from 1.
func readMigrations(dir fs.FS) ([]Migration, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	var list []Migration
	for i, file := range names {
		source, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s should have number %04d", file, i+1)
		}
		sum := sha256.Sum256(source)
		list = append(list, Migration{Number: i + 1, Name: name, source: string(source), checksum: hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// compare fills in which migrations the database has.
func (s *Store) compare(ctx context.Context, migrations []Migration) error {
	var there uint64
	row := s.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = $1 AND name = 'migrations'", s.config.Database)
	if err := row.Scan(&there); err != nil {
		return unread(err)
	}
	if there == 0 {
		return nil
	}
	rows, err := s.conn.Query(ctx, "SELECT number, name, checksum, applied_at FROM "+s.Table("migrations")+" FINAL ORDER BY number")
	if err != nil {
		return unread(err)
	}
	defer rows.Close()
	for rows.Next() {
		var number uint32
		var name, checksum string
		var applied time.Time
		if err := rows.Scan(&number, &name, &checksum, &applied); err != nil {
			return unread(err)
		}
		if int(number) > len(migrations) {
			return fmt.Errorf("database %s has migration %d (%s) of a newer program, and this one knows %d: upgrade this program", s.config.Database, number, name, len(migrations))
		}
		m := &migrations[number-1]
		if checksum != m.checksum {
			return fmt.Errorf("migration %d (%s) is not the one that was applied to database %s: a migration is never edited, add a new one instead", number, m.Name, s.config.Database)
		}
		m.Applied = applied
	}
	if err := rows.Err(); err != nil {
		return unread(err)
	}
	return nil
}

// unread says why the applied migrations are not known.
func unread(err error) error {
	return unanswered(fmt.Errorf("cannot read the applied migrations: %w", err))
}

// bootstrap makes what the migrations are recorded in.
const bootstrap = `
CREATE DATABASE IF NOT EXISTS {{.Database}}{{.OnCluster}};

CREATE TABLE IF NOT EXISTS {{.Name "migrations"}}{{.OnCluster}}
(
    number     UInt32,
    name       String,
    checksum   String,
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = {{.Everywhere "ReplacingMergeTree"}}
ORDER BY number;
`

func (s *Store) prepareMigrations(ctx context.Context) error {
	if err := s.execute(ctx, bootstrap); err != nil {
		return fmt.Errorf("cannot make database %s: %w", s.config.Database, err)
	}
	return nil
}

func (s *Store) apply(ctx context.Context, m Migration) error {
	if err := s.execute(ctx, m.source); err != nil {
		return err
	}
	return s.conn.Exec(ctx, "INSERT INTO "+s.Table("migrations")+" (number, name, checksum) SELECT $1, $2, $3", uint32(m.Number), m.Name, m.checksum)
}

// inTheWay tells what to do about a column that may not be altered: of ours, only
// what somebody has added to the table can be the cause.
func inTheWay(err error) string {
	const alterOfColumnIsForbidden = 524
	var refused *ch.Exception
	if !errors.As(err, &refused) || refused.Code != alterOfColumnIsForbidden {
		return ""
	}
	return "; drop the projection or index, which is not Sekisho's, migrate again, and make it anew"
}

// execute runs the statements of a template.
func (s *Store) execute(ctx context.Context, source string) error {
	statements, err := s.dialect().statements(source)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if err := s.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
