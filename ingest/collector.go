package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// Durable is where what was let through goes.
type Durable interface {
	// Submit copies the messages and returns at once. Who waits on the result
	// learns when they are durable, or that it is not known whether they are.
	Submit(messages []stream.Message) (*stream.Waiter, error)
	// Count counts a decision for which nobody waits. It does not block.
	Count(d schemas.Decision) bool
	// Settle returns when nothing is on its way to Kafka that was durable
	// elsewhere and was checked against the resets before the call.
	Settle()
}

// Options are what a collector is made of.
type Options struct {
	Config   Config
	Enforcer *enforcer.Enforcer
	Keys     *enforcer.Keys
	Events   Durable
	Resets   ResetLog
	Receipts ReceiptLog
	Tickets  *Tickets
	Progress ResetProgress
	// ResetBound is how long after its acknowledgement elsewhere a reset may
	// not be in force here.
	ResetBound time.Duration
	// Places is the operator's place database, or nil.
	Places *Places
	// Ready reports why the collector cannot take events, or nil.
	Ready   func() error
	Metrics *metrics.Set
	Log     *slog.Logger
}

// Collector serves the public listener.
type Collector struct {
	config   Config
	enforcer *enforcer.Enforcer
	keys     *enforcer.Keys
	events   Durable
	resets   ResetLog
	receipts ReceiptLog
	tickets  *Tickets
	progress ResetProgress
	bound    time.Duration
	places   *Places
	ready    func() error
	log      *slog.Logger

	limiter *limiter
	// withdrawals are fewer than requests: each is kept for years.
	withdrawals *limiter
	counters    *counters
	memory      budget
	decoders    decoders
	sessions    sync.Pool
	pendings    sync.Pool
	turns       turns
	draining    atomic.Bool
	server      *fasthttp.Server
}

// New makes a collector.
func New(o Options) *Collector {
	c := &Collector{
		config:      o.Config,
		enforcer:    o.Enforcer,
		keys:        o.Keys,
		events:      o.Events,
		resets:      o.Resets,
		receipts:    o.Receipts,
		tickets:     o.Tickets,
		progress:    o.Progress,
		bound:       o.ResetBound,
		places:      o.Places,
		ready:       o.Ready,
		log:         o.Log,
		limiter:     newLimiter(o.Config.Rate, o.Config.Burst),
		withdrawals: withdrawalLimiter(&o.Config),
		counters:    newCounters(o.Metrics),
		memory:      budget{limit: int64(o.Config.MaxBuffered)},
		decoders:    newDecoders(),
		sessions:    sync.Pool{New: func() any { return new(session) }},
		pendings:    sync.Pool{New: func() any { return new(pending) }},
	}
	c.server = &fasthttp.Server{
		Handler:                       c.handle,
		ErrorHandler:                  c.refuse,
		ExpectHandler:                 c.expect,
		Name:                          "",
		NoDefaultServerHeader:         true,
		NoDefaultDate:                 true,
		Concurrency:                   o.Config.Concurrency + 2*spareConnections, // more than the listener lets in
		MaxRequestBodySize:            int(o.Config.MaxBody),
		StreamRequestBody:             true, // a body takes memory only as it comes; see receive
		ReadTimeout:                   o.Config.ReadTimeout,
		WriteTimeout:                  o.Config.ReadTimeout,
		IdleTimeout:                   o.Config.IdleTimeout,
		ReadBufferSize:                16 << 10, // the longest header
		DisablePreParseMultipartForm:  true,
		SecureErrorLogMessage:         true,
		CloseOnShutdown:               true,
		DisableHeaderNamesNormalizing: false,
		Logger:                        serverLog{c},
	}
	o.Metrics.NewGauge("sekisho_connections", func() float64 { return float64(c.server.GetOpenConnectionsCount()) })
	o.Metrics.NewGauge("sekisho_buffered_bytes", func() float64 { return float64(c.memory.used.Load()) })
	return c
}

// withdrawalRate is how many identifiers a second one client address may reset
// or opt out, in whatever way, and withdrawalBurst how many at once. Many users
// may share one.
const (
	withdrawalRate  = 5
	withdrawalBurst = 50
)

// withdrawalLimiter limits withdrawals where requests are not limited, too, but
// for those of this machine itself.
func withdrawalLimiter(config *Config) *limiter {
	if config.Rate == 0 {
		l := newLimiter(withdrawalRate, withdrawalBurst)
		l.spareLocal = true
		return l
	}
	return newLimiter(min(config.Rate, withdrawalRate), min(config.Burst, withdrawalBurst))
}

// spareConnections beyond the configured ones are told by the collector itself
// when to come back. Those beyond these are refused by the listener.
const spareConnections = 256

// Serve takes requests from the listener until Shutdown.
func (c *Collector) Serve(l net.Listener) error {
	if err := c.server.Serve(c.listen(l)); err != nil {
		return fmt.Errorf("cannot serve events: %w", err)
	}
	return nil
}

// Shutdown stops taking requests: not ready first, then no new connections,
// then it waits for the requests under way until ctx ends.
func (c *Collector) Shutdown(ctx context.Context) error {
	c.draining.Store(true)
	if err := c.server.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("cannot finish all requests in time: %w", err)
	}
	return nil
}

const eventsPath = "/v1/events"

// handle routes a request. A panic ends only the request that caused it.
func (c *Collector) handle(ctx *fasthttp.RequestCtx) {
	begun(ctx)
	defer func() {
		defer ended(ctx)
		defer linger(ctx)
		if p := recover(); p != nil {
			c.counters.panics.Inc()
			c.log.Error("a request caused a panic", "type", fmt.Sprintf("%T", p), "at", panickedAt())
			ctx.Response.Reset()
			answerError(ctx, fasthttp.StatusInternalServerError, "internal error")
		}
	}()
	c.counters.requests.Inc()
	if status := lenient(&ctx.Request.Header); status != 0 {
		c.counters.malformed.Inc()
		ctx.SetConnectionClose()
		answerError(ctx, status, noHTTP)
		return
	}
	switch string(ctx.Path()) {
	case eventsPath:
		c.only(ctx, c.lose, c.serveEvents, fasthttp.MethodPost)
	case "/v1/reset":
		c.only(ctx, ignore, c.serveReset, fasthttp.MethodPost)
	case "/v1/pixel.gif":
		c.servePixel(ctx)
	case "/sekisho.js":
		c.serveTracker(ctx)
	case "/healthz":
		answerText(ctx, fasthttp.StatusOK, "ok\n")
	case "/readyz":
		c.serveReady(ctx)
	default:
		c.handleBelow(ctx, string(ctx.Path()))
	}
}

// handleBelow routes requests whose path ends with a name.
func (c *Collector) handleBelow(ctx *fasthttp.RequestCtx, path string) {
	switch {
	case strings.HasPrefix(path, ticketPath):
		c.only(ctx, ignore, c.serveTicket, fasthttp.MethodGet)
	case strings.HasPrefix(path, optOutPath):
		c.only(ctx, ignore, c.serveOptOut, fasthttp.MethodPost, fasthttp.MethodDelete)
	default:
		answerError(ctx, fasthttp.StatusNotFound, "there is nothing here; events go to POST /v1/events")
	}
}

// panickedAt names the functions that led to a panic. A stack as the runtime
// writes it would show arguments.
func panickedAt() (at string) {
	var calls [16]uintptr
	frames := runtime.CallersFrames(calls[:runtime.Callers(3, calls[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		at += fmt.Sprintf("%s:%d ", f.Function, f.Line)
	}
	return at
}

// ignore accounts for a request that brings no events.
func ignore(schemas.Reason) {}

// only answers preflights and refuses other methods than those given, the
// origins of no site, and clients that send too much. lose accounts for what is
// refused.
func (c *Collector) only(ctx *fasthttp.RequestCtx, lose func(schemas.Reason), serve func(*fasthttp.RequestCtx), methods ...string) {
	ctx.Response.Header.SetCanonical([]byte(fasthttp.HeaderVary), []byte(fasthttp.HeaderOrigin))
	known := c.allowOrigin(ctx)
	right := slices.Contains(methods, share(ctx.Method()))
	switch {
	case !right && !ctx.IsOptions():
		ctx.Response.Header.Set(fasthttp.HeaderAllow, strings.Join(methods, ", ")+", OPTIONS")
		answerError(ctx, fasthttp.StatusMethodNotAllowed, "use "+strings.Join(methods, " or "))
	case !known:
		if right {
			lose(schemas.ReasonOrigin)
		}
		answerError(ctx, fasthttp.StatusForbidden, wrongOrigin)
	case ctx.IsOptions():
		answerPreflight(ctx, methods)
	case c.limit(ctx, lose):
		serve(ctx)
	}
}

// limit answers 429 when the client sends too much.
func (c *Collector) limit(ctx *fasthttp.RequestCtx, lose func(schemas.Reason)) bool {
	wait, ok := c.limiter.allow(c.client(ctx), ctx.Time())
	if !ok {
		lose(schemas.ReasonRateLimited)
		answerRetry(ctx, fasthttp.StatusTooManyRequests, wait, "too many requests")
	}
	return ok
}

// serveReady says whether the collector takes events.
func (c *Collector) serveReady(ctx *fasthttp.RequestCtx) {
	if err := c.unready(); err != nil {
		answerUnavailable(ctx, err.Error())
		return
	}
	answerText(ctx, fasthttp.StatusOK, "ready\n")
}

func (c *Collector) unready() error {
	if c.draining.Load() {
		return errDraining
	}
	return c.ready()
}

// client is the address that sent the request: of the connection, or, behind
// trusted proxies, the last address in X-Forwarded-For that is not theirs.
func (c *Collector) client(ctx *fasthttp.RequestCtx) netip.Addr {
	peer := peerOf(ctx)
	if !c.trusted(peer) {
		return peer
	}
	// A proxy may add to the header or add another one after it.
	lines := ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor)
	for i := len(lines) - 1; i >= 0; i-- {
		hops := strings.Split(string(lines[i]), ",")
		for j := len(hops) - 1; j >= 0; j-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[j]))
			if err != nil {
				return peer
			}
			if hop = hop.Unmap(); !c.trusted(hop) {
				return hop
			}
		}
	}
	return peer
}

// place is the country or region that a trusted proxy states.
func (c *Collector) place(ctx *fasthttp.RequestCtx) string {
	if c.config.PlaceHeader == "" || !c.trusted(peerOf(ctx)) {
		return ""
	}
	return placeOf(ctx.Request.Header.PeekAll(c.config.PlaceHeader))
}

// placeOf is what the lines of the place header state together.
func placeOf(lines [][]byte) (place string) {
	for i, line := range lines {
		if i > 0 && !strings.EqualFold(place, share(line)) {
			return noPlace
		}
		place = share(line)
	}
	return strings.ToUpper(place)
}

// noPlace is no place, for which the strictest rules hold.
const noPlace = "?"

func (c *Collector) trusted(address netip.Addr) bool {
	for _, network := range c.config.TrustedProxies {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

func peerOf(ctx *fasthttp.RequestCtx) netip.Addr {
	if c, ok := ctx.Conn().(*connection); ok {
		return c.peer
	}
	return addressOf(ctx.RemoteAddr())
}
