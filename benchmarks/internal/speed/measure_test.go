package speed

import "testing"

func TestWhatIsNotLetThroughIsNoSuccess(t *testing.T) {
	const (
		requests = "sekisho_requests_total"
		allowed  = `sekisho_events_total{site="shop",type="pageview",outcome="allowed",reason="granted"}`
		other    = `sekisho_events_total{site="news",type="pageview",outcome="allowed",reason="granted"}`
		dropped  = `sekisho_events_total{site="shop",type="pageview",outcome="dropped",reason="refused"}`
		given    = `sekisho_recipient_events_total{recipient="meta",site="shop",type="pageview",outcome="allowed",reason="granted"}`
	)
	before := map[string]float64{requests: 10, allowed: 10, dropped: 3}
	for _, c := range []struct {
		name  string
		after map[string]float64
		good  bool
	}{
		{"all", map[string]float64{requests: 30, allowed: 25, other: 5, dropped: 3, given: 20}, true},
		{"some dropped", map[string]float64{requests: 30, allowed: 25, dropped: 8}, false},
		{"some uncounted", map[string]float64{requests: 30, allowed: 29, dropped: 3}, false},
		{"more", map[string]float64{requests: 30, allowed: 31, dropped: 3}, false},
		{"one dropped, one more", map[string]float64{requests: 30, allowed: 30, dropped: 4}, false},
		{"no collector", map[string]float64{"go_goroutines": 3}, true},
	} {
		if err := allLetThrough(before, c.after, 20); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
