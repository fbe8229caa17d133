package faults

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// kind is a kind of fault.
type kind string

const (
	killed     kind = "kill"        // SIGKILL, and started again
	suspended  kind = "suspend"     // SIGSTOP, and SIGCONT
	shutDown   kind = "shutdown"    // SIGTERM under load: it must end in time, and well
	cutOff     kind = "cut"         // all connections are cut
	hung       kind = "hang"        // connections stay, and nothing passes
	lostAnswer kind = "lost_answer" // something is done, and its acknowledgement is lost
	fullDisk   kind = "full_disk"   // no byte is left
	clockJump  kind = "clock"       // the clock jumps
	movedLead  kind = "leader"      // another broker leads a partition
	outage     kind = "outage"      // no broker can be reached
)

// fault is one fault of a schedule.
type fault struct {
	kind   kind
	target string
	pause  time.Duration // before it
	last   time.Duration // until it is undone
	amount int64         // answers lost, or seconds by which a clock is wrong
}

func (f fault) String() string {
	s := fmt.Sprintf("%-11s %-12s for %s", f.kind, f.target, f.last)
	if f.amount != 0 {
		s += fmt.Sprintf(" (%d)", f.amount)
	}
	return s
}

// targets are the names of what can be broken, by what it is.
type targets struct {
	collectors, sinks, brokers, disks []string
	leaders                           bool // there are leaders to be moved
}

const (
	clickHouseName = "clickhouse"
	allBrokers     = "all brokers"
)

// schedule makes that many kills, and half as many other faults, of all kinds.
func schedule(seed uint64, kills int, t targets) []fault {
	r := rand.New(rand.NewPCG(seed, 1))
	var all []fault
	for range kills {
		all = append(all, fault{kind: killed, target: victim(r, t), last: between(r, 100, 3000)})
	}
	kinds := []kind{suspended, shutDown, cutOff, hung, lostAnswer, clockJump, outage}
	if len(t.disks) > 0 {
		kinds = append(kinds, fullDisk)
	}
	if t.leaders {
		kinds = append(kinds, movedLead)
	}
	for i := range max(kills/2, len(kinds)) {
		all = append(all, other(r, kinds[i%len(kinds)], t))
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := range all {
		all[i].pause = between(r, 300, 3000)
	}
	return all
}

// victim is whom to kill.
func victim(r *rand.Rand, t targets) string {
	switch dice := r.IntN(100); {
	case dice < 35:
		return one(r, t.collectors)
	case dice < 60:
		return one(r, t.sinks)
	case dice < 80:
		return one(r, t.brokers)
	default:
		return clickHouseName
	}
}

// other is a fault that is no kill.
func other(r *rand.Rand, k kind, t targets) fault {
	f := fault{kind: k, last: between(r, 500, 6000)}
	roles := append(append([]string(nil), t.collectors...), t.sinks...)
	switch k {
	case suspended:
		f.target = victim(r, t)
		f.last = between(r, 1000, 20_000) // also for longer than a group waits
	case shutDown:
		f.target, f.last = one(r, roles), 0
	case cutOff:
		f.target = one(r, append(append([]string(nil), t.brokers...), clickHouseName))
	case hung:
		f.target = one(r, t.brokers)
	case lostAnswer:
		f.target, f.amount = one(r, append(append([]string(nil), t.brokers...), clickHouseName)), 1+r.Int64N(6)
	case fullDisk:
		f.target = one(r, t.disks)
	case clockJump:
		f.target, f.amount = one(r, roles), r.Int64N(3600)-1800
	case movedLead:
		f.target = allBrokers
	case outage:
		f.target, f.last = allBrokers, between(r, 4000, 12_000)
	}
	return f
}

func one(r *rand.Rand, of []string) string { return of[r.IntN(len(of))] }

func between(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.IntN(to-from)) * time.Millisecond
}
