package vendors

import (
	"fmt"
	"io"
)

// Introduce prints where the stand-ins are.
func (s *Set) Introduce(to io.Writer) error {
	_, err := fmt.Fprint(to, "The stand-ins are ready. Ctrl-C stops them.\n\n")
	for _, server := range s.All() {
		if err == nil {
			_, err = fmt.Fprintf(to, "  %-8s %s\n", server.Name(), server.URL())
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(to, `
Secrets that they know:

  google   file:%s (API secret of %s and %s)
           file:%s (token that may delete users of property %s)
  meta     file:%s (token of pixel %s)
  webhook  file:%s

`, s.GoogleSecret, MeasurementID, FirebaseAppID, s.GoogleToken, Property, s.MetaToken, Pixel, s.WebhookKey)
	}
	return err
}
