package standin

import (
	"fmt"
	"html/template"
	"net/http"
)

// page shows a person what was received.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	if err := pageTemplate.Execute(w, s.Received()); err != nil {
		fmt.Fprintln(w, "the page could not be written")
	}
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Stand-in of {{.Vendor}}</title>
<style>body{font:15px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0}td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f2;padding:.5rem;margin:.2rem 0}.bad{color:#a00}</style>
<h1>Stand-in of {{.Vendor}}</h1>
<table>
<tr><th>requests<td>{{.Requests}}<td>{{range $s, $n := .Statuses}}{{$s}}: {{$n}} {{end}}{{if .Cut}}cut off: {{.Cut}}{{end}}
<tr><th>events<td>{{.Events}}<td>{{range $name, $n := .Names}}{{$name}}: {{$n}} {{end}}
<tr><th>dropped<td>{{.Dropped}}<td>by the vendor's rules, whether it says so or not
<tr><th>counted twice<td>{{.Doubled}}<td>recognised as known: {{.Deduplicated}}
<tr><th>deletions<td>{{.Deletions}}<td>events of deleted users since: {{.AfterDeletion}}
<tr><th>violations<td>{{.Violations}}<td class="bad">{{range $rule, $n := .Rules}}{{$rule}}: {{$n}} {{else}}none of its rules was broken{{end}}
<tr><th>identifiers<td><td>{{range $kind, $n := .Identifiers}}{{$kind}}: {{$n}} {{end}}
</table>
{{if .Listed}}<h2>Last violations</h2><table>{{range .Listed}}<tr><td>{{.Rule}}<td>{{.Path}}<td>{{.Message}}{{end}}</table>{{end}}
<h2>Last requests</h2>
{{range .Last}}<p>{{.At.Format "15:04:05.000"}} {{.Method}} {{.Path}} → {{if eq .Fault "reset"}}cut off{{else}}{{.Status}}{{end}}{{with .Fault}} ({{.}}){{end}}</p><pre>{{.Body}}</pre>{{end}}
</html>
`))
