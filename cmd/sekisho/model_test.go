package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/ingest"
	"sekisho/schemas"
)

// The model test: users do what users do, in thousands of different orders,
// while sinks are started and killed, messages arrive twice and late, dead letters
// are driven again, and the past is replayed. An oracle knows of every identifier what may be visible when.
//
//	go test ./cmd/sekisho -run TestModel -model 20m -timeout 1h
var (
	modelFor  = flag.Duration("model", 0, "how long TestModel runs; some seconds when 0")
	modelSeed = flag.Uint64("model.seed", 0, "seed of TestModel; another each time when 0")
)

// modelRegressions are seeds that failed once.
var modelRegressions = []uint64{}

func TestModel(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	u := startUp(t, keptDir(t), "--config", write(t, "sekisho.yaml", "clickhouse: {erasure: {max_wait: 1s}}"))
	// Files that were replaced are gone soon, which an erasure waits for.
	eventually(t, waitTime, "the table to be altered", func() bool {
		return u.clickHouse(t).Exec(t.Context(), "ALTER TABLE events MODIFY SETTING old_parts_lifetime = 1") == nil
	})
	if *modelSeed == 0 {
		for _, old := range modelRegressions {
			runModel(t, u, old, 24, 0)
		}
	}
	runModel(t, u, seed, 20, *modelFor)
}

// model is the oracle and what it has seen.
type model struct {
	u    *running
	seed uint64
	keys *enforcer.Keys

	mu         sync.Mutex
	episodes   int
	erased     int    // resets that were reported to be
	sent       uint64 // events that were acknowledged
	kept       map[uuid.UUID]kept
	resets     map[string]*resetFact // by pseudonym
	tables     map[string]time.Time  // that were rebuilt, and from when on
	violations []string
	logs       []*output // of the other processes
}

// kept is an event that was let through under a pseudonym.
type kept struct {
	pseudonym string
	at        time.Time // when it was acknowledged
}

// resetFact is what is known of a reset.
type resetFact struct {
	ticket string
	erased time.Time // when it was reported to be, zero before
}

// runModel runs so many episodes, or as many as there is time for.
func runModel(t *testing.T, u *running, seed uint64, episodes int, long time.Duration) {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(u.Dir, "secret-pseudonyms"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := enforcer.NewKeys("k1", bytes.TrimSpace(secret))
	if err != nil {
		t.Fatal(err)
	}
	m := &model{u: u, seed: seed, keys: keys, kept: map[uuid.UUID]kept{}, resets: map[string]*resetFact{}, tables: map[string]time.Time{}}
	before := count(t, u, "SELECT sum(received) FROM accounts")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	t.Cleanup(func() { m.keepEvidence(t) })
	var chaos sync.WaitGroup
	for i, act := range []func(context.Context, *testing.T, *rand.Rand){m.killSinks, m.repeatMessages, m.replayPast, m.watchRows, m.redrivePast} {
		chaos.Go(func() { act(ctx, t, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	var users sync.WaitGroup
	places := make(chan struct{}, 16)
	if long > 0 {
		places = make(chan struct{}, 64)
	}
	for n, end := 0, time.Now().Add(long); n < episodes || time.Now().Before(end); n++ {
		places <- struct{}{}
		users.Go(func() {
			defer func() { <-places }()
			m.episode(t, n, rand.New(rand.NewPCG(seed, 1000+uint64(n))))
		})
		if m.failed() || t.Failed() {
			break
		}
	}
	users.Wait()
	m.awaitErasures(t)
	stop()
	chaos.Wait()
	m.settle(t, before)
	m.mu.Lock()
	defer m.mu.Unlock()
	t.Logf("seed %d: %d episodes, %d events, %d let through, %d resets, %d rebuilt tables", seed, m.episodes, m.sent, len(m.kept), len(m.resets), len(m.tables))
	for i, violation := range m.violations {
		if i == 20 {
			t.Errorf("and %d more", len(m.violations)-i)
			break
		}
		t.Errorf("seed %d: %s", seed, violation)
	}
}

func (m *model) violated(format string, arguments ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.violations = append(m.violations, fmt.Sprintf(format, arguments...))
}

func (m *model) failed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.violations) > 0
}

// user is one identifier of an episode.
type user struct {
	name, pseudonym string
	session         string   // which goes on when the identifier does not
	events          []string // as they were sent
}

// episode is what one person does: come, look around, send things again, reset,
// come back under the old identifier and under a new one.
func (m *model) episode(t *testing.T, n int, random *rand.Rand) {
	for generation := range 1 + random.IntN(3) {
		u := &user{name: fmt.Sprintf("model-%d-%d-%d", m.seed, n, generation), session: fmt.Sprintf("session-%d-%d", m.seed, n)}
		u.pseudonym = string(m.keys.AppendPseudonym(nil, schemas.AppInstanceID, u.name))
		for range 1 + random.IntN(5) {
			m.act(t, u, random, schemas.Allowed)
		}
		if random.IntN(3) == 0 {
			continue // this one never resets
		}
		// What is under way while it resets may pass or not.
		var racing sync.WaitGroup
		if random.IntN(2) == 0 {
			racing.Go(func() { m.send(t, u, []string{newEvent(u, 0)}, either) })
		}
		if random.IntN(3) == 0 { // by declining, which gives no ticket
			m.decline(t, u)
		}
		ticket := m.reset(t, u)
		racing.Wait()
		for range random.IntN(4) {
			m.act(t, u, random, schemas.Dropped)
		}
		if random.IntN(4) == 0 {
			m.awaitErasure(t, u.pseudonym, ticket)
			m.act(t, u, random, schemas.Dropped)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.episodes++
}

// act sends new events, late ones, or old ones again.
func (m *model) act(t *testing.T, u *user, random *rand.Rand, want schemas.Outcome) {
	time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // what others do comes between
	switch {
	case len(u.events) > 0 && random.IntN(3) == 0:
		m.send(t, u, []string{u.events[random.IntN(len(u.events))]}, want)
	default:
		var events []string
		for range 1 + random.IntN(3) {
			late := time.Duration(0)
			if random.IntN(3) == 0 {
				late = time.Duration(random.IntN(72)) * time.Hour
			}
			events = append(events, newEvent(u, late))
		}
		u.events = append(u.events, events...)
		m.send(t, u, events, want)
	}
}

func newEvent(u *user, late time.Duration) string {
	id, _ := uuid.NewV7()
	return fmt.Sprintf(`{"id":%q,"type":"pageview","site":"shop","url":"https://shop.example.jp/","time":%q,"app_instance_id":%q,"session_id":%q,"consent":{"analytics":true}}`,
		id, schemas.FormatTime(nil, time.Now().Add(-late)), u.name, u.session)
}

// either stands for an outcome that may be one or the other.
const either = schemas.NumOutcomes

// send sends events until they are taken, and holds what was decided against what
// must have been.
func (m *model) send(t *testing.T, u *user, events []string, want schemas.Outcome) {
	var answer struct {
		Events []struct {
			ID      uuid.UUID
			Outcome schemas.Outcome
		}
	}
	switch m.post(t, "/v1/events", "["+strings.Join(events, ",")+"]", &answer) {
	case 0:
		return
	case 1:
	default: // a refusal that was heard, and not answered, is that of somebody unknown
		if want == schemas.Anonymised {
			want = either
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent += uint64(len(events))
	for _, e := range answer.Events {
		if want != either && e.Outcome != want {
			m.violations = append(m.violations, fmt.Sprintf("event %s of %s is %s, must be %s", e.ID, u.name, e.Outcome, want))
		}
		if e.Outcome != schemas.Allowed {
			continue
		}
		if _, again := m.kept[e.ID]; !again {
			m.kept[e.ID] = kept{u.pseudonym, time.Now()}
		}
	}
}

// decline resets a user by a choice.
func (m *model) decline(t *testing.T, u *user) {
	m.mu.Lock()
	m.resets[u.pseudonym] = &resetFact{}
	m.mu.Unlock()
	id, _ := uuid.NewV7()
	m.send(t, u, []string{fmt.Sprintf(`{"id":%q,"type":"consent","site":"shop","app_instance_id":%q,"session_id":%q,"consent":{"analytics":false,"advertising":false,"social":false}}`,
		id, u.name, u.session)}, schemas.Anonymised)
	m.act(t, u, rand.New(rand.NewPCG(m.seed, 0)), schemas.Dropped)
}

// reset resets a user and returns the ticket.
func (m *model) reset(t *testing.T, u *user) string {
	var answer struct{ Ticket string }
	m.mu.Lock()
	fact := &resetFact{}
	m.resets[u.pseudonym] = fact
	m.mu.Unlock()
	m.post(t, "/v1/reset", fmt.Sprintf(`{"app_instance_id":%q}`, u.name), &answer)
	m.mu.Lock()
	defer m.mu.Unlock()
	fact.ticket = answer.Ticket
	return answer.Ticket
}

// post sends a request until it is answered with success, as a client does, and
// returns how often it did; 0 when it never was.
func (m *model) post(t *testing.T, path, body string, answer any) (times int) {
	for deadline := time.Now().Add(waitTime); time.Now().Before(deadline) && !t.Failed(); time.Sleep(100 * time.Millisecond) {
		times++
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.u.Collector+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Prefer", "return=representation")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode/100 != 2 {
			continue
		}
		if err := json.Unmarshal(text, answer); err != nil {
			t.Errorf("%s: %v: %s", path, err, text)
			return 0
		}
		return times
	}
	if !t.Failed() {
		t.Errorf("%s was not taken within %s", path, waitTime)
	}
	return 0
}

// erasureTime is how long an erasure may take while sinks are killed: each of them
// has the eraser's group wait for it, and a busy machine makes all of that slow.
const erasureTime = 10 * waitTime

// awaitErasure waits until a reset is reported as erased. From then on nothing of
// it may be visible; see watchRows.
func (m *model) awaitErasure(t *testing.T, pseudonym, ticket string) {
	for deadline := time.Now().Add(erasureTime); time.Now().Before(deadline) && !t.Failed(); time.Sleep(200 * time.Millisecond) {
		response, err := http.Get(m.u.Collector + "/v1/reset/" + ticket)
		if err != nil {
			continue
		}
		var status struct {
			InForce ingest.Stage `json:"in_force_everywhere"`
			Erased  ingest.Stage `json:"erased_in_clickhouse"`
		}
		err = json.NewDecoder(response.Body).Decode(&status)
		response.Body.Close()
		if err == nil && status.Erased.State == "done" {
			if status.InForce.State != "done" || status.Erased.At.Before(*status.InForce.At) {
				m.violated("a reset is erased before it is in force everywhere: %+v", status)
			}
			m.mu.Lock()
			m.resets[pseudonym].erased = time.Now()
			m.erased++
			m.mu.Unlock()
			return
		}
	}
	if !t.Failed() {
		t.Errorf("a reset was not erased within %s", erasureTime)
	}
}

// awaitErasures waits for all resets that have not been waited for.
func (m *model) awaitErasures(t *testing.T) {
	m.mu.Lock()
	open := map[string]string{}
	for pseudonym, fact := range m.resets {
		if fact.erased.IsZero() {
			open[pseudonym] = fact.ticket
		}
	}
	m.mu.Unlock()
	for pseudonym, ticket := range open {
		if t.Failed() {
			return
		}
		m.awaitErasure(t, pseudonym, ticket)
	}
}
