package ingest

import (
	"bytes"
	_ "embed"
	"encoding/json"

	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
)

//go:embed tracker.js
var tracker []byte

// trackerConfig is what the script has to know of a site's policy, so that it
// does not even send what would not pass.
type trackerConfig struct {
	Site     string                 `json:"site"`
	Policy   string                 `json:"policy"`   // version, put into the consent cookie
	Material string                 `json:"material"` // consent to an older version is none
	GPC      []string               `json:"gpc"`      // purposes that Global Privacy Control refuses
	Events   map[string]trackerRule `json:"events"`   // by type
	Named    map[string]trackerRule `json:"named"`    // of custom events, by name
}

type trackerRule struct {
	Purpose string `json:"purpose"`
	Without string `json:"without"` // dropped, anonymised or allowed
}

// serveTracker serves GET /sekisho.js?site=NAME, the site's tracker script. It
// is the same for every visitor and carries nothing that could tell one from
// another: no validator, no cookie.
func (c *Collector) serveTracker(ctx *fasthttp.RequestCtx) {
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD")
		answerError(ctx, fasthttp.StatusMethodNotAllowed, "use GET")
		return
	}
	table := c.enforcer.Table()
	site := table.Site(string(ctx.QueryArgs().Peek("site")))
	if site == nil {
		answerError(ctx, fasthttp.StatusNotFound, "site must be one of the handling policy's: /sekisho.js?site=NAME")
		return
	}
	text, err := json.Marshal(configOf(table, site))
	if err != nil {
		answerError(ctx, fasthttp.StatusInternalServerError, "internal error")
		return
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "public, max-age=300")
	ctx.Response.Header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	ctx.Response.Header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	ctx.Response.Header.Set(fasthttp.HeaderAccessControlAllowOrigin, "*") // for <script crossorigin>
	ctx.SetContentType("text/javascript; charset=utf-8")
	ctx.SetBody(bytes.Replace(tracker, []byte("/*CONFIG*/ null"), text, 1))
}

// configOf reads a site's rules out of the table: without consent only the
// store, the first of the recipients, is given anything.
func configOf(table *enforcer.Table, site *enforcer.Site) trackerConfig {
	config := trackerConfig{
		Site:     site.Name,
		Policy:   table.Version,
		Material: table.Material,
		GPC:      table.StrictestGPC().Names(),
		Events:   map[string]trackerRule{},
		Named:    map[string]trackerRule{},
	}
	for _, row := range table.Rules() {
		if row.Site != site.Name {
			continue
		}
		rules := config.Named
		if new(schemas.EventType).UnmarshalText([]byte(row.Event)) == nil {
			rules = config.Events
		}
		if _, ok := rules[row.Event]; ok {
			continue
		}
		rules[row.Event] = trackerRule{Purpose: row.Purpose.String(), Without: row.WithoutConsent.String()}
	}
	return config
}
