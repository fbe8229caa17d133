package embedded

// packageVersion is the npm version of the pinned engine.
const packageVersion = "26.7.3-stable.1"

// npmPackage is one pinned build of the engine.
type npmPackage struct {
	name      string // npm package name
	version   string // npm version
	platform  string // names the cache directory
	integrity string // "sha512-" and base64, as npm prints it
	size      int64  // of the tarball, in bytes: only the progress bar needs it
}

// pinnedPackage is the build for a platform, by GOOS and GOARCH. A platform
// belongs here once its hash is known (npm view NAME@VERSION dist.integrity):
// nothing unpinned is ever loaded.
func pinnedPackage(goos, goarch string) (npmPackage, bool) {
	p := npmPackage{version: packageVersion}
	switch goos + "/" + goarch {
	case "linux/amd64":
		p.platform = "linux-x64-gnu"
		p.integrity = "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
		p.size = 177_817_999
	default:
		return npmPackage{}, false
	}
	p.name = "@chdb/lib-" + p.platform
	return p, true
}
