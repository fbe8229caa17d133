package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
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

// Durable is where what was let through goes: it returns when the messages are
// durable, or that it is not known whether they are.
type Durable interface {
	Write(ctx context.Context, messages []stream.Message) error
	// Submit queues messages and does not wait.
	Submit(messages []stream.Message) (*stream.Waiter, error)
}

// Options are what a collector is made of.
type Options struct {
	Config   Config
	Enforcer *enforcer.Enforcer
	Keys     *enforcer.Keys
	Events   Durable
	Resets   ResetLog
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
	places   *Places
	ready    func() error
	log      *slog.Logger

	limiter  *limiter
	counters *counters
	sessions sync.Pool
	draining atomic.Bool
	server   *fasthttp.Server
}

// New makes a collector.
func New(o Options) *Collector {
	c := &Collector{
		config:   o.Config,
		enforcer: o.Enforcer,
		keys:     o.Keys,
		events:   o.Events,
		resets:   o.Resets,
		places:   o.Places,
		ready:    o.Ready,
		log:      o.Log,
		limiter:  newLimiter(o.Config.Rate, o.Config.Burst),
		counters: newCounters(o.Metrics),
		sessions: sync.Pool{New: func() any { return new(session) }},
	}
	c.server = &fasthttp.Server{
		Handler:                       c.handle,
		ErrorHandler:                  c.refuse,
		Name:                          "",
		NoDefaultServerHeader:         true,
		NoDefaultDate:                 true,
		Concurrency:                   o.Config.Concurrency,
		MaxRequestBodySize:            int(o.Config.MaxBody),
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
	return c
}

// Serve takes requests from the listener until Shutdown.
func (c *Collector) Serve(l net.Listener) error {
	if err := c.server.Serve(l); err != nil {
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

// handle routes a request. A panic ends only the request that caused it.
func (c *Collector) handle(ctx *fasthttp.RequestCtx) {
	defer func() {
		if p := recover(); p != nil {
			c.counters.panics.Inc()
			c.log.Error("a request caused a panic", "type", fmt.Sprintf("%T", p))
			answerError(ctx, fasthttp.StatusInternalServerError, "internal error")
		}
	}()
	c.counters.requests.Inc()
	switch string(ctx.Path()) {
	case "/v1/events":
		c.postOnly(ctx, c.serveEvents)
	case "/v1/reset":
		c.postOnly(ctx, c.serveReset)
	case "/v1/pixel.gif":
		c.servePixel(ctx)
	case "/sekisho.js":
		c.serveTracker(ctx)
	case "/healthz":
		answerText(ctx, fasthttp.StatusOK, "ok\n")
	case "/readyz":
		c.serveReady(ctx)
	default:
		answerError(ctx, fasthttp.StatusNotFound, "there is nothing here; events go to POST /v1/events")
	}
}

// postOnly answers preflights and refuses what is not POST, the origins of no
// site, and clients that send too much.
func (c *Collector) postOnly(ctx *fasthttp.RequestCtx, serve func(*fasthttp.RequestCtx)) {
	table := c.enforcer.Table()
	origin := string(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))
	if origin != "" {
		if !table.KnowsOrigin(origin) {
			c.lose(schemas.ReasonOrigin)
			answerError(ctx, fasthttp.StatusForbidden, "the origin is not one of a site's; add it to the site's origins in the handling policy")
			return
		}
		allowOrigin(ctx, origin)
	}
	switch {
	case ctx.IsOptions():
		answerPreflight(ctx)
	case !ctx.IsPost():
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "POST, OPTIONS")
		answerError(ctx, fasthttp.StatusMethodNotAllowed, "use POST")
	default:
		if c.limit(ctx) {
			serve(ctx)
		}
	}
}

// limit answers 429 when the client sends too much.
func (c *Collector) limit(ctx *fasthttp.RequestCtx) bool {
	wait, ok := c.limiter.allow(c.client(ctx), time.Now())
	if !ok {
		c.lose(schemas.ReasonRateLimited)
		answerRetry(ctx, fasthttp.StatusTooManyRequests, wait, "too many requests")
	}
	return ok
}

// lose accounts for a request whose events were not read.
func (c *Collector) lose(reason schemas.Reason) {
	d := schemas.Decision{Minute: schemas.MinuteOf(time.Now()), Outcome: schemas.Rejected, Reason: reason}
	c.counters.count(d)
	// Nobody waits for it: what is not answered with success need not be durable.
	if _, err := c.events.Submit([]stream.Message{{Decisions: []schemas.Decision{d}}}); err != nil {
		c.counters.unaccounted.Inc()
	}
}

// serveReady says whether the collector takes events.
func (c *Collector) serveReady(ctx *fasthttp.RequestCtx) {
	if err := c.unready(); err != nil {
		answerError(ctx, fasthttp.StatusServiceUnavailable, err.Error())
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
	hops := strings.Split(string(ctx.Request.Header.Peek(fasthttp.HeaderXForwardedFor)), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return peer
		}
		if hop = hop.Unmap(); !c.trusted(hop) {
			return hop
		}
	}
	return peer
}

// place is the country or region that a trusted proxy states.
func (c *Collector) place(ctx *fasthttp.RequestCtx) string {
	if c.config.PlaceHeader == "" || !c.trusted(peerOf(ctx)) {
		return ""
	}
	return strings.ToUpper(string(ctx.Request.Header.Peek(c.config.PlaceHeader)))
}

func (c *Collector) trusted(address netip.Addr) bool {
	for _, network := range c.config.TrustedProxies {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

func peerOf(ctx *fasthttp.RequestCtx) netip.Addr {
	if tcp, ok := ctx.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
