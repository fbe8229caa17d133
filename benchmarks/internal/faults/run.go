package faults

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Run builds the stage, breaks it, and returns what came of it. An error means
// that the run could not be done, not that something was lost.
func Run(ctx context.Context, o Options) (r *Report, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	begun := time.Now()
	log := func(format string, arguments ...any) {
		fmt.Fprintf(o.Log, "%6.1fs  "+format+"\n", append([]any{time.Since(begun).Seconds()}, arguments...)...)
	}
	dir := o.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "sekisho-faults-"); err != nil {
			return nil, err
		}
		defer func() {
			if err == nil && !r.Good() {
				log("what every process said is in %s", filepath.Join(dir, "logs"))
				return
			}
			os.RemoveAll(dir)
		}()
	}
	log("building the program and starting everything in %s", dir)
	s, err := build(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	defer s.close()
	// Of letters and digits alone, so that no text is written in another way.
	canary := "canary" + strings.ToLower(rand.Text()[:12])
	w := newWriters(s, canary)
	stop, cease := context.WithCancel(ctx)
	defer cease()
	giveUp, abandon := context.WithCancel(ctx)
	defer abandon()
	w.start(giveUp, stop, o.Seed)
	d := newDirector(s, w, log)
	d.direct(ctx, schedule(o.Seed, o.Kills, s.targets()))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	log("mending everything")
	if err := s.mend(ctx); err != nil {
		return nil, err
	}
	sleep(ctx, 2*time.Second) // so that the last writes go to what is whole
	cease()
	if err := w.wait(2 * time.Minute); err != nil {
		d.problem(err)
		abandon()
		w.working.Wait()
	}
	r, err = account(ctx, s, w, d, log)
	if err != nil {
		return nil, err
	}
	r.Seed, r.Kafka, r.Seconds, r.NotCovered = o.Seed, o.Kafka, time.Since(begun).Seconds(), s.notCovered
	return r, nil
}

// account waits for the drain and compares.
func account(ctx context.Context, s *stage, w *writers, d *director, log func(string, ...any)) (*Report, error) {
	l := w.ledger
	r := &Report{
		Faults: d.done, Exits: d.exits, Away: d.away, Requests: l.requests, Refusals: l.refusals, Resets: l.resets,
		Acknowledged: l.acknowledged(), Leaked: uint64(len(l.leaks)),
	}
	for _, n := range d.done[string(killed)] {
		r.Kills += n
	}
	for _, n := range l.unanswered {
		r.Unanswered += n
	}
	for _, leak := range l.leaks {
		r.tell("leaked: %s", leak)
	}
	cluster, err := s.cluster()
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	defer store.Close()
	v := &verifier{stage: s, store: store, topic: newTopicAccount(cluster, cluster.Config().Topics.Events), ledger: l, patience: s.options.Drain, log: log}
	log("waiting for ClickHouse to have all of it")
	if err := v.drain(ctx); err != nil {
		return nil, err
	}
	var have *stored
	if err := v.insist(ctx, func() (err error) { have, err = v.read(ctx); return err }); err != nil {
		return nil, err
	}
	r.Rows, r.Batches, r.Copies = have.rows, len(v.topic.seen), v.topic.copies
	v.compare(have, r)

	log("having the program account for every event itself")
	if err := s.audit(ctx); err != nil {
		d.problem(err)
	}
	log("looking for what must not be anywhere")
	text := w.canary
	var topics, tables []string
	errTopics := v.insist(ctx, func() (err error) { topics, err = s.searchTopics(ctx, cluster, []byte(text)); return err })
	errTables := v.insist(ctx, func() (err error) { tables, err = searchTables(ctx, store, text); return err })
	files, errFiles := s.searchFiles(s.dir, []byte(text))
	metrics, errMetrics := s.searchMetrics(ctx, text)
	if err := errors.Join(errTopics, errTables, errFiles, errMetrics); err != nil {
		return nil, err
	}
	for _, places := range [][]string{topics, tables, files, metrics} {
		for _, place := range places {
			r.Leaked++
			r.tell("leaked: what was refused: %s", place)
		}
	}
	if d.away.Seconds > 0 && d.away.Acknowledged == 0 {
		r.Problems = append(r.Problems, "no event was acknowledged while Kafka was away, though there are spools")
	}
	for what, n := range l.unexpected {
		r.Problems = append(r.Problems, fmt.Sprintf("%d times: %s", n, what))
	}
	// Told to stop while all is well: in time, and with code 0.
	for _, p := range s.roles() {
		if err := p.Stop(endsIn); err != nil {
			d.problem(err)
		}
	}
	for _, problem := range d.problems {
		r.Problems = append(r.Problems, problem.Error())
	}
	return r, nil
}
