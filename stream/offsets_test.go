package stream

import "testing"

// A broker that was restarted is asked at once, though the connection to it is lost.
func TestBoundsAfterARestart(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	cluster := open(t, c)
	for range 5 {
		for id := range c.Partitions {
			if _, _, err := cluster.bounds(t.Context(), c.Topics.Events, id); err != nil {
				t.Fatal(err)
			}
		}
		b.stop()
		b.start(t)
	}
}
