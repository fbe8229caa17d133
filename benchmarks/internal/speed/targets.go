package speed

import "fmt"

// judge holds the medians against what Sekisho wants to be. What was not
// measured is not judged.
func (r *Report) judge() {
	few, many := scenarioOf(connectionsOf[0]), scenarioOf(connectionsOf[1])
	atLeast := func(what, scenario, subject, value string, want float64) {
		if got, ok := r.median(scenario, subject, value); ok {
			r.Targets = append(r.Targets, Target{what, "at least " + figure(want), got, got >= want})
		}
	}
	atMost := func(what, scenario, subject, value string, want float64) {
		if got, ok := r.median(scenario, subject, value); ok {
			r.Targets = append(r.Targets, Target{what, "at most " + figure(want), got, got <= want})
		}
	}
	atLeast("requests a second, of the bare server's, 64 connections", few, sekisho, ofBare, 0.5)
	atLeast("requests a second, of the bare server's, 512 connections", many, sekisho, ofBare, 0.6)
	atMost("CPU of the collector, µs a request, 64 connections", few, sekisho, cpuOf, 20)
	atMost("CPU of the collector, µs a request, 512 connections", many, sekisho, cpuOf, 20)
	if bare, ok := r.median(many, bareFasthttp, latency99); ok {
		atMost("p99, ms, 512 connections (three times the bare server's)", many, sekisho, latency99, 3*bare)
	}
	if registry, ok := r.median(many, sekisho, registryBytes); ok {
		atMost("resident MiB, with the registry's "+fmt.Sprintf("%.0f", registry), many, sekisho, resident, 100+registry)
	}
	for i, scenario := range []string{few, many} {
		over := fmt.Sprintf(" a request, %d connections", connectionsOf[i])
		atMost("allocations"+over, scenario, sekisho, allocationsOf, 5)
		atMost("bytes allocated"+over, scenario, sekisho, allocatedBytesOf, 1024)
	}
	atLeast("events a second, 50 a request", batches, sekisho, eventsPerSecond, 150_000)
	atLeast("events a second from Kafka to ClickHouse", sinkOf, "sink", eventsPerSecond, 150_000)
	for _, row := range r.Rows {
		switch row.Scenario {
		case visibleOf:
			atMost("p99 from sending an event to its row, ms", visibleOf, row.Subject, latency99, 2000)
		case soakOf:
			atMost("growth of the collector's memory in the soak, MiB", soakOf, row.Subject, growth, 16)
			atMost("events that the sink is behind at the end of the soak (three seconds')", soakOf, row.Subject, lag, 3*median(row.Values[requestsPerSecond]))
		}
	}
}
