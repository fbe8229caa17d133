package cases

import (
	"encoding"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"sekisho/enforcer"
	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
)

var everyMutation = flag.Bool("mutations", false, "change each leaf of the example policy in every way, not in one alone")

// mutator walks a policy and changes one leaf of it: the one at which turn is 0.
type mutator struct {
	turn       int
	path, what string // that was changed; "" when there are not so many leaves
	last       string
}

// here changes the leaf, if it is its turn.
func (m *mutator) here(path, what string, change func()) {
	if path == m.last && !*everyMutation {
		return
	}
	m.last = path
	if m.turn == 0 && m.path == "" {
		change()
		m.path, m.what = path, what
	}
	m.turn--
}

func (m *mutator) walk(v reflect.Value, path string) {
	switch x := v.Addr().Interface().(type) {
	case *strict.Date:
		if !x.IsZero() {
			m.here(path, "a day earlier", func() { *x = strict.NewDate(x.Start().Year(), x.Start().Month(), x.Start().Day()-1) })
		}
		return
	case *time.Duration:
		m.here(path, "twice", func() { *x *= 2 })
		return
	case interface {
		encoding.TextUnmarshaler
		Allowed() []string
	}:
		m.enum(x, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			m.walk(v.Field(i), strict.Join(path, v.Type().Field(i).Tag.Get("yaml")))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			m.here(path, "removed", v.SetZero)
			if !v.IsNil() {
				m.walk(v.Elem(), path)
			}
		}
	case reflect.Map:
		m.entries(v, path)
	case reflect.Slice:
		m.elements(v, path)
	case reflect.Bool:
		m.here(path, "the other", func() { v.SetBool(!v.Bool()) })
	case reflect.Int:
		m.here(path, "one more", func() { v.SetInt(v.Int() + 1) })
	case reflect.String:
		m.here(path, "longer", func() { v.SetString(v.String() + "x") })
	default:
		panic("no mutation of " + v.Type().String())
	}
}

func (m *mutator) enum(x interface {
	encoding.TextUnmarshaler
	Allowed() []string
}, path string) {
	names := x.Allowed()
	at := slices.Index(names, fmt.Sprint(reflect.ValueOf(x).Elem().Interface()))
	for i := 1; i < len(names) && i <= 2; i++ { // the next two, in case one changes nothing
		name := names[(at+i)%len(names)]
		m.here(path, name, func() { _ = x.UnmarshalText([]byte(name)) })
	}
}

// entries removes each entry of a map, and walks those that are left.
func (m *mutator) entries(v reflect.Value, path string) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		at := strict.Join(path, key.String())
		m.here(at, "removed", func() { v.SetMapIndex(key, reflect.Value{}) })
		if value := v.MapIndex(key); value.IsValid() {
			entry := reflect.New(v.Type().Elem()).Elem()
			entry.Set(value)
			m.walk(entry, at)
			v.SetMapIndex(key, entry)
		}
	}
}

// elements removes each element of a list, changes it, and adds one.
func (m *mutator) elements(v reflect.Value, path string) {
	for i := range v.Len() {
		at := fmt.Sprintf("%s[%d]", path, i)
		m.here(at, "removed", func() { v.Set(reflect.AppendSlice(v.Slice3(0, i, i), v.Slice(i+1, v.Len()))) })
		if i < v.Len() {
			m.walk(v.Index(i), at)
		}
	}
	if v.Type().Elem().Kind() == reflect.Uint8 || v.Type().Elem().Kind() == reflect.Int {
		x, ok := reflect.New(v.Type().Elem()).Interface().(interface{ Allowed() []string })
		options := 11 // TCF purposes
		if ok {
			options = len(x.Allowed())
		}
		for n := range options {
			element := reflect.New(v.Type().Elem()).Elem()
			name := fmt.Sprint(n + 1)
			if ok {
				name = x.Allowed()[n]
				_ = element.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(name))
			} else {
				element.SetInt(int64(n + 1))
			}
			if !slices.ContainsFunc(slices.Collect(maps.Values(maps.Collect(v.Seq2()))), func(have reflect.Value) bool { return have.Equal(element) }) {
				m.here(path, "with "+name, func() { v.Set(reflect.Append(v, element)) })
			}
		}
	}
}

// mutant returns the example policy with its nth leaf changed, and what was
// changed: "" when there are not so many. A policy that is not valid is none.
func mutant(t *testing.T, n int) (p *policy.Policy, leaf string, valid bool) {
	t.Helper()
	m := mutator{turn: n}
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	m.walk(reflect.ValueOf(p).Elem(), "")
	if m.path == "" {
		return nil, "", false
	}
	text, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	p, err = policy.Parse(absent.ReplaceAll(text, nil))
	return p, m.path + " " + m.what, err == nil
}

// absent is a key without a value, which a policy must not have.
var absent = regexp.MustCompile(`(?m)^.*: null$`)

// changeNothing are the leaves that cannot change a verdict, and why.
var changeNothing = []struct{ leaf, why string }{
	{`^controller\.|^recipients\.\w+\.(operator|opt_out) |^sites\.\w+\.name |\.note `, "for people"},
	{`^sites\.\w+\.retention_days |^erasure `, "what becomes of what is stored"},
	{`^established |^revisions\[1\](\.date)? `, "an earlier or a later revision is the last material one"},
	{`^purposes\.necessary\.categories(\[\d\])? (removed|(with )?terminal_identification)$`, "no event passes for what is necessary alone, and all other purposes cover these too"},
	{`^purposes\.social\.categories\[[01]\] (removed|terminal_identification)$`, "what is necessary covers these too"},
	{`^(signals|jurisdictions|recipients\.\w+\.requires).* with necessary$`, "what is necessary is never refused, and needs no grant"},
	{`^recipients\.google\.tcf\.\w+(\[3\] | with (10|11)$)`, "no purpose needs TCF purposes 10 and 11"},
	{`^recipients\.google\.tcf\.\w+ with [56]$`, "only social needs these, for which Google has nothing"},
	{`^recipients\.google\.tcf\.legitimate_interest with [134]$`, "on both bases is on consent"},
	{`^recipients\.google\.tcf\.flexible with [134]$`, "these are never on legitimate interest"},
	{`^recipients\.google\.tcf\.flexible with 8$`, "it is not registered on either basis"},
	{`^recipients\.google\.additional_consent `, "it has a number in the vendor list"},
	{`^recipients\.meta\.categories with (attribute|research_panel)$`, "no purpose that it has events for covers these"},
	{`^recipients\.meta\.requires with advertising$`, "all its events need that"},
	{`^events\.consent\.without_consent `, "a choice is recorded whatever it is"},
}

func changesNothing(leaf string) bool {
	for _, n := range changeNothing {
		if regexp.MustCompile(n.leaf).MatchString(leaf) {
			return true
		}
	}
	return false
}

// TestEveryLeafShows changes each leaf of the example policy: some case must show
// it, unless it is one that cannot change a verdict.
func TestEveryLeafShows(t *testing.T) {
	const workers = 2
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			s := newShower(t)
			for n := worker; ; n += workers {
				p, leaf, valid := mutant(t, n)
				if leaf == "" {
					break
				}
				if !valid {
					s.invalid++
					continue
				}
				s.valid++
				// It takes all cases to see that none shows a leaf.
				every := 1
				if changesNothing(leaf) && !*everyMutation {
					every = 10
				}
				if shown := s.shows(p, every); shown == changesNothing(leaf) {
					t.Errorf("%s: shown is %v", leaf, shown)
				}
			}
			t.Logf("%d policies, and %d that are not valid; %d verdicts compared", s.valid, s.invalid, s.compared)
			if s.valid < 100 || s.invalid > s.valid/3 {
				t.Errorf("only %d of %d policies are valid", s.valid, s.valid+s.invalid)
			}
		})
	}
}

// shower looks for a case that shows how a policy differs from the example.
type shower struct {
	t                        *testing.T
	example                  *policy.Policy
	table                    *enforcer.Table
	now                      time.Time
	verdicts                 map[string]Verdict // under the example
	random                   *rand.Rand
	valid, invalid, compared int
}

func newShower(t *testing.T) *shower {
	example, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	return &shower{t: t, example: example, table: enforcer.Compile(example), now: time.Now().UTC(), verdicts: make(map[string]Verdict), random: rand.New(rand.NewPCG(1, 2))}
}

// shows looks at one case in every so many, in random order: most leaves show in
// many cases.
func (s *shower) shows(p *policy.Policy, every int) bool {
	table := enforcer.Compile(p)
	list := matrix(s.now, []*policy.Policy{s.example, p})
	for _, at := range s.random.Perm(len(list))[:len(list)/every] {
		c := list[at]
		s.compared++
		key := c.Name + c.Detail + string(c.Event)
		was, known := s.verdicts[key]
		if !known {
			was = s.decide(s.table, &c)
			s.verdicts[key] = was
		}
		is := s.decide(table, &c)
		if len(is.Changes(&was)) > 0 {
			return true
		}
	}
	return false
}

func (s *shower) decide(table *enforcer.Table, c *Case) Verdict {
	v, err := Decide(table, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}
