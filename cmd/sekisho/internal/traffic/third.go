package traffic

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"sekisho/sinks/standin"
)

// ThirdParty is what became of the events that a third party was granted.
type ThirdParty struct {
	Recipient string `json:"recipient"`
	// Granted is by the decisions in ClickHouse, client's retries included.
	Granted uint64 `json:"granted"`
	// Arrived at its stand-in, those included that it knew already.
	Arrived uint64 `json:"arrived"`
	// Unsent, by the forwarder's reason: reset since, expired, not of use to it.
	Unsent map[string]uint64 `json:"unsent"`
	Lost   uint64            `json:"lost"`
	// Doubled are those that it counts twice, Known those that it recognised.
	Doubled uint64 `json:"doubled"`
	Known   uint64 `json:"known"`
	// Names are the events by the names that it has for them.
	Names      map[string]uint64 `json:"names"`
	Violations uint64            `json:"violations"`
}

// Watched is where to look at third parties: addresses of their stand-ins, by
// recipient, and of the listener that has the forwarders' metrics.
type Watched struct {
	StandIns map[string]string
	Admin    string
}

// thirdParties are the sums of all time, by recipient.
type thirdParties map[string]*ThirdParty

// look reads what there is of third parties until now.
func (v *Verifier) look(ctx context.Context) (thirdParties, error) {
	all := thirdParties{}
	for name, address := range v.Watch.StandIns {
		var r standin.Received
		if err := get(ctx, address+"/received", func(body io.Reader) error { return json.NewDecoder(body).Decode(&r) }); err != nil {
			return nil, fmt.Errorf("cannot ask the stand-in of %s what it received: %w", name, err)
		}
		all[name] = &ThirdParty{
			Recipient: name, Arrived: r.Events + r.Deduplicated, Doubled: r.Doubled, Known: r.Deduplicated,
			Names: r.Names, Violations: r.Violations, Unsent: map[string]uint64{},
		}
	}
	if len(all) == 0 {
		return all, nil
	}
	if err := get(ctx, v.Watch.Admin+"/metrics", all.readMetrics); err != nil {
		return nil, fmt.Errorf("cannot read the forwarders' metrics: %w", err)
	}
	rows, err := v.conn.Query(ctx, "SELECT recipient, sum(count) FROM "+v.database+".decisions WHERE outcome = 'allowed' GROUP BY recipient")
	if err != nil {
		return nil, fmt.Errorf("cannot read decisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var count uint64
		if err := rows.Scan(&name, &count); err != nil {
			return nil, fmt.Errorf("cannot read decisions: %w", err)
		}
		if p := all[name]; p != nil {
			p.Granted = count
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read decisions: %w", err)
	}
	return all, nil
}

var unsentMetric = regexp.MustCompile(`^sekisho_forward_events_total\{recipient="([^"]+)",outcome="([^"]+)"(?:,reason="([^"]+)")?\} (\d+)$`)

// readMetrics takes what forwarders did not send, and why.
func (all thirdParties) readMetrics(body io.Reader) error {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		m := unsentMetric.FindStringSubmatch(lines.Text())
		if m == nil || m[2] == "sent" || all[m[1]] == nil {
			continue
		}
		why := m[2]
		if m[3] != "" {
			why += "_" + m[3]
		}
		count, err := strconv.ParseUint(m[4], 10, 64)
		if err != nil {
			return err
		}
		if count > 0 {
			all[m[1]].Unsent[why] = count
		}
	}
	return lines.Err()
}

// since returns what was added to what was before.
func (all thirdParties) since(before thirdParties) (list []ThirdParty) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p, b := *all[name], before[name]
		p.Granted, p.Arrived, p.Doubled = p.Granted-b.Granted, p.Arrived-b.Arrived, p.Doubled-b.Doubled
		p.Known, p.Violations = p.Known-b.Known, p.Violations-b.Violations
		settled := p.Arrived
		for why := range p.Unsent {
			p.Unsent[why] -= b.Unsent[why]
			settled += p.Unsent[why]
		}
		for name := range p.Names {
			p.Names[name] -= b.Names[name]
		}
		p.Lost = p.Granted - min(settled, p.Granted)
		if p.Granted > 0 || p.Arrived > 0 { // else the policy knows no such recipient
			list = append(list, p)
		}
	}
	return list
}

// verifyThird waits until every third party has what it was granted, or until
// ctx ends.
func (v *Verifier) verifyThird(ctx context.Context, a *Account) error {
	for {
		now, err := v.look(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		a.ThirdParties = now.since(v.third)
		if !slices.ContainsFunc(a.ThirdParties, func(p ThirdParty) bool { return p.Lost > 0 }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// get reads an address.
func get(ctx context.Context, address string, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", address, response.StatusCode)
	}
	return read(response.Body)
}
