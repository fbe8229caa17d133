package vendors

import (
	"fmt"
	"io"
)

// Introduce prints where the stand-ins are, and the configuration of forwarders
// to them.
func (s *Set) Introduce(to io.Writer) error {
	if _, err := fmt.Fprint(to, "The stand-ins are ready. Ctrl-C stops them.\n\n"); err != nil {
		return err
	}
	for _, server := range s.All() {
		if _, err := fmt.Fprintf(to, "  %-8s %s\n", server.Name(), server.URL()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(to, "\nForwarders to them, for a configuration:\n\n%s\n", s.Configuration())
	return err
}

// Configuration is the part of a configuration file that has forwarders to the
// stand-ins, under the names of the example policy.
func (s *Set) Configuration() string {
	return fmt.Sprintf(`forwarders:
  google:
    ga4:
      endpoint: %[1]s
      streams: {"*": {measurement_id: %[2]s, api_secret: "file:%[3]s"}}
      deletion: {endpoint: %[1]s, property: "%[4]s", token: "file:%[5]s"}
    delivery: {allow_private: [127.0.0.1]}
  meta:
    meta:
      endpoint: %[6]s
      pixels: {"*": {id: "%[7]s", token: "file:%[8]s"}}
    delivery: {allow_private: [127.0.0.1]}
  %[11]s:
    webhook: {url: %[9]s/events, secrets: ["file:%[10]s"]}
    delivery: {allow_private: [127.0.0.1]}
`, s.Google.URL(), MeasurementID, s.GoogleSecret, Property, s.GoogleToken,
		s.Meta.URL(), Pixel, s.MetaToken, s.Webhook.URL(), s.WebhookKey, Partner)
}
