package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestClockJumps in a program that runs, and its timers go on as they did.
func TestClockJumps(t *testing.T) {
	dir := t.TempDir()
	overlay, err := writeOverlay(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newClock(filepath.Join(dir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "main.go")
	const program = `package main

import (
	"fmt"
	"time"
)

func main() {
	var line string
	for {
		before := time.Now()
		fmt.Println(before.UTC().Format(time.RFC3339), time.Since(before) < time.Minute)
		if _, err := fmt.Scanln(&line); err != nil {
			return
		}
	}
}
`
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "program")
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", path, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), clockVariable+"="+c.file)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	check := func(by time.Duration) {
		t.Helper()
		line := make([]byte, 64)
		n, err := out.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		text, steady, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if off := at.Sub(time.Now().Add(by)).Abs(); off > time.Minute || steady != "true" {
			t.Errorf("with a skew of %v it is %s there, steady: %s", by, text, steady)
		}
	}
	check(0)
	for _, by := range []time.Duration{time.Hour, -3 * time.Hour, 0} {
		if err := c.set(by); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte("next\n")); err != nil {
			t.Fatal(err)
		}
		check(by)
	}
}
