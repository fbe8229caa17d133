//go:build browser

package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// visitor is a browser with a profile of its own, and who uses it.
type visitor struct {
	Marker string // in the query of every page that the visitor opens
	Agent  string // user agent, with the marker in it

	site string // address of the demo site
	ctx  context.Context

	mu       sync.Mutex
	problems []string // what the pages' scripts and policies complained of
}

// newVisitor starts a browser. It ends with the test; when that fails, a
// screenshot is kept and its path printed.
func newVisitor(t *testing.T, site, marker string) *visitor {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("install chromium: apt-get install chromium")
	}
	v := &visitor{
		Marker: marker,
		Agent:  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0." + marker + " Safari/537.36",
		site:   site,
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()), chromedp.UserAgent(v.Agent),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// The demo site needs nobody else.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost"),
	)
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(release)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	v.ctx = ctx
	v.do(t) // starts it
	if err := chromedp.Listen(ctx, v.listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.finish(t) })
	return v
}

// listen keeps uncaught exceptions and breaches of the content security policy.
func (v *visitor) listen(event any) {
	var problem string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceSecurity {
			return
		}
		problem = e.Entry.Text
	default:
		return
	}
	v.mu.Lock()
	v.problems = append(v.problems, problem)
	v.mu.Unlock()
}

func (v *visitor) finish(t *testing.T) {
	v.mu.Lock()
	for _, p := range v.problems {
		t.Errorf("%s: a page complained: %s", v.Marker, p)
	}
	v.mu.Unlock()
	if !t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(v.ctx, waitTime)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Logf("%s: no screenshot: %v", v.Marker, err)
		return
	}
	dir, err := os.MkdirTemp("", "sekisho-browser-")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, v.Marker+".png"), image, 0o600)
	}
	t.Logf("%s: screenshot in %s, %v", v.Marker, dir, err)
}

// do runs steps, one after the other.
func (v *visitor) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if len(steps) == 0 { // the context of the first call is the browser's
		if err := chromedp.Do(v.ctx); err != nil {
			t.Fatalf("cannot start chromium: %v", err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(v.ctx, waitTime)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("%s: %v", v.Marker, err)
	}
}

// withGPC has the browser send Global Privacy Control, as one does whose user
// has switched it on.
func (v *visitor) withGPC(t *testing.T) {
	t.Helper()
	v.do(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
			Headers: network.Headers{"Sec-GPC": "1"},
		}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `Object.defineProperty(Navigator.prototype, "globalPrivacyControl", {get: () => true})`,
		})
		return err
	}))
}

// open opens a page of the site, with the marker in its query.
func (v *visitor) open(t *testing.T, path string) {
	t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	v.do(t, chromedp.Navigate(v.site+path+separator+"marker="+v.Marker))
}

// click clicks what the selector finds, once it is there to be seen.
func (v *visitor) click(t *testing.T, selector string) {
	t.Helper()
	v.do(t, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// await waits until an expression in the page is true, whatever page that is by
// then.
func (v *visitor) await(t *testing.T, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, waitTime)
	defer cancel()
	eventually(t, waitTime, v.Marker+" to see "+expression, func() bool {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		return err == nil && is // an error where one page follows another
	})
}

// evaluate returns what an expression in the page is.
func evaluate[T any](t *testing.T, v *visitor, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, waitTime)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %s: %v", v.Marker, expression, err)
	}
	return value
}

// cookies returns all cookies of the browser by name, those too that scripts
// cannot read.
func (v *visitor) cookies(t *testing.T) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, waitTime)
	defer cancel()
	result, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, c := range result.Cookies {
		values[c.Name] = c.Value
	}
	return values
}

// awaitCookie waits until the browser has the cookie, and returns its value.
func (v *visitor) awaitCookie(t *testing.T, name string) (value string) {
	t.Helper()
	eventually(t, waitTime, "the cookie "+name, func() bool {
		value = v.cookies(t)[name]
		return value != ""
	})
	return value
}

// awaitNoCookie waits until the browser does not have the cookie.
func (v *visitor) awaitNoCookie(t *testing.T, name string) {
	t.Helper()
	eventually(t, waitTime, "the cookie "+name+" to go", func() bool {
		_, has := v.cookies(t)[name]
		return !has
	})
}

// awaitSent waits until the collector has answered for an event of the page,
// and so has stored it, with the outcome.
func (v *visitor) awaitSent(t *testing.T, event, outcome string) {
	t.Helper()
	v.await(t, fmt.Sprintf(`Array.from(document.querySelectorAll("#report-events .%s b"), (b) => b.textContent).includes(%q)`, outcome, event))
}
