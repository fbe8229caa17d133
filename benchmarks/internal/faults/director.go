package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"sekisho/stream/kafkatest"
)

// director carries a schedule out. A target has one fault at a time; faults of
// different targets overlap.
type director struct {
	stage   *stage
	log     func(format string, arguments ...any)
	busy    map[string]*sync.Mutex
	under   sync.WaitGroup
	writers *writers

	mu       sync.Mutex
	done     map[string]map[string]int // faults, by kind and target
	exits    map[string]int            // processes that ended by themselves
	away     Away
	problems []error // what a process did not do as it must
}

// endsIn is how long a role may take to end when it is told to: what it states,
// and some for a busy machine.
const endsIn = 40 * time.Second

func newDirector(s *stage, w *writers, log func(string, ...any)) *director {
	d := &director{stage: s, log: log, writers: w, busy: map[string]*sync.Mutex{}, done: map[string]map[string]int{}, exits: map[string]int{}}
	t := s.targets()
	for _, list := range [][]string{t.collectors, t.sinks, t.brokers, t.disks, {clickHouseName, allBrokers}} {
		for _, name := range list {
			d.busy[name] = new(sync.Mutex)
		}
	}
	return d
}

func (s *stage) targets() (t targets) {
	for _, p := range s.collectors {
		t.collectors = append(t.collectors, p.Name)
	}
	for _, p := range s.sinks {
		t.sinks = append(t.sinks, p.Name)
	}
	for i := range s.kafka.brokers() {
		t.brokers = append(t.brokers, fmt.Sprintf("broker-%d", i+1))
	}
	for _, d := range s.disks {
		t.disks = append(t.disks, "disk of "+d.name)
	}
	t.leaders = len(t.brokers) > 1
	return t
}

// direct carries the faults out and returns when the last is undone.
func (d *director) direct(ctx context.Context, all []fault) {
	watch, stop := context.WithCancel(ctx)
	d.under.Go(func() { d.supervise(watch) })
	for i, f := range all {
		if !sleep(ctx, f.pause) {
			break
		}
		d.busy[f.target].Lock()
		d.log("%4d/%d  %s", i+1, len(all), f)
		undo, err := d.do(f)
		if err != nil {
			d.log("          not done: %v", err)
			d.busy[f.target].Unlock()
			continue
		}
		d.count(f)
		d.under.Go(func() {
			defer d.busy[f.target].Unlock()
			sleep(ctx, f.last)
			if err := undo(); err != nil {
				d.problem(fmt.Errorf("after %s: %w", f, err))
			}
		})
	}
	stop()
	d.under.Wait()
}

func (d *director) count(f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done[string(f.kind)] == nil {
		d.done[string(f.kind)] = map[string]int{}
	}
	target, _, _ := strings.Cut(f.target, "-")
	d.done[string(f.kind)][target]++
}

func (d *director) problem(err error) {
	d.log("PROBLEM   %v", err)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.problems = append(d.problems, err)
}

// supervise starts again what ended by itself, as an operator's supervisor does.
func (d *director) supervise(ctx context.Context) {
	for sleep(ctx, time.Second) {
		for _, p := range d.stage.roles() {
			if !d.busy[p.Name].TryLock() {
				continue
			}
			if !p.Running() {
				d.mu.Lock()
				d.exits[p.Name]++
				d.mu.Unlock()
				if err := p.Begin(); err != nil {
					d.problem(err)
				}
			}
			d.busy[p.Name].Unlock()
		}
		for i, b := range d.stage.kafka.brokers() {
			name := fmt.Sprintf("broker-%d", i+1)
			if d.busy[name].TryLock() {
				_ = b.Begin() // nothing when it runs
				d.busy[name].Unlock()
			}
		}
	}
}

// do does a fault and returns what undoes it.
func (d *director) do(f fault) (undo func() error, err error) {
	switch f.kind {
	case killed:
		return d.kill(f.target)
	case suspended:
		send := d.signals(f.target)
		if err := send(syscall.SIGSTOP); err != nil {
			return nil, err
		}
		return func() error { _ = send(syscall.SIGCONT); return nil }, nil
	case shutDown:
		p := d.role(f.target)
		if !p.Running() {
			return nil, os.ErrProcessDone
		}
		return func() error { return errors.Join(d.shutDown(p), p.Begin()) }, nil
	case cutOff:
		if f.target == clickHouseName {
			d.stage.clickhouse.proxy.cut()
		} else {
			d.proxy(f.target).Cut()
		}
		return nothing, nil
	case hung:
		release := d.proxy(f.target).Hang()
		return func() error { release(); return nil }, nil
	case lostAnswer:
		if f.target == clickHouseName {
			d.stage.clickhouse.proxy.loseAnswers(int(f.amount))
			return func() error { d.stage.clickhouse.proxy.mend(); return nil }, nil
		}
		proxy := d.proxy(f.target)
		proxy.Fault(&kafkatest.Fault{Count: int(f.amount)})
		return func() error { proxy.Mend(); return nil }, nil
	case fullDisk:
		for _, disk := range d.stage.disks {
			if "disk of "+disk.name == f.target {
				return func() error { disk.free(); return nil }, disk.fill()
			}
		}
	case clockJump:
		// It is not set right again: the next jump is from there.
		return nothing, d.role(f.target).clock.set(time.Duration(f.amount) * time.Second)
	case movedLead:
		return nothing, d.stage.moveLeaders()
	case outage:
		return d.outage()
	}
	return nil, errors.ErrUnsupported
}

func nothing() error { return nil }

// shutDown stops a role that is at work: one that is starting ends at once.
func (d *director) shutDown(p *roleProcess) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.Await(ctx, true); err != nil {
		d.log("          %v: it is killed instead", err)
		p.Kill()
		return nil
	}
	return p.Stop(endsIn)
}

// outage takes all brokers away, and notes how many events are acknowledged
// meanwhile: by the spools.
func (d *director) outage() (undo func() error, err error) {
	for _, p := range d.stage.kafka.proxies() {
		p.Close()
	}
	// What was under way has been answered by then.
	sleep(context.Background(), time.Second)
	begun, before := time.Now(), d.writers.ledger.acknowledged()
	return func() (err error) {
		d.mu.Lock()
		d.away.Seconds += time.Since(begun).Seconds()
		d.away.Acknowledged += d.writers.ledger.acknowledged() - before
		d.mu.Unlock()
		for _, p := range d.stage.kafka.proxies() {
			err = errors.Join(err, p.Open())
		}
		return err
	}, nil
}

func (d *director) kill(target string) (undo func() error, err error) {
	if target == clickHouseName {
		if !d.stage.clickhouse.kill() {
			return nil, os.ErrProcessDone
		}
		return nothing, nil
	}
	if p := d.role(target); p != nil {
		if !p.Kill() {
			return nil, os.ErrProcessDone
		}
		return func() error { return errors.Join(d.searchSpool(p), p.Begin()) }, nil
	}
	b := d.broker(target)
	if !b.Kill() {
		return nil, os.ErrProcessDone
	}
	return b.Begin, nil
}

// searchSpool looks for what was refused in what a collector that was killed has
// left on its disk.
func (d *director) searchSpool(p *roleProcess) error {
	if p.spool == "" {
		return nil
	}
	found, err := d.stage.searchFiles(p.spool, []byte(d.writers.canary))
	for _, where := range found {
		d.writers.leak("what was refused: " + where)
	}
	return err
}

func (d *director) signals(target string) func(syscall.Signal) error {
	if target == clickHouseName {
		return d.stage.clickhouse.signal
	}
	if p := d.role(target); p != nil {
		return func(s syscall.Signal) error { return p.Signal(s) }
	}
	b := d.broker(target)
	return func(s syscall.Signal) error { return b.Signal(s) }
}

func (d *director) role(name string) *roleProcess {
	for _, p := range d.stage.roles() {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (d *director) broker(name string) broker {
	return d.stage.kafka.brokers()[index(name)]
}

func (d *director) proxy(name string) *kafkatest.Proxy {
	return d.stage.kafka.proxies()[index(name)]
}

// index is that of a name such as broker-1.
func index(name string) (i int) {
	_, _ = fmt.Sscanf(name, "broker-%d", &i)
	return i - 1
}

// sleep is false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
