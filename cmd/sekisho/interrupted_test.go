package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"sekisho/schemas/policy"
)

// A command that is interrupted has not done what it was to do, and says so: what is
// exported is not whole, what is erased may not be erased, what is audited may not
// balance. (It ended in silence, as if all were well.) Those that run until they are
// stopped end well.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ids := write(t, "ids.csv", "visitor_id,canary\n")
	rules := write(t, "policy.yaml", string(policy.Example))
	check := func(code int, arguments ...string) {
		t.Run(strings.Join(arguments[:min(len(arguments), 2)], " "), func(t *testing.T) {
			t.Parallel()
			var said output
			cmd := exec.Command(binary(t), arguments...)
			cmd.Stdout, cmd.Stderr = &said, &said
			// Nobody is there, so all of them wait.
			cmd.Env = append(environment(), "SEKISHO_KAFKA_BROKERS=127.0.0.1:1", "SEKISHO_CLICKHOUSE_ADDRESSES=127.0.0.1:1", "SEKISHO_POLICY="+rules,
				"SEKISHO_COLLECTOR_LISTEN=127.0.0.1:0", "SEKISHO_ADMIN_LISTEN=127.0.0.1:0", "SEKISHO_REGISTRY_DIR="+t.TempDir(),
				"SEKISHO_KEYS_SECRET="+strings.Repeat("s", 32), "SEKISHO_KEYS_REGISTRY="+strings.Repeat("r", 32))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { _ = cmd.Wait(); close(ended) }()
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			eventually(t, startTime, "it to wait", func() bool { return strings.Contains(said.String(), "trying again") })
			_ = cmd.Process.Signal(os.Interrupt)
			<-ended
			if got := cmd.ProcessState.ExitCode(); got != code || (code != 0) != strings.Contains(said.String(), "interrupted") {
				t.Errorf("it ended with code %d, want %d:\n%s", got, code, &said)
			}
		})
	}
	check(1, "topics")
	check(1, "migrate")
	check(1, "reset", "--file", ids)
	check(1, "erase", "--file", ids, "--wait")
	check(1, "export", "--file", ids)
	check(1, "audit")
	check(1, "dlq", "redrive", "--all")
	check(1, "replay", "--into=table:again")
	check(0, "collect")
	check(0, "sink", "clickhouse")
	check(0, "tail")
}
