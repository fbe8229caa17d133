package demosite

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
)

//go:embed templates
var templates embed.FS

//go:embed static
var static embed.FS

// pages serves the shop.
type pages struct {
	collector string
	products  []product
	templates map[string]*template.Template // by page
}

// page is what a template is given.
type page struct {
	Title     string
	Site      string
	Collector string
	Pixel     string // address of the page view of a browser without scripts
	Products  []product
	Product   product
	Order     string // number of an order that was placed
}

func newPages(collector string) http.Handler {
	p := &pages{collector: collector, products: catalogue(), templates: make(map[string]*template.Template)}
	for _, name := range []string{"home", "product", "checkout", "thanks", "privacy", "advertiser", "missing"} {
		p.templates[name] = template.Must(template.ParseFS(templates,
			"templates/layout.html", "templates/drawings.html", "templates/"+name+".html"))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show("home", "Teas from the old highways"))
	mux.HandleFunc("GET /product/{slug}", p.product)
	mux.HandleFunc("GET /checkout", p.checkout)
	mux.HandleFunc("GET /thanks", p.thanks)
	mux.HandleFunc("GET /privacy", p.show("privacy", "Privacy"))
	mux.HandleFunc("GET /advertiser", p.show("advertiser", "Example Ironworks"))
	mux.Handle("GET /static/", http.FileServerFS(static))
	mux.HandleFunc("GET /", p.missing)
	return mux
}

// show serves a page that needs nothing but its template.
func (p *pages) show(name, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.render(w, r, http.StatusOK, name, page{Title: title})
	}
}

func (p *pages) product(w http.ResponseWriter, r *http.Request) {
	product, ok := p.find(r.PathValue("slug"))
	if !ok {
		p.missing(w, r)
		return
	}
	p.render(w, r, http.StatusOK, "product", page{Title: product.Name, Product: product})
}

func (p *pages) checkout(w http.ResponseWriter, r *http.Request) {
	product, ok := p.find(r.URL.Query().Get("item"))
	if !ok {
		product = p.products[0]
	}
	p.render(w, r, http.StatusOK, "checkout", page{Title: "Your order", Product: product})
}

// orderNumber is what shop.js makes.
var orderNumber = regexp.MustCompile(`^EX-[0-9A-F]{8}$`)

func (p *pages) thanks(w http.ResponseWriter, r *http.Request) {
	order := r.URL.Query().Get("order")
	if !orderNumber.MatchString(order) {
		order = ""
	}
	p.render(w, r, http.StatusOK, "thanks", page{Title: "Thank you", Order: order})
}

func (p *pages) missing(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusNotFound, "missing", page{Title: "No such page"})
}

func (p *pages) find(slug string) (product, bool) {
	for _, product := range p.products {
		if product.Slug == slug {
			return product, true
		}
	}
	return product{}, false
}

// render writes a page whole or not at all.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, name string, data page) {
	data.Site, data.Collector, data.Products = Site, p.collector, p.products
	// Browsers tell another origin only where a page is, not which: so the
	// pixel is told, and without the query.
	address := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path}
	data.Pixel = p.collector + "/v1/pixel.gif?" + url.Values{"site": {Site}, "url": {address.String()}}.Encode()
	var out bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&out, "layout", data); err != nil {
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}
