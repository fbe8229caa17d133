package faults

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// spoolBytes is what a spool may take; its disk is a little larger.
const spoolBytes = 16 << 20

// giveSpool gives a collector a spool on a small disk of its own.
func (s *stage) giveSpool(p *roleProcess) {
	dir := filepath.Join(s.dir, "spool-"+p.Name)
	s.addDisk(p.Name, dir, spoolBytes+4<<20)
	p.spool = dir
	p.Environment = append(p.Environment,
		"SEKISHO_COLLECTOR_SPOOL_DIR="+filepath.Join(dir, "spool"),
		fmt.Sprintf("SEKISHO_COLLECTOR_SPOOL_MAX_BYTES=%dB", spoolBytes),
		"SEKISHO_COLLECTOR_SPOOL_AFTER=1s",
	)
}

// spooled is how many records wait in the spools of the collectors.
func (s *stage) spooled(ctx context.Context) (n int, err error) {
	for _, p := range s.collectors {
		text, err := p.metrics(ctx)
		if err != nil {
			return 0, err
		}
		_, value, _ := strings.Cut(text, "\nsekisho_spool_records ")
		value, _, _ = strings.Cut(value, "\n")
		records, err := strconv.Atoi(value)
		if err != nil {
			return 0, fmt.Errorf("the metrics of %s do not tell what its spool has: %w", p.Name, err)
		}
		n += records
	}
	return n, nil
}
