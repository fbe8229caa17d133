package standin

import (
	"encoding/json"
	"hash/maphash"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Bounds of what is remembered: a stand-in may run for days.
const (
	keptRequests    = 20
	keptViolations  = 100
	keptNames       = 200
	keptIdentifiers = 200_000 // of one kind
	keptEvents      = 1_000_000
)

// Received is what a stand-in has received since it started.
type Received struct {
	Vendor string `json:"vendor"`
	// Requests on the vendor's own paths, by status answered; Cut of them were
	// not answered.
	Requests uint64         `json:"requests"`
	Statuses map[int]uint64 `json:"statuses"`
	Cut      uint64         `json:"cut"`
	// Refused are the requests that a fault kept away from the vendor, by fault.
	Refused map[Kind]uint64 `json:"refused"`
	// Events that the vendor kept, and by name.
	Events uint64            `json:"events"`
	Names  map[string]uint64 `json:"names"`
	// Dropped are events that the vendor would not keep, saying so or not.
	Dropped uint64 `json:"dropped"`
	// Doubled are events that the vendor would count twice; Deduplicated those
	// that it knows it has already.
	Doubled      uint64 `json:"doubled"`
	Deduplicated uint64 `json:"deduplicated"`
	// Deletions of users that were asked for; AfterDeletion are events of such
	// users that came later.
	Deletions     uint64 `json:"deletions"`
	AfterDeletion uint64 `json:"after_deletion"`
	// Violations of the vendor's rules, by rule, and the last of them.
	Violations uint64            `json:"violations"`
	Rules      map[string]uint64 `json:"rules"`
	Listed     []Violation       `json:"listed"`
	// Identifiers is how many different ones were seen, by kind, up to 200,000.
	Identifiers map[string]int `json:"identifiers"`
	// Last are the last requests, the newest last.
	Last []Request `json:"last"`
}

// Violation is a breach of a published rule.
type Violation struct {
	At      time.Time `json:"at"`
	Rule    string    `json:"rule"` // short name, of a fixed list
	Path    string    `json:"path"` // of the member, such as events[0].params.value
	Message string    `json:"message"`
	// Code is Google's validationCode, where there is one.
	Code string `json:"code,omitempty"`
}

// Request is one request and what became of it. Secrets are blanked out.
type Request struct {
	At     time.Time         `json:"at"`
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Query  url.Values        `json:"query,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body"`
	Status int               `json:"status"`
	// Taken reports whether the vendor looked at it.
	Taken bool `json:"taken"`
	Fault Kind `json:"fault,omitempty"`
}

// recorder remembers what came. Safe for concurrent use.
type recorder struct {
	now  func() time.Time
	keep int

	mu          sync.Mutex
	r           Received
	identifiers map[string]map[string]struct{}
	deleted     map[string]struct{}
	seed        maphash.Seed
	seen        map[uint64]time.Time // events, by hash
}

func newRecorder(vendor string, o *Options) *recorder {
	r := &recorder{now: o.Now, keep: o.Keep, seed: maphash.MakeSeed()}
	if r.now == nil {
		r.now = time.Now
	}
	if r.keep == 0 {
		r.keep = keptRequests
	}
	r.clear(vendor)
	return r
}

func (r *recorder) clear(vendor string) {
	r.r = Received{Vendor: vendor, Statuses: map[int]uint64{}, Refused: map[Kind]uint64{}, Names: map[string]uint64{}, Rules: map[string]uint64{}}
	r.identifiers, r.deleted, r.seen = map[string]map[string]struct{}{}, map[string]struct{}{}, map[uint64]time.Time{}
}

// Received returns a copy of what was received so far.
func (r *recorder) Received() Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.r
	out.Statuses, out.Refused, out.Names, out.Rules = maps.Clone(out.Statuses), maps.Clone(out.Refused), maps.Clone(out.Names), maps.Clone(out.Rules)
	out.Listed, out.Last = slices.Clone(out.Listed), slices.Clone(out.Last)
	out.Identifiers = make(map[string]int, len(r.identifiers))
	for kind, set := range r.identifiers {
		out.Identifiers[kind] = len(set)
	}
	return out
}

// Forget begins anew, as if nothing had been received.
func (r *recorder) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear(r.r.Vendor)
}

func (r *recorder) refused(kind Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.Refused[kind]++
	if kind == Down {
		r.r.Requests++
		r.r.Cut++
	}
}

func (r *recorder) answered(request Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.Requests++
	if request.Fault == Reset {
		r.r.Cut++
	} else {
		r.r.Statuses[request.Status]++
	}
	if len(r.r.Last) >= r.keep {
		r.r.Last = slices.Delete(r.r.Last, 0, len(r.r.Last)-r.keep+1)
	}
	r.r.Last = append(r.r.Last, request)
}

func (r *recorder) violate(list ...Violation) {
	if len(list) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range list {
		v.At = r.now()
		r.r.Violations++
		r.r.Rules[v.Rule]++
		if len(r.r.Listed) == keptViolations {
			r.r.Listed = slices.Delete(r.r.Listed, 0, 1)
		}
		r.r.Listed = append(r.r.Listed, v)
	}
}

// identifier notes an identifier, and reports whether its user was deleted.
func (r *recorder) identifier(kind, value string) (deleted bool) {
	if value == "" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	set := r.identifiers[kind]
	if set == nil {
		set = map[string]struct{}{}
		r.identifiers[kind] = set
	}
	if len(set) < keptIdentifiers {
		set[value] = struct{}{}
	}
	_, deleted = r.deleted[kind+"\x00"+value]
	return deleted
}

// deletion notes that a user was deleted.
func (r *recorder) deletion(kind, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.Deletions++
	if len(r.deleted) < keptIdentifiers {
		r.deleted[kind+"\x00"+value] = struct{}{}
	}
}

// again reports whether the same key came within the window, or ever when the
// window is 0, and notes it.
func (r *recorder) again(key string, window time.Duration) bool {
	hash, now := maphash.String(r.seed, key), r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.seen[hash]
	if ok && (window == 0 || now.Sub(at) < window) {
		return true
	}
	if len(r.seen) < keptEvents {
		r.seen[hash] = now
	}
	return false
}

// count adds to what was received.
func (r *recorder) count(add func(*Received)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.r)
}

// event counts an event that the vendor kept.
func (r *recorder) event(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.Events++
	if _, ok := r.r.Names[name]; !ok && len(r.r.Names) >= keptNames {
		name = "…"
	}
	r.r.Names[name]++
}

func (r *recorder) serveReceived(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(r.Received())
}

var secretInBody = regexp.MustCompile(`("access_token"\s*:\s*)"[^"]*"|\bassertion=[^&]*`)

// redactBody blanks out what authenticates the sender.
func redactBody(body []byte) string {
	return string(secretInBody.ReplaceAll(body, []byte(`$1"…"`)))
}

// redact blanks out what authenticates the sender.
func redact(query url.Values) url.Values {
	for _, name := range []string{"api_secret", "access_token"} {
		if query.Has(name) {
			query.Set(name, "…")
		}
	}
	return query
}

func headersOf(r *http.Request) map[string]string {
	out := map[string]string{}
	for name := range r.Header {
		if name != "Authorization" {
			out[name] = r.Header.Get(name)
		}
	}
	return out
}
