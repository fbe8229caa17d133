package faults

import (
	"path/filepath"
	"strconv"
)

// spoolBytes is what a spool may take; its disk is a little larger.
const spoolBytes = 16 << 20

// giveSpool gives a collector a spool on a small disk of its own.
func (s *stage) giveSpool(p *roleProcess) {
	dir := filepath.Join(s.dir, "spool-"+p.name)
	s.addDisk(p.name, dir, spoolBytes+4<<20)
	p.environment = append(p.environment,
		"SEKISHO_COLLECTOR_SPOOL_DIR="+filepath.Join(dir, "spool"),
		"SEKISHO_COLLECTOR_SPOOL_MAX_BYTES="+strconv.Itoa(spoolBytes),
		"SEKISHO_COLLECTOR_SPOOL_AFTER=1s",
	)
}
