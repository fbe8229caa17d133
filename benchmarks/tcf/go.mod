module sekisho/benchmarks/tcf

go 1.26.0

require (
	github.com/prebid/go-gdpr v1.12.0
	sekisho v0.0.0
)

require golang.org/x/sys v0.49.0 // indirect

replace sekisho => ../..
