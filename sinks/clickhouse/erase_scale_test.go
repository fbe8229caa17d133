package clickhouse

import (
	"crypto/md5"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

var (
	eraseRows   = flag.Int("erase.rows", 200_000, "rows among which TestEraseMany erases")
	eraseResets = flag.Int("erase.resets", 1000, "resets that it erases; a visitor has ten rows")
	eraseKeep   = flag.Bool("erase.keep", false, "keep counts: put anonymised rows in their place")
)

// TestEraseMany erases many resets from many rows while events arrive, and says
// how long it took and with how many mutations:
//
//	go test ./sinks/clickhouse -run EraseMany -v -timeout 1h -erase.rows 20000000 -erase.resets 100000
func TestEraseMany(t *testing.T) {
	s, cluster := migratedStore(t), topicOf(t, 2)
	s.config.Group, s.config.Batch = s.config.Database, DefaultConfig().Batch
	s.config.Erasure.MaxWait = 2 * time.Second
	if err := s.conn.Exec(t.Context(), "ALTER TABLE "+s.Table("events")+" MODIFY SETTING old_parts_lifetime = 1"); err != nil {
		t.Fatal(err)
	}
	fill(t, s, *eraseRows)
	action := policy.Drop
	if *eraseKeep {
		action = policy.Anonymise
	}
	gate := newGate(t, cluster, erasing(action))
	sink := NewSink(s, cluster, SinkOptions{Gate: gate, Log: slog.New(slog.DiscardHandler)})
	start(t, sink)
	e, _ := startEraser(t, s, cluster, gate)
	stop, arriving := arrive(t, cluster)

	begun := time.Now()
	end := int64(0)
	for first := 0; first < *eraseResets; first += 1000 {
		resets := make([]schemas.Reset, min(1000, *eraseResets-first))
		for i := range resets {
			resets[i] = schemas.Reset{Field: schemas.VisitorID, Hash: uuid.New(), At: time.Now(), Pseudonyms: []string{visitor(first + i)}}
		}
		offset, err := stream.NewResets(cluster, nil, slog.New(slog.DiscardHandler)).Append(t.Context(), resets)
		if err != nil {
			t.Fatal(err)
		}
		end = offset + int64(len(resets))
	}
	accepted := time.Since(begun)
	awaitErasedWithin(t, cluster, end, eraseTime+time.Duration(*eraseRows/5000)*time.Second)
	took := time.Since(begun)
	arrived := arriving.Load()
	stop()
	t.Logf("%d resets, accepted in %s, erased from %d rows in %s by %d mutations in %d batches; %d rows erased; %d events a second arrived meanwhile",
		*eraseResets, accepted.Round(time.Millisecond), *eraseRows, took.Round(time.Millisecond), e.metrics.mutations.Get(), e.metrics.batches.Get(),
		e.metrics.rows.Get(), int(float64(arrived)/took.Seconds()))
	eventually(t, "what arrived is stored", func() bool {
		return ask(t, s, "SELECT uniqExact(id) FROM "+s.Table("events")+" WHERE site = 'news'") == uint64(arriving.Load())
	})
	left := uint64(*eraseRows)
	if !*eraseKeep {
		left -= uint64(*eraseResets) * 10
	}
	if n := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE site = 'shop'"); n != left {
		t.Errorf("%d rows are left, want %d", n, left)
	}
	wantNone(t, s, visitor(0), visitor(*eraseResets-1))
	if n := ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE visitor_id = "+quote(visitor(*eraseResets))); n != 10 {
		t.Errorf("another visitor has %d rows, want 10", n)
	}
}

// visitor is the pseudonym of the n-th visitor of fill.
func visitor(n int) string {
	sum := md5.Sum([]byte(strconv.Itoa(n)))
	return "k1." + hex.EncodeToString(sum[:])
}

// fill stores rows as browsers make them, ten of each visitor, over two months.
func fill(t testing.TB, s *Store, rows int) {
	t.Helper()
	ctx, cancel := long(t.Context())
	defer cancel()
	const chunk = 1_000_000
	for first := 0; first < rows; first += chunk {
		n := min(chunk, rows-first)
		err := s.conn.Exec(ctx, fmt.Sprintf(`INSERT INTO %s
			(id, type, site, time, visitor_id, session_id, url, title, referrer, screen_width, screen_height, language, timezone, user_agent,
				country, properties, outcome, reason, policy, jurisdiction, purposes)
			SELECT generateUUIDv7(number), 'pageview', 'shop', toDateTime64('2026-10-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(number %% 4000000000 + number * 200 %% 4000000000),
				concat('k1.', lower(hex(MD5(toString(number %% intDiv(%d, 10)))))), concat('k1.', lower(hex(MD5(concat('s', toString(intDiv(number, 5))))))),
				concat('https://shop.example.jp/items/', toString(number %% 5000)), concat('Item ', toString(number %% 5000), ' - Example Shop'), 'https://www.google.com/',
				1920, 1080, 'ja-JP', 'Asia/Tokyo', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
				'JP', map('plan', 'gold'), 'allowed', 'granted', '2026-10-01', 'japan', ['necessary', 'analytics']
			FROM numbers(%d, %d)`, s.Table("events"), rows, first, n))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// arrive sends events of another site until it is stopped.
func arrive(t testing.TB, cluster *stream.Cluster) (stop func(), sent *atomic.Int64) {
	producer := stream.NewProducer(cluster, 2, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
	sent = new(atomic.Int64)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer producer.Close()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			var messages []stream.Message
			for range 100 {
				r := browserRecord(uuid.Must(uuid.NewV7()), i, when.Add(time.Duration(i)*time.Millisecond))
				r.Event.Set(schemas.Site, "news")
				messages = append(messages, stream.Message{Key: []byte(r.Event.Get(schemas.VisitorID)), Value: r.AppendJSON(nil), Time: when})
				i++
			}
			for producer.Write(t.Context(), messages) != nil { // as a client does
				select {
				case <-quit:
					return
				default:
				}
			}
			sent.Add(int64(len(messages)))
		}
	}()
	return func() { close(quit); <-done }, sent
}
