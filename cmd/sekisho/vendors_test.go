package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/sinks/standin"
)

// sekisho vendors says where the stand-ins are, and tells of each change.
func TestVendors(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	in, out := io.Pipe()
	cmd := command()
	cmd.SetOut(out)
	cmd.SetArgs([]string{"vendors", "--data", dir, "--google-port", "0", "--meta-port", "0", "--webhook-port", "0"})
	ended := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		out.CloseWithError(err)
		ended <- err
	}()
	lines := bufio.NewScanner(in)
	find := func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), prefix); ok {
				return strings.TrimSpace(rest)
			}
		}
		t.Fatalf("nothing begins with %q: %v", prefix, lines.Err())
		return ""
	}
	google := find("google")
	secret, err := os.ReadFile(filepath.Join(dir, "secret-google-api"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(google+"/mp/collect?measurement_id=G-STANDIN1&api_secret="+strings.TrimSpace(string(secret)), "application/json",
		strings.NewReader(`{"client_id":"1.2","events":[{"name":"page_view"}]}`))
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatal(response, err)
	}
	response.Body.Close()
	for !strings.Contains(lines.Text(), "events 1 ") {
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
	}
	response, err = http.Get(google + "/received")
	if err != nil {
		t.Fatal(err)
	}
	var received standin.Received
	if err := json.NewDecoder(response.Body).Decode(&received); err != nil || received.Events != 1 || received.Violations != 0 {
		t.Errorf("got %+v, %v", received, err)
	}
	response.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
