package main_test

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"sekisho/cmd/sekisho/internal/traffic"
	"sekisho/sinks/clickhouse/embedded"
)

// demo runs `sekisho demo` against u and returns its account.
func demo(t *testing.T, u *running, meanwhile func(said *output), arguments ...string) (a traffic.Account) {
	t.Helper()
	file := write(t, "addresses.json", "")
	withdraw, err := u.Announce(file)
	if err != nil {
		t.Fatal(err)
	}
	defer withdraw()
	cmd := exec.Command(binary(t), append([]string{"demo", "--json", "--addresses=" + file}, arguments...)...)
	cmd.Env = environment()
	var out, problems output
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile(&problems)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("sekisho demo: %v\n%s%s", err, out.String(), problems.String())
	}
	if err := json.Unmarshal([]byte(out.String()), &a); err != nil {
		t.Fatalf("cannot read the account %q: %v", out.String(), err)
	}
	return a
}

// TestDemoBalances: of believable traffic, every event is accounted for, in
// ClickHouse and in the metrics.
func TestDemoBalances(t *testing.T) {
	u := startUp(t, t.TempDir())
	a := demo(t, u, nil, "--count=20000", "--seed="+strconv.Itoa(os.Getpid()))
	if !a.Balanced || a.Events != 20000 || a.Lost+a.Doubled+a.Leaked+a.Unaccounted+a.Unanswered != 0 {
		t.Errorf("the account does not balance: %+v", a)
	}
	if a.Received != a.Allowed+a.Anonymised+a.Dropped+a.Rejected || a.Allowed == 0 || a.Anonymised == 0 || a.Dropped == 0 || a.Rejected == 0 {
		t.Errorf("the traffic has not all outcomes: %+v", a)
	}
	if len(a.ThirdParties) != 3 {
		t.Errorf("want Google, Meta and the partner, got %+v", a.ThirdParties)
	}
	for _, p := range a.ThirdParties {
		if p.Granted == 0 || p.Arrived == 0 || p.Lost+p.Violations > 0 {
			t.Errorf("%s was not sent what it was granted: %+v", p.Recipient, p)
		}
	}
	outcomes := map[string]uint64{}
	for _, line := range strings.Split(fetch(t, u.Admin+"/metrics"), "\n") {
		if name, value, ok := strings.Cut(line, "} "); ok && strings.HasPrefix(name, "sekisho_events_total{") {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(name, `outcome="`)
			outcome, _, _ := strings.Cut(rest, `"`)
			outcomes[outcome] += n
		}
	}
	for outcome, want := range map[string]uint64{"allowed": a.Allowed, "anonymised": a.Anonymised, "dropped": a.Dropped, "rejected": a.Rejected} {
		if outcomes[outcome] != want {
			t.Errorf("the metrics have %d %s, the ledger %d", outcomes[outcome], outcome, want)
		}
	}
}

// TestDemoBalancesThroughTheSpool: events that wait on disk, because Kafka answers
// nothing for a while, are accounted for, also where their visitors reset meanwhile.
func TestDemoBalancesThroughTheSpool(t *testing.T) {
	dir := t.TempDir()
	k := bring(t, dir)
	u := startUp(t, dir)
	a := demo(t, u, func(*output) {
		release := k.Hang()
		eventually(t, waitTime, "events to wait on disk", func() bool { return metric(t, u, "sekisho_spool_records") > 0 })
		release()
	}, "--count=6000", "--rate=1000", "--seed="+strconv.Itoa(os.Getpid()))
	t.Logf("%+v; the collector withheld %v", a, metric(t, u, "sekisho_spool_withheld_total"))
	if !a.Balanced || a.Events != 6000 || a.Lost+a.Doubled+a.Leaked+a.Unaccounted+a.Unanswered != 0 {
		t.Errorf("the account does not balance: %+v", a)
	}
}

// TestDemoWaitsForClickHouse: that it does not answer for a while when the account
// is closed is no reason to have none. (It gave up at the first refused connection.)
func TestDemoWaitsForClickHouse(t *testing.T) {
	u := startUp(t, t.TempDir())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var away atomic.Bool
	var refused atomic.Int32
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", u.ClickHouseNative)
			if err != nil || away.Load() {
				refused.Add(1)
				from.Close()
				continue
			}
			mu.Lock()
			open = append(open, from, to)
			mu.Unlock()
			go func() { _, _ = io.Copy(to, from); to.Close() }()
			go func() { _, _ = io.Copy(from, to); from.Close() }()
		}
	}()
	behind := &running{Addresses: u.Addresses}
	behind.ClickHouseNative = l.Addr().String()
	a := demo(t, behind, func(said *output) {
		// The visitors' events are sent, which takes seconds; ClickHouse was asked before, too.
		eventually(t, waitTime, "the sending to begin", func() bool { return metric(t, u, "sekisho_requests_total") > 0 })
		away.Store(true)
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		eventually(t, waitTime, "the account to be closed", func() bool { return strings.Contains(said.String(), "waiting for ClickHouse") })
		eventually(t, waitTime, "ClickHouse to be asked again", func() bool { return refused.Load() > 3 })
		away.Store(false)
	}, "--count=2000", "--rate=500")
	if !a.Balanced || a.Events != 2000 {
		t.Errorf("the account does not balance: %+v", a)
	}
}

// TestClickHouseKilled: ClickHouse is killed while traffic comes in; it is
// started again, and nothing is lost or doubled.
func TestClickHouseKilled(t *testing.T) {
	u := startUp(t, t.TempDir())
	before := u.engines(t)
	if len(before) != 1 {
		t.Fatalf("there are %d ClickHouse processes, want 1", len(before))
	}
	a := demo(t, u, func(*output) {
		eventually(t, waitTime, "rows", func() bool { return count(t, u, "SELECT count() FROM events") > 100 })
		if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}, "--rate=2000", "--for=6s")
	if !a.Balanced || a.Lost+a.Doubled+a.Leaked+a.Unaccounted != 0 {
		t.Errorf("the account does not balance: %+v", a)
	}
	eventually(t, waitTime, "another ClickHouse", func() bool {
		after := u.engines(t)
		return len(after) == 1 && after[0] != before[0]
	})
	if !strings.Contains(u.out.String(), "ClickHouse") {
		t.Error("nothing was said of it")
	}
}

// engines returns the process ids of the ClickHouse that u has started.
func (u *running) engines(t *testing.T) (pids []int) {
	t.Helper()
	list, err := exec.Command("ps", "-axo", "pid=,ppid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[1] == strconv.Itoa(u.process.Process.Pid) && fields[3] == embedded.Command {
			pid, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
