package forward

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds what a recipient can ask for.
const maxRetryAfter = time.Hour

// retryAfter reads the header Retry-After: seconds or a date (RFC 9110, section
// 10.2.3). It is 0 when there is none that can be understood.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}
