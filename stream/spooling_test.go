package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/strict"
	"sekisho/stream/kafkatest"
	"sekisho/stream/spool"
)

// spoolRig is a producer with a spool, and what it is told about resets.
type spoolRig struct {
	*Producer
	cluster *Cluster
	dir     string
	store   *spool.Spool
	log     *logged
	stale   atomic.Bool
	reset   atomic.Pointer[[16]byte]
}

func spoolTo(t testing.TB, cluster *Cluster, dir string, limit int64) *spoolRig {
	t.Helper()
	r := &spoolRig{cluster: cluster, dir: dir, log: new(logged)}
	c := spool.DefaultConfig()
	c.Dir = dir
	c.MaxBytes = 16 << 20
	if limit > 0 {
		c.MaxBytes = strict.Size(limit)
	}
	var err error
	if r.store, err = spool.Open(c, r.log.logger()); err != nil {
		t.Fatal(err)
	}
	r.Producer = NewProducer(cluster, cluster.config.Partitions, ProducerOptions{Log: r.log.logger(), Spool: &Spooling{
		Spool: r.store, After: 200 * time.Millisecond,
		Current: func() error {
			if r.stale.Load() {
				return ErrStale
			}
			return nil
		},
		Withdrawn: func(hashes [][16]byte) bool {
			reset := r.reset.Load()
			return reset != nil && slices.Contains(hashes, *reset)
		},
	}})
	t.Cleanup(r.close)
	return r
}

// close ends it as a process that is told to stop.
func (r *spoolRig) close() {
	r.Producer.Close()
	_ = r.store.Close()
}

func (r *spoolRig) empty() bool { return r.store.Stats().Records == 0 }

// once returns the values of a key in the order in which the topic first has
// them.
func once(messages []kafka.Message, key string) (values []string) {
	for _, m := range messages {
		if string(m.Key) == key && !slices.Contains(values, string(m.Value)) {
			values = append(values, string(m.Value))
		}
	}
	return values
}

// TestKafkaAwayIsSpooled: while Kafka is away events are durable on disk; when it
// is back all of them are there, in order, counted once, and nothing is left.
func TestKafkaAwayIsSpooled(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := spoolTo(t, cluster, t.TempDir(), 0)
	var want []string
	write := func(n int) {
		t.Helper()
		for range n {
			if err := r.Write(t.Context(), []Message{event("visitor", name(len(want)))}); err != nil {
				t.Fatal(err)
			}
			want = append(want, name(len(want)))
		}
	}
	write(1) // what comes while a leader is still being elected may be spooled
	wait(t, "Kafka is well", r.empty)
	wait(t, "nothing more is spooled", func() bool { // but what a busy machine's Kafka does not take soon enough
		write(1)
		return r.empty()
	})
	for range 2 {
		b.stop()
		write(20)
		if n := r.store.Stats().Records; n < 20 {
			t.Errorf("%d batches are spooled", n)
		}
		b.start(t)
		write(5) // they wait behind the others
		wait(t, "the spool is empty", r.empty)
		write(5)
		wait(t, "it is healthy", func() bool { return r.Healthy() && r.empty() })
	}
	all := readAll(t, cluster)
	if got := once(all, "visitor"); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if found := tallyOf(t, all); found.sum[allowed] != uint64(len(want)) {
		t.Errorf("%d events are counted, want %d", found.sum[allowed], len(want))
	}
	wait(t, "the spool's directory has its lock alone", func() bool {
		entries, _ := os.ReadDir(r.dir)
		return len(entries) == 1
	})
}

// TestSlowKafkaIsSpooled: a batch that Kafka does not acknowledge in time is
// answered nevertheless; when Kafka had it, its copies have the same ids.
func TestSlowKafkaIsSpooled(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	r := spoolTo(t, cluster, t.TempDir(), 0)
	b.Fault(&kafkatest.Fault{Topic: cluster.config.Topics.Events, Count: -1}) // appended, and nobody told
	started := time.Now()
	if err := r.Write(t.Context(), []Message{event("k", "v"), {Decisions: []schemas.Decision{allowed}}}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > c.Timeout/2 {
		t.Errorf("it took %v", took)
	}
	wait(t, "Kafka has it more than once", func() bool { return tallyOf(t, readAll(t, cluster)).events["v"] > 1 })
	b.Mend()
	wait(t, "the spool is empty", r.empty)
	found := tallyOf(t, readAll(t, cluster))
	if len(found.accounts) > 2 || found.sum[allowed] != 2 {
		t.Errorf("%d copies, %d accounts, which count %d", found.events["v"], len(found.accounts), found.sum[allowed])
	}
}

// TestSpoolOutlivesTheProcess: what a killed process spooled, the next one sends,
// from the files as they were at that moment.
func TestSpoolOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := spoolTo(t, cluster, t.TempDir(), 0)
	b.stop()
	var want []string
	for i := range 30 {
		if err := r.Write(t.Context(), []Message{event("visitor", name(i)), event("other "+name(i), "x")}); err != nil {
			t.Fatal(err)
		}
		want = append(want, name(i))
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	r.close() // its own files are left as they are
	b.start(t)
	next := spoolTo(t, cluster, dir, 0)
	wait(t, "the spool is empty", next.empty)
	all := readAll(t, cluster)
	if got := once(all, "visitor"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if found := tallyOf(t, all); found.sum[allowed] != 60 {
		t.Errorf("%d are counted", found.sum[allowed])
	}
}

// TestResetWhileSpooled: the event of an identifier that is reset while it waits
// is dropped, and the account says so; what else is known of the event stays.
func TestResetWhileSpooled(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := spoolTo(t, cluster, t.TempDir(), 0)
	b.stop()
	mine, other := [16]byte{1}, [16]byte{2}
	store, vendor := allowed, allowed
	store.Recipient, vendor.Recipient = "store", "vendor"
	anonymous := store
	anonymous.Outcome, anonymous.Reason = schemas.Anonymised, schemas.ReasonSilent
	messages := []Message{
		{Key: []byte("m"), Value: []byte("mine"), Decisions: []schemas.Decision{allowed, store, vendor}, Hashes: [][16]byte{other, mine}},
		{Key: []byte("o"), Value: []byte("other"), Decisions: []schemas.Decision{allowed, store, vendor}, Hashes: [][16]byte{other}},
		// The store has it in another form, which is nobody's.
		{Key: []byte("v"), Value: []byte("for the vendor"), Decisions: []schemas.Decision{allowed, vendor}, Hashes: [][16]byte{mine}},
		{Key: []byte("a"), Value: []byte("anonymous"), Decisions: []schemas.Decision{anonymous}},
	}
	if err := r.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	r.reset.Store(&mine)
	r.Settle()
	b.start(t)
	wait(t, "the spool is empty", r.empty)
	found := tallyOf(t, readAll(t, cluster))
	if found.events["mine"]+found.events["for the vendor"] > 0 || found.events["other"] != 1 || found.events["anonymous"] != 1 {
		t.Errorf("found %v", found.events)
	}
	as := func(d schemas.Decision, o schemas.Outcome) schemas.Decision {
		d.Outcome, d.Reason = o, schemas.ReasonReset
		return d
	}
	want := schemas.Account{
		allowed: 1, store: 1, vendor: 1, anonymous: 1,
		as(allowed, schemas.Dropped): 1, as(store, schemas.Dropped): 1, as(vendor, schemas.Dropped): 2,
		as(allowed, schemas.Anonymised): 1,
	}
	if fmt.Sprint(found.sum) != fmt.Sprint(want) {
		t.Errorf("counted are\n%v, want\n%v", found.sum, want)
	}
	if r.Withheld() != 2 {
		t.Errorf("%d are withheld", r.Withheld())
	}
}

// TestStaleRegistryLetsNothingIn: while resets may be missing, events are
// durable on disk and none gets into Kafka.
func TestStaleRegistryLetsNothingIn(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := spoolTo(t, cluster, t.TempDir(), 0)
	r.stale.Store(true)
	for i := range 10 {
		if err := r.Write(t.Context(), []Message{event("k", name(i))}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond) // nothing to wait for: nothing happens
	if all := readAll(t, cluster); len(all) > 0 {
		t.Errorf("%d messages are in Kafka", len(all))
	}
	r.stale.Store(false)
	wait(t, "the spool is empty", r.empty)
	if got := once(readAll(t, cluster), "k"); len(got) != 10 || !slices.IsSorted(got) {
		t.Errorf("got %v", got)
	}
}

// TestFullSpoolRefuses at once, and takes events again by itself.
func TestFullSpoolRefuses(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	r := spoolTo(t, cluster, t.TempDir(), 2<<20)
	b.stop()
	large := strings.Repeat("x", 100<<10)
	var err error
	taken := 0
	for ; err == nil && taken < 100; taken++ {
		err = r.Write(t.Context(), []Message{event("k", name(taken)+large)})
	}
	taken--
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, spool.ErrFull) || taken < 10 {
		t.Fatalf("after %d: %v", taken, err)
	}
	started := time.Now()
	if err := r.Write(t.Context(), []Message{event("k", large)}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("when it is full: %v", err)
	}
	if took := time.Since(started); took > c.Timeout/3 {
		t.Errorf("it took %v to refuse", took)
	}
	b.start(t)
	wait(t, "events are taken again", func() bool { return r.Write(t.Context(), []Message{event("k", "after")}) == nil })
	wait(t, "the spool is empty", r.empty)
	got := once(readAll(t, cluster), "k")
	for i := range taken {
		if i >= len(got) || !strings.HasPrefix(got[i], name(i)) {
			t.Fatalf("%d of %d are there", i, taken)
		}
	}
	if n := strings.Count(r.log.String(), "the spool takes no more events"); n != 1 {
		t.Errorf("the log says %d times that it is full:\n%s", n, r.log)
	}
}

// TestRefusedDoNotFillTheSpool: however many decisions nobody waits for, they
// wait in memory; at the end they go to the spool, and are counted once.
func TestRefusedDoNotFillTheSpool(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	r := spoolTo(t, cluster, t.TempDir(), 0)
	b.stop()
	refused := schemas.Decision{Minute: 1700000040, Outcome: schemas.Rejected, Reason: schemas.ReasonUnreadable}
	if err := r.Write(t.Context(), []Message{event("k", "v"), event("l", "v"), event("m", "v"), event("n", "v")}); err != nil {
		t.Fatal(err)
	}
	before := r.store.Stats().Records
	for range 2000 {
		r.Count(refused)
	}
	time.Sleep(200 * time.Millisecond)
	if n := r.store.Stats().Records - before; n > 2 {
		t.Errorf("%d records are spooled for them", n)
	}
	r.close()
	if strings.Contains(r.log.String(), "missing from the account") {
		t.Errorf("some are lost: %s", r.log)
	}
	b.start(t)
	next := spoolTo(t, cluster, r.dir, 0)
	wait(t, "the spool is empty", next.empty)
	if found := tallyOf(t, readAll(t, cluster)); found.sum[refused] != 2000 || found.sum[allowed] != 4 {
		t.Errorf("%d and %d are counted", found.sum[refused], found.sum[allowed])
	}
}

// TestUnknownRecordIsSetAside: what another version wrote does not hold up the
// rest.
func TestUnknownRecordIsSetAside(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	dir := t.TempDir()
	s, err := spool.Open(spool.Config{Dir: dir, MaxBytes: 16 << 20}, discard())
	if err != nil {
		t.Fatal(err)
	}
	whole := &batch{}
	q := &queue{producer: &Producer{}, wake: make(chan struct{}, 1), waiting: []*batch{whole}}
	m := event("k", "good")
	q.add(&m, &Waiter{})
	good := appendSpooled(nil, whole, nil, newAccount(schemas.Account{allowed: 1}))
	for _, payload := range [][]byte{[]byte("\x02of the future"), good, good[:len(good)-1], nil} {
		for _, lane := range []int{0, 7} { // the topic had more partitions
			if err := s.Append(lane, payload); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := spoolTo(t, cluster, dir, 0)
	wait(t, "the spool is empty", r.empty)
	found := tallyOf(t, readAll(t, cluster))
	if found.events["good"] != 2 || found.sum[allowed] != 1 {
		t.Errorf("found %v, %v", found.events, found.sum)
	}
	kept, _ := filepath.Glob(filepath.Join(dir, "*.damaged"))
	if st := r.store.Stats(); st.Damaged != 6 || len(kept) != 6 {
		t.Errorf("%+v, kept %v", st, kept)
	}
}

// TestCloseIsQuickWithSpool though Kafka is away, and loses nothing.
func TestCloseIsQuickWithSpool(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	r := spoolTo(t, cluster, t.TempDir(), 0)
	release := b.hang(t)
	var waiters []*Waiter
	for i := range 200 {
		w, err := r.Submit([]Message{event(name(i), name(i))})
		if err != nil {
			t.Fatal(err)
		}
		waiters = append(waiters, w)
	}
	started := time.Now()
	r.close()
	if took := time.Since(started); took > c.Timeout*5/6 {
		t.Errorf("Close took %v", took)
	}
	for _, w := range waiters {
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	release()
	next := spoolTo(t, cluster, r.dir, 0)
	wait(t, "the spool is empty", next.empty)
	if found := tallyOf(t, readAll(t, cluster)); len(found.events) != 200 || found.sum[allowed] != 200 {
		t.Errorf("%d events, %d counted", len(found.events), found.sum[allowed])
	}
}

// FuzzSpooled: a batch comes back as it was written, and whatever the bytes are,
// reading them neither panics nor takes more memory than they are worth.
func FuzzSpooled(f *testing.F) {
	f.Add([]byte{}, "key", "value", "site", uint16(3), uint16(2))
	f.Add([]byte{spooledForm}, "", "", "", uint16(0), uint16(0))
	f.Add([]byte{spooledForm, 0xff, 0xff, 0xff, 0xff, 0x0f}, "k", "v", "s", uint16(40), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, key, value, site string, messages, owed uint16) {
		if s, err := decodeSpooled(data); err == nil {
			s.withhold(func([][16]byte) bool { return true })
			s.accounts()
			new(batch).add(&s.batch)
		}
		b := &batch{}
		q := &queue{producer: &Producer{}, wake: make(chan struct{}, 1), waiting: []*batch{b}}
		for i := range int(messages % 50) {
			d := schemas.Decision{Minute: int64(i / 3), Site: site, Outcome: schemas.Allowed}
			m := Message{Key: []byte(key), Value: []byte(value), Time: time.UnixMilli(int64(i)), Decisions: []schemas.Decision{d, {Recipient: "store"}}[:i%3%2+1]}
			for n := range i % 4 {
				m.Hashes = append(m.Hashes, [16]byte{byte(i), byte(n)})
			}
			if i%5 == 0 {
				m.Value = nil
			}
			q.waiting[len(q.waiting)-1].size = 0 // all into this batch
			q.add(&m, &Waiter{})
		}
		own := newAccount(schemas.Account{{Site: site}: 1})
		var others []account
		for range owed % 4 {
			others = append(others, newAccount(schemas.Account{{Site: site}: 3}))
		}
		s, err := decodeSpooled(appendSpooled(nil, b, others, own))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.batch.decisions) != fmt.Sprint(b.decisions) || fmt.Sprint(s.batch.hashes) != fmt.Sprint(b.hashes) || len(s.batch.records) != len(b.records) {
			t.Fatal("the batch came back as another")
		}
		got, want := new(batch), new(batch)
		got.add(&s.batch)
		want.add(b)
		if string(got.bytes) != string(want.bytes) || fmt.Sprint(got.records) != fmt.Sprint(want.records) {
			t.Fatal("the records came back as others")
		}
		if s.own.id != own.id || !s.own.time.Equal(own.time) || len(s.owed) != len(others) {
			t.Fatal("the accounts came back as others")
		}
		for i := range others {
			if s.owed[i].id != others[i].id || string(s.owed[i].value) != string(others[i].value) || s.owed[i].total != others[i].total {
				t.Fatal("an account came back as another")
			}
		}
	})
}
